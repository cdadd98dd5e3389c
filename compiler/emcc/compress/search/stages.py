"""The stages of a search: each takes a State and gives one, an epoch or a decision at a time."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from emcc.base.errors import EmccError
from emcc.base.events import Event
from emcc.compress.importance.choice import grown
from emcc.compress.importance.saliency import saliency
from emcc.compress.importance.scan import scan
from emcc.compress.importance.use import ROWS
from emcc.compress.method import Books, Chooser, Codebooks, Costs, Make, Parameters, Setting, Shrinks, Zeros
from emcc.compress.parameters import decoded
from emcc.compress.problem import Problem
from emcc.compress.record import Coder, rows
from emcc.compress.rounding import biases_rounded, biases_to_step
from emcc.compress.search import entries
from emcc.compress.search.entries import Trials
from emcc.compress.search.goal import Goal, Search
from emcc.compress.search.store import Store
from emcc.compress.state import State, graph_of, state_of
from emcc.compress.trainer import Span, train
from emcc.ir.graph import Array, Graph, Node

CLEAN = {"pruning": 0.3, "settling": 0.7, "moving codes": 1.0, "training codebooks": 1.0}
"""Share of samples that are not augmented, by stage: the last ones fit what the network will see.

LeNet-5 trained on warped digits for 11 epochs errs on 0.72 % of the test set, after one more on clean ones on 0.45 %.
"""

FIRST = 0.4
"""Density at which pruning begins: what goes before hardly matters."""

AUDITION, STEPS = 0.03, 120
"""The share of the weights that forms of a method are compared at, and the steps of training that each gets."""

END = 0.25
"""Of the steps of training that there are, those kept for what follows the levels of --max-drop."""

ALMOST = 0.995
"""Of a wanted size, what is aimed at while codes move. They take about 2 % more than before they moved."""


PARTS = (1.0, 0.5, 0.25)
"""Of the channels that are to go, those that --max-drop tries to take out, one after another."""


def _rows(graph: Graph, node: Node) -> int:
    """Channels that a layer makes."""
    return int(graph.constants[node.inputs[1]].shape[0])


@dataclass(frozen=True)
class Methods:
    """The methods that a search combines."""

    zeros: Zeros
    codebooks: Codebooks
    channels: Shrinks | None = None


class Stages:
    """What the stages share. Every epoch and every decision is a step of the store.

    Attributes:
        rows, curve: for the record. before: (loss, quality) of the model as it came.
        used: steps of training so far.
        zeros: the form of the method that chooses zeros; codebooks: the method that shares weights.
    """

    def __init__(
        self,
        problem: Problem,
        goal: Goal,
        options: Search,
        methods: Methods,
        coder: Coder,
        store: Store,
        tell: Callable[[Event], None] | None = None,
    ) -> None:
        self.problem, self.goal, self.options, self.coder, self.store = problem, goal, options, coder, store
        self.tell = tell or (lambda event: None)
        self.zeros, self.codebooks, self.channels = methods.zeros, methods.codebooks, methods.channels
        self.rows: list[dict[str, Any]] = []
        self.curve: list[dict[str, Any]] = []
        self.before = (0.0, 0.0)
        self.used = 0
        self._size = sum(problem.network.constants[node.inputs[1]].size for node in problem.network.layers())

    def scan(self, start: State) -> dict[str, Any]:
        """The sensitivity scan, and which form of the method ranks weights best between layers.

        Each grows a network of a share AUDITION of the weights in a few steps, and the least held-out loss wins.
        """
        self.say("sensitivity scan", 0, 1, start, 0.0)
        sensitivity = scan(self.problem, start)
        forms = self.zeros.forms({row["weight"]: row["curvature"] for row in sensitivity})
        losses = {}
        for kind, form in forms.items() if self.options.score not in forms and len(forms) > 1 else ():
            choose = self.chooser(round(start.size() * FIRST), max(1, round(start.size() * AUDITION)), 1, form)
            span = Span(0.0, 1.0, self.options.learning_rate, 0.7, STEPS)
            parameters = form.parameters(self.problem.torch, start, choose, self.options.every)
            trained, _ = train(self.problem, start, parameters, span)
            losses[kind] = self.problem.judge(graph_of(self.problem.network, trained))[0]
        best = self.options.score if self.options.score in forms else min(forms, key=lambda kind: losses.get(kind, 0.0))
        return {"rows": sensitivity, "scores": losses, "score": best}

    def shrink(self) -> list[dict[str, Any]]:
        """Take channels out: from here on the problem is of what is left. A row a layer: what it keeps.

        As many as asked for, or a part of that, counted in logarithms, where the goal is a drop that is exceeded.
        """
        whole, rows_before = self.problem, list(self.rows)
        if self.channels is None:
            return []
        for part in PARTS:
            self.problem, self.rows = whole, list(rows_before)
            graph = self.channels.on(whole).partly(part).stagewise(whole.network, self.tuned)
            self.problem = whole.of(graph)
            if self.goal.max_drop is None or self.fits(state_of(graph)):
                break
        else:
            self.problem, self.rows = whole, rows_before
        layers = zip(whole.network.layers(), self.problem.network.layers(), strict=True)
        return [
            {"layer": old.name, "before": _rows(whole.network, old), "channels": _rows(self.problem.network, new)}
            for old, new in layers
        ]

    def tuned(self, graph: Graph, epochs: int) -> Graph:
        """A graph without some channels after so many epochs with the zeros as they are."""
        self.problem, state = self.problem.of(graph), state_of(graph)
        for epoch in range(epochs):
            state = self.epoch(
                "settling", state, epoch, epochs, self.weights(None), rate=self.options.learning_rate / 2
            )
        return graph_of(graph, state)

    def grow(self, state: State, count: int, epochs: int, end: Callable[[State, int], int] | None = None) -> State:
        """Sparsity grows until `count` weights are left, over so many epochs; `end(state, count)` may correct it.

        The logarithm of the density falls along a parabola: fast first, slowly in the end. Each choice is of the
        weights that are left.
        """
        state = state.fresh()
        begun = min(state.kept(), max(count, round(state.size() * FIRST)))
        for epoch in range(epochs):
            choose = self.chooser(begun, count, epochs)
            state = self.epoch("pruning", state, epoch, epochs, self.weights(choose), hold=0.7)
            if end and epoch + 1 < epochs:
                count = min(self.store.value(partial(end, state, count)), state.kept())
        return self.exactly(state, count)

    def chooser(self, begun: int, wanted: int, epochs: int, zeros: Zeros | None = None) -> Chooser:
        """Masks at a time `at` (0 to 1) of growing sparsity from `begun` weights to `wanted`; see `grow`."""
        method = zeros or self.zeros

        def choose(weights: Mapping[str, Array], gradients: Mapping[str, Array], at: float) -> dict[str, Array]:
            part = min(1.0, at / (1 - 0.5 / epochs))
            least = max(1, wanted)
            above = math.log(max(begun, least) / least)
            now = wanted if part >= 1 else round(least * math.exp(above * (1 - part) ** 2))
            new = int(now * self.options.regrow * (1 - part)) if gradients else 0
            worth = method.worth(self.problem, State(weights, {}))
            masks = method.choose(self.problem.network, weights, now - new, worth)
            return grown(masks, gradients, new) if new else masks

        return choose

    def exactly(self, state: State, count: int) -> State:
        """Exactly `count` weights (fewer where fewer are left)."""
        worth = self.zeros.worth(self.problem, state)
        masks = self.zeros.choose(self.problem.network, state.weights, count, worth)
        return replace(state, weights={n: np.where(masks[n], w, np.float32(0)) for n, w in state.weights.items()})

    def settled(self, state: State, epochs: int) -> State:
        """So many epochs with the zeros as they are."""
        state = state.fresh()
        begun = state_of(self.problem.network).weights
        for epoch in range(epochs):
            state = self.epoch(
                "settling", state, epoch, epochs, self.weights(None), rate=self.options.learning_rate / 2
            )
        self.note("pruned", state, begun)
        return state

    def share(self, state: State, room: tuple[int, int] | None = None, price: float = 1.0) -> State:
        """Codebooks: their sizes picked, weights moved between codes, then codebooks trained, biases rounded.

        room: the bytes that there are, and those of the file without any weight. What does not fit goes as codes move.
        price: of a bit, relative to what pruning pays, where there is no room to fill.
        """
        options, problem = self.options, self.problem
        begun = state.weights
        sizes = self.entries(state, room, price)
        moving = self.moving(sizes)
        values, codes = self.assigned(state.weights, sizes)
        state = replace(state.fresh(), values=values, codes=codes)
        if room:
            state = self.store.state(partial(self.fitted, state, *room))
        for epoch in range(options.code_epochs):
            state = self.epoch(
                "moving codes", state, epoch, options.code_epochs, moving, rate=options.learning_rate / 4
            )
            if room:
                state = self.store.state(partial(self.fitted, state, *room))
        state = replace(state, weights=decoded((dict(state.values), dict(state.codes)))).fresh()
        first = options.shared_epochs // 2
        for epoch in range(first):
            state = self.trained_entries(state, epoch, first, biases=True)
        state = self.store.state(partial(biases_rounded, problem, state, options.bias_bits)).fresh()
        for epoch in range(options.shared_epochs - first):
            state = self.trained_entries(state, epoch, options.shared_epochs - first)
        self.note("shared", state, begun)
        return state

    def trained_entries(self, state: State, epoch: int, epochs: int, biases: bool = False) -> State:
        """An epoch in which only codebooks learn, and biases where asked to."""
        rate = self.options.shared_learning_rate
        make = partial(self.codebooks.entries, biases=biases)
        return self.epoch("training codebooks", state, epoch, epochs, make, rate=rate)

    def moving(self, sizes: Mapping[str, int]) -> Make:
        """The parameters of a stage in which weights move between codes, of so many entries a layer."""

        def assign(weights: Mapping[str, Array]) -> Books:
            return self.assigned(weights, sizes)

        def make(torch: Any, state: State) -> Parameters:
            return self.codebooks.parameters(torch, state, assign, self.options.every)

        return make

    def entries(self, state: State, room: tuple[int, int] | None, price: float) -> dict[str, int]:
        """Entries a layer: what a price of a bit says, or what does best in `room` (see `share`)."""
        position_bits = self.zeros.bits_of(state.kept(), state.size())
        slope, trials = self.store.value(
            lambda: entries.trials(self.problem, state, self.codebooks, self.options.entries, position_bits)
        )
        names = {node.inputs[1]: node.name for node in self.problem.network.layers()}
        for name, tried in trials.items():
            self.rows += [
                {"pass": "codes", "layer": names[name], "entries": count, "bits": bits, "loss": rise}
                for count, bits, rise in tried
            ]
        if room is None:
            return entries.pick(trials, slope * price)
        return dict(self.store.value(partial(self.within, state, trials, slope, room)))

    def within(self, state: State, trials: Trials, slope: float, room: tuple[int, int]) -> Mapping[str, int]:
        """Entries a layer by the price of a bit at which the held-out loss is least, in files of one size.

        Richer codebooks cost weights: of every price's codebooks what does not fit goes, and then all is judged.
        """
        losses: dict[str, float] = {}

        def chosen(place: int) -> Mapping[str, int]:
            return self.filled(state, trials, entries.pick(trials, slope * entries.PRICES[place]), room[0])

        def loss(place: int) -> float:
            sizes = chosen(place)
            if str(sizes) not in losses:
                values, codes = self.assigned(state.weights, sizes)
                tried = self.fitted(replace(state, values=values, codes=codes), *room)
                losses[str(sizes)] = self.problem.judge(graph_of(self.problem.network, tried))[0]
                self.say("choosing codebooks", len(losses), len(entries.PRICES), tried, losses[str(sizes)])
            return losses[str(sizes)]

        return chosen(entries.cheapest(loss, len(entries.PRICES), entries.BEGIN))

    def filled(self, state: State, trials: Trials, chosen: dict[str, int], target: int) -> Mapping[str, int]:
        """More entries, a layer and a step at a time, while there is room for them."""
        while True:
            for tried in entries.richer(trials, chosen):
                if self.bytes(self.quick(state, tried)) <= ALMOST * target:
                    chosen = tried
                    break
            else:
                return chosen

    def fitted(self, state: State, target: int, floor: int) -> State:
        """About as many of the weights as fit, biases rounded to a few bits; at the end nothing but the file counts."""
        worth: dict[str, Array] = {}
        for _ in range(9):
            size = self.bytes(biases_to_step(state, 4))
            if size <= ALMOST * target:
                break
            worth = worth or saliency(self.problem, state)
            state = self.fewer(state, size, ALMOST * target, floor, worth)
        return state

    def fewer(self, state: State, size: int, target: float, floor: int, worth: Mapping[str, Array]) -> State:
        """A shared state of `size` bytes without the weights of least worth, about as many as `target` asks for."""
        per_weight = max(0.2, (size - floor) / max(1, state.kept()))
        less = max(1, math.ceil((size - target) / per_weight))
        masks = self.zeros.choose(self.problem.network, state.weights, max(0, state.kept() - less), worth)
        codes = {name: np.where(masks[name], old, 0).astype(np.uint8) for name, old in state.codes.items()}
        weights = {name: np.where(masks[name], old, np.float32(0)) for name, old in state.weights.items()}
        return replace(state, codes=codes, weights=weights)

    def weights(self, choose: Chooser | None) -> Make:
        """The parameters of a stage in which zeros move as `choose` says, or stay."""
        return lambda torch, state: self.zeros.parameters(torch, state, choose, self.options.every)

    def epoch(
        self,
        stage: str,
        state: State,
        epoch: int,
        epochs: int,
        make: Make,
        rate: float | None = None,
        hold: float = 0.0,
    ) -> State:
        """One epoch of a stage, trained as `make` says; at the options' learning rate where none is given."""
        losses: list[float] = []

        def trained() -> State:
            base = self.options.learning_rate if rate is None else rate
            span = Span(epoch / epochs, (epoch + 1) / epochs, base, hold, clean=CLEAN[stage])
            span = replace(span, limit=self.options.cap(self.goal.max_drop is not None))
            after, loss = train(self.problem, state, make(self.problem.torch, state), span)
            if not math.isfinite(loss):
                raise EmccError("training diverged", hint="lower learning_rate in the recipe's [search]")
            losses.append(loss)
            return after

        after = self.store.state(trained)
        self.used += after.steps - state.steps
        self.curve.append(self.store.value(partial(self.point, stage, after)))
        for loss in losses:
            self.say(stage, epoch + 1, epochs, after, loss, self.curve[-1]["quality"])
        return after

    def point(self, stage: str, state: State) -> dict[str, Any]:
        """A point of the search: steps of training so far, share of all weights that is left, quality held out.

        quality: in percent; None where it is no number.
        """
        quality = self.quality(state)
        known = {"quality": quality if math.isfinite(quality) else None}
        return {"stage": stage, "steps": self.used, "kept": state.kept() / self._size, **known}

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

    def spent(self) -> bool:
        """Whether the steps of training are used up, but for those that the end takes."""
        return bool(self.options.steps) and self.used >= self.options.steps * (1 - END)

    def measured(self, shared: Graph) -> dict[str, Any]:
        """What the record says of the result."""
        problem = self.problem
        yardstick, outputs = problem.yardstick, problem.outputs(shared)
        return {
            "task": problem.judged.task,
            "measure": problem.measure,
            "held_out": len(problem.held),
            "trained_on": len(problem.train),
            "trained_steps": self.used,
            "quality_before": yardstick.before.value,
            "quality": yardstick.judged.score(outputs).value,
            "lost": yardstick.lost(outputs),
            "lost_at_most": yardstick.lost_at_most(outputs),
            "agreement": yardstick.agreement(outputs),
            "doubts": yardstick.doubts(outputs),
        }

    def note(self, name: str, state: State, before: Mapping[str, Array]) -> None:
        """Add a row a layer to the record; `before` are the weights that the pass began with.

        Bits and bytes are as shared with a few entries and without training, where weights are not shared yet.
        """
        self.rows += self.store.value(partial(self.facts, name, state, before))

    def facts(self, name: str, state: State, before: Mapping[str, Array]) -> list[dict[str, Any]]:
        """The rows of `note`."""
        problem, original = self.problem, self.problem.network
        after = graph_of(original, state)
        coded = self.coder.layers(after if state.codes else graph_of(original, self.quick(state)))
        return rows(name, before, after, coded, problem.yardstick.agreement(problem.outputs(after)))

    def say(self, stage: str, done: int, total: int, state: State, loss: float, known: float | None = None) -> None:
        """Tell of an epoch; `known`: its quality, where that was measured."""
        quality = known if known is not None else self.quality(state) if done else self.before[1]
        sparsity = 1 - state.kept() / state.size()
        self.tell(Event(stage, done, total, loss, sparsity, quality, self.problem.measure))
