"""The fixed schedule of `emcc compile` without a goal: prune and fine-tune in turns, share, fine-tune codebooks."""

import math
from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import cached_property, partial
from typing import Any, ClassVar

from emcc.base.events import Event
from emcc.base.options import option
from emcc.compress.helpers import Helpers
from emcc.compress.method import Assigner, Binarises, Codebooks, Make, Parameters, Shrinks, Zeros
from emcc.compress.parameters import Entries, Weights
from emcc.compress.problem import Aim, Problem
from emcc.compress.quantisers.quantiser import Quantiser
from emcc.compress.state import State, graph_of, state_of
from emcc.compress.trainer import Span, deterministic, import_torch, train
from emcc.ir.graph import Graph
from emcc.ops import having
from emcc.samples.dataset import Dataset
from emcc.samples.split import Sides

DISTIL = ("auto", "values", "distribution")
STAGE = "fine-tuning"


@dataclass(frozen=True)
class Finetune(Helpers):
    """Gradient descent on what compression left, weights and biases; needs torch.

    Before sharing, the weights that are not zero are trained, and zeros stay exactly zero. After sharing (the graph
    has codebooks) the codebooks' entries are, each by the sum of its weights' gradients; codes do not change.

    The aim, on `data`: the labels' cross entropy, or the squared error of a regression's targets over their variance,
    and in the share `soft` the teacher's outputs beside them, a classifier's softened by `temperature`. Without labels
    and targets the outputs of `teacher`, the model before it was compressed (Hinton et al. 2015): a regression's and
    with `distil` "values" by their squared error over their variance, with "distribution" by the Kullback-Leibler
    divergence of their softmax at `temperature`. "auto" is "distribution" where the host applies a softmax or arg-max.
    (LeNet-300-100 pruned to a tenth, without labels, keeps 97.6 % with "values" and 97.8 % with "distribution" of 97.7
    %; but outputs that are not scores have no distribution.)

    What decides is not trained on (`sides`, else a part `holdout` of the data); after each epoch it judges, and the
    best state is the result, the one before the first epoch included: what is held out never gets worse.

    `network` is the graph before it is pruned, where that is not the teacher but the same with layers split.

    The same seed, data and machine give the same bits.
    """

    epochs: int = option(12, "passes over the data before sharing; all stages of pruning together", low=0, high=10_000)
    steps: int = option(4, "stages in which pruning and fine-tuning take turns", low=1, high=100)
    learning_rate: float = option(1e-3, "of Adam, before sharing; falls to zero along a cosine", low=0.0, high=1.0)
    shared_epochs: int = option(4, "passes over the data after sharing", low=0, high=10_000)
    shared_learning_rate: float = option(3e-4, "of Adam, after sharing", low=0.0, high=1.0)
    batch: int = option(128, "samples a step, at most", low=1, high=1_000_000)
    least_steps: int = option(40, "steps of a pass over small data, at least", low=1, high=1_000_000)
    distil: str = option("auto", "what to learn of the original model without labels", choices=DISTIL)
    temperature: float = option(1.0, "of distilling a distribution", low=0.01, high=1000.0)
    soft: float = option(
        0.0, "share of the original model's outputs in the aim, beside labels", low=0.0, high=1.0, silent=True
    )
    holdout: float = option(0.1, "share of the data that judges and does not train", low=0.0, high=0.9)
    threads: int = option(1, "processor threads; the last bits of the result depend on it", low=1, high=1024)
    seed: int = option(0, "of the order of the data", low=0, high=2**32 - 1)
    data: Dataset | None = None
    teacher: Graph | None = None
    sides: Sides | None = None
    task: str = "auto"
    network: Graph | None = None
    progress: Callable[[Event], None] | None = None
    codebooks: Codebooks | None = None
    name: ClassVar[str] = "finetune"

    @cached_property
    def problem(self) -> Problem:
        """What trains and what judges; made once for all stages."""
        if self.data is None or self.teacher is None:
            raise ValueError("nothing to learn from")
        by_host = any(op in having("host") for op, _ in self.teacher.host)
        labelled = self.soft > 0 and self.data.labelled
        scores = self.distil == "distribution" or (self.distil == "auto" and (by_host or labelled))
        helpers = {entry.name: getattr(self, entry.name) for entry in fields(Helpers)}
        aim = Aim(self.holdout, self.seed, self.batch, self.least_steps, self.soft, self.temperature, scores, **helpers)
        return Problem(import_torch(), self.teacher, self.data, aim, self.sides, self.task, self.network)

    def apply(self, graph: Graph) -> Graph:
        """The trained graph; the same one without data. Raises EmccError without torch."""
        return self.train(graph, self.shared_epochs if graph.codebooks else self.epochs)

    def train(self, graph: Graph, epochs: int, make: Make | None = None, begun: Graph | None = None) -> Graph:
        """Train for so many epochs; see `states`."""
        return self.states(graph, epochs, make, begun)[0]

    def states(
        self, graph: Graph, epochs: int, make: Make | None = None, begun: Graph | None = None
    ) -> tuple[Graph, State]:
        """The best of all epochs' ends and the beginning, and the state that it is of, that of `graph` for the latter.

        `make` gives the parameters of a state: by default the weights that are not zero, or codebooks' entries.
        `begun`: what `graph` is to the one who makes shared weights of it, where it is not itself the beginning.
        """
        if self.data is None or epochs == 0 or not any(graph.layers()):
            return begun or graph, state_of(graph)
        shared = graph.codebooks or graph.blocks or begun
        rate = self.shared_learning_rate if shared else self.learning_rate
        make = make or (self._entries if graph.codebooks else Weights)
        torch = import_torch()
        with deterministic(torch, self.threads):
            problem, state = self.problem.of(graph), state_of(graph)
            best, (least, _) = (begun or graph, state), problem.judge(begun or graph)
            sparsity = 1 - state.kept() / state.size()
            for epoch in range(epochs):
                span = Span(epoch / epochs, (epoch + 1) / epochs, rate)
                state, _ = train(problem, state, make(torch, state), span)
                trained = graph_of(graph, state)
                loss, quality = problem.judge(trained)
                if self.progress:
                    self.progress(Event(STAGE, epoch + 1, epochs, loss, sparsity, quality, problem.measure))
                if math.isfinite(loss) and loss < least:
                    best, least = (trained, state), loss
        return best

    def _entries(self, torch: Any, state: State) -> Parameters:
        return self.codebooks.entries(torch, state) if self.codebooks else Entries(torch, state)


@dataclass(frozen=True)
class Shrinking:
    """A method that takes channels out, in its stages, and Finetune of what each leaves; without data it alone."""

    channels: Shrinks
    finetune: Finetune

    @property
    def name(self) -> str:
        """The method's."""
        return self.channels.name

    @property
    def role(self) -> str:
        """The method's."""
        return self.channels.role

    def apply(self, graph: Graph) -> Graph:
        """The smaller graph, trained."""
        method = self.channels.on(self.finetune.problem if self.finetune.data is not None else None)
        return method.stagewise(graph, self.finetune.train)


@dataclass(frozen=True)
class Binarising:
    """A method that has layers hand on signs, and Finetune of the graph with them, for the method's epochs."""

    activations: Binarises
    finetune: Finetune

    @property
    def name(self) -> str:
        """The method's."""
        return self.activations.name

    @property
    def role(self) -> str:
        """The method's."""
        return self.activations.role

    def apply(self, graph: Graph) -> Graph:
        """The graph with signs, trained."""
        method = self.activations.on(self.finetune.problem)
        return self.finetune.train(method.apply(graph), method.epochs)


@dataclass(frozen=True)
class Through:
    """A quantiser, and Finetune of the weights behind it: `finetune.shared_epochs`, straight through its levels."""

    codebooks: Quantiser
    finetune: Finetune

    @property
    def name(self) -> str:
        """The method's."""
        return self.codebooks.name

    @property
    def role(self) -> str:
        """The method's."""
        return self.codebooks.role

    def apply(self, graph: Graph) -> Graph:
        """The quantised and trained graph; the method alone without data or epochs."""
        self.codebooks.check(graph)
        codebooks = self.codebooks.settled(graph)
        assign, begun = codebooks.assigner(graph), codebooks.apply(graph)
        make = partial(self._parameters, assign)
        return self.finetune.train(graph, self.finetune.shared_epochs, make, begun)

    def _parameters(self, assign: Assigner, torch: Any, state: State) -> Parameters:
        return self.codebooks.parameters(torch, state, assign, 1)


def cubic(final: float, step: int, steps: int, initial: float = 0.0) -> float:
    """The sparsity after `step` of `steps` (Zhu and Gupta 2017, "To prune, or not to prune", equation 1)."""
    return final + (initial - final) * (1 - step / steps) ** 3


@dataclass(frozen=True)
class Gradual:
    """A method of zeros and Finetune in turns: `finetune.steps` times, at a strength that rises fast first.

    The epochs are shared out evenly, the remainder to the last stage. Without data, or without epochs, it is the
    method alone.
    """

    zeros: Zeros
    finetune: Finetune

    @property
    def name(self) -> str:
        """The method's."""
        return self.zeros.name

    @property
    def role(self) -> str:
        """The method's."""
        return self.zeros.role

    def apply(self, graph: Graph) -> Graph:
        """The pruned and fine-tuned graph; exactly as sparse as the method alone makes it."""
        steps = min(self.finetune.steps, self.finetune.epochs)
        if self.finetune.data is None or steps == 0:
            return self._given(self.zeros, graph).apply(graph)
        for step in range(1, steps + 1):
            share = 1.0 if step == steps else cubic(1.0, step, steps)
            epochs = self.finetune.epochs // steps + (self.finetune.epochs % steps if step == steps else 0)
            zeros = self._given(self.zeros.partly(share), graph)
            graph = self.finetune.train(zeros.apply(graph), epochs, self._parameters)
        return graph

    def _given(self, zeros: Zeros, graph: Graph) -> Zeros:
        """The method with what it measures on the data, if it does."""
        if not zeros.measures or self.finetune.data is None:
            return zeros
        return zeros.given(zeros.worth(self.finetune.problem.of(graph), state_of(graph)))

    def _parameters(self, torch: Any, state: State) -> Parameters:
        return self.zeros.parameters(torch, state, None, 1)
