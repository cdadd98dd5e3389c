"""What a State of a search is worth: the bytes of its file, its quality on the samples that decide."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial

from emcc.compress.importance.use import ROWS
from emcc.compress.method import Books, Codebooks, Costs, Setting, Shrinks, Zeros
from emcc.compress.problem import Problem
from emcc.compress.record import Coder
from emcc.compress.rounding import biases_to_step
from emcc.compress.search import entries
from emcc.compress.search.goal import Goal, Search
from emcc.compress.search.store import Store
from emcc.compress.state import State, graph_of
from emcc.ir.graph import Array


@dataclass(frozen=True)
class Methods:
    """The methods that a search combines."""

    zeros: Zeros
    codebooks: Codebooks
    channels: Shrinks | None = None


class Worth:
    """A search's problem and methods, and what it asks of a State.

    Attributes:
        before: (loss, quality) of the model as it came.
        zeros: the form of the method that chooses zeros; codebooks: the method that shares weights.
        channels: the method that takes out channels, or None.
    """

    def __init__(
        self, problem: Problem, goal: Goal, options: Search, methods: Methods, coder: Coder, store: Store
    ) -> None:
        self.problem, self.goal, self.options, self.coder, self.store = problem, goal, options, coder, store
        self.zeros, self.codebooks, self.channels = methods.zeros, methods.codebooks, methods.channels
        self.before = (0.0, 0.0)

    def assigned(self, weights: Mapping[str, Array], sizes: Mapping[str, int]) -> Books:
        """(values, codes) of every layer, of so many entries."""
        return self.books(weights, {name: (size, entries.PRICE) for name, size in sizes.items()})

    def books(self, weights: Mapping[str, Array], settings: Mapping[str, Setting], costs: Costs | None = None) -> Books:
        """(values, codes) of every layer by its setting, and by what errors cost, where that is given."""
        made = {
            name: self.codebooks.assign(array, settings[name], (costs or {}).get(name))
            for name, array in weights.items()
        }
        return {name: book[0] for name, book in made.items()}, {name: book[1] for name, book in made.items()}

    def costs(self, state: State) -> Costs:
        """What errors of weights cost in the network of a state, for codebooks that nothing trains afterwards.

        Those that are trained hardly get better by it: LeNet-300-100 in 5 and 3.5 kB lost 0.03 to 0.11 points in three
        of four searches, and won 0.07 in one, for every weight moves, and gradients know what it costs.
        """
        graph = graph_of(self.problem.network, replace(state, values={}, codes={}))
        return self.codebooks.costs(graph, self.problem.some(ROWS))

    def bytes(self, state: State) -> int:
        """Bytes of model.emc."""
        return len(self.coder(graph_of(self.problem.network, state)))

    def quick(self, state: State, sizes: Mapping[str, int] | None = None) -> State:
        """The state as sharing would leave it, roughly, without training."""
        few = min(5, self.options.entries)
        sizes = sizes or {name: self.codebooks.sizes(array, few)[-1] for name, array in state.weights.items()}
        values, codes = self.assigned(state.weights, sizes)
        return biases_to_step(replace(state, values=values, codes=codes), 4)

    def quality(self, state: State) -> float:
        """In percent; see Problem.judge."""
        return self.problem.judge(graph_of(self.problem.network, state))[1]

    def stored_quality(self, state: State) -> float:
        """The same, as a step of the store."""
        return float(self.store.value(partial(self.quality, state)))

    def lost(self, state: State) -> float:
        """Points that it loses at most, in 19 cases of 20; see samples.judge.Score."""
        return self.problem.yardstick.lost_at_most(self.problem.outputs(graph_of(self.problem.network, state)))

    def fits(self, state: State) -> bool:
        """Whether it loses no more than `max_drop`; a step of the store."""
        return float(self.store.value(partial(self.lost, state))) <= float(self.goal.max_drop or 0.0)
