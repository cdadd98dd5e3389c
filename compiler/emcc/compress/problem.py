"""The problem that compression solves: what trains, what decides, what the aim is."""

import math
from collections.abc import Callable, Iterator
from copy import copy
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from typing import Any

import numpy as np

from emcc.compress.augment import Augment
from emcc.compress.dropout import Dropout
from emcc.compress.helpers import Helpers
from emcc.ir.batch import ends, sample_shape
from emcc.ir.graph import Array, Graph
from emcc.ops import interpret
from emcc.samples.dataset import Dataset
from emcc.samples.judge import Judge, variance
from emcc.samples.judges import AnyJudge
from emcc.samples.split import Sides, split, spread
from emcc.samples.yardstick import Yardstick, yardstick

EVALUATE = 1024
PERIOD, ROOM = 6, 1 << 25
"""Epochs after which orders and augmentation come again; numbers of the original's outputs that are kept."""

CERTAIN = 1e-6
"""How far a probability stays from 0 and 1 in a cross entropy: a function table gives both."""

BATCHES, SMALL = 8, 16
"""Batches that small data is cut into at least, where they have at least SMALL samples."""


@dataclass(frozen=True)
class Aim(Helpers):
    """How a problem is set, and with which helpers of training.

    Attributes:
        holdout: share of the data that decides and does not train; seed: of orders and random changes.
        batch: samples a step, at most. least_steps: of an epoch; small data comes as often as that takes.
        distil: share of the original model's outputs in the aim, beside labels; without labels they are all of it.
        temperature: of distilling scores (Hinton et al. 2015).
        scores: whether a classifier's outputs are learned as scores, by the Kullback-Leibler divergence, or as values,
            by the mean squared error over their variance. A regression's are values.
        augment: random changes of image inputs; dropout, input_dropout: shares that a step leaves out.
    """

    holdout: float = 0.1
    seed: int = 0
    batch: int = 256
    least_steps: int = 1
    distil: float = 0.0
    temperature: float = 1.0
    scores: bool = True
    augment: str = "none"
    dropout: float = 0.0
    input_dropout: float = 0.0


def outputs(
    torch: Any,
    graph: Graph,
    x: Any,
    constants: dict[str, Any] | None = None,
    through: Callable[[str, Any], Any] | None = None,
) -> Any:
    """The graph's outputs, [n, features], by the operators' own meaning; `through`: see interpret.trace."""
    if through is None:
        return interpret.run(graph, x, torch, constants).flatten(1)
    values = interpret.trace(graph, x, torch, constants, graph.outputs, through)
    return interpret.outputs(graph, values, torch).flatten(1)


@dataclass
class Problem:
    """A folded float graph and its data, and what training needs of both.

    Attributes:
        torch: the module. original: the graph that is learned from, and held against. given: what is compressed, where
            that is another, with layers split or without some channels (see `network` and `of`).
        sides: which rows train and which decide. task: what the user says that the outputs are for, see samples.judge.
        yardstick: judges outputs on the samples that decide, against the original's.
        dropout: how activations are left out in training.

    Raises:
        EmccError: the task does not go with the model and its data, or the model's outputs are not finite.
    """

    torch: Any
    original: Graph
    data: Dataset
    options: Aim
    sides: Sides | None = None
    task: str = "auto"
    given: Graph | None = None
    yardstick: Yardstick = field(init=False)

    def __post_init__(self) -> None:
        sides = self.sides or split(self.data, self.options.holdout, self.options.seed)
        self.train, self.held, self.judges = sides.train, sides.held, sides.judges
        self._augment = Augment(self.torch, self.options.augment, sample_shape(ends(self.original)))
        self.dropout = Dropout(self.torch, self.network, self.options.dropout, self.options.input_dropout)
        self._kept: dict[tuple[int, int, float], Any] = {}
        self._room = ROOM
        self._targets = [self._numpy(self.original, x) for _, x in self._decide()]
        targets = self._shaped(np.concatenate(self._targets))
        self.yardstick = yardstick(self.original, targets, sides, self.task)
        self._variance = self.torch.from_numpy(variance(targets.reshape(len(targets), -1)).astype(np.float32))

    def of(self, graph: Graph) -> "Problem":
        """The same problem for another graph to compress: the original without some of its channels."""
        other = copy(self)
        other.given = graph
        other.dropout = Dropout(self.torch, graph, self.options.dropout, self.options.input_dropout)
        return other

    @property
    def network(self) -> Graph:
        """The graph that is compressed."""
        return self.original if self.given is None else self.given

    @property
    def judged(self) -> AnyJudge:
        """The judge of the samples that decide."""
        return self.yardstick.judged

    @property
    def labelled(self) -> bool:
        """Whether labels or targets are the aim, and not the original's outputs."""
        return self.judged.labelled

    @property
    def measure(self) -> str:
        """The quality's name."""
        return self.judged.measure

    @property
    def size(self) -> int:
        """Samples a step."""
        return min(self.options.batch, len(self.train), max(SMALL, len(self.train) // BATCHES))

    def some(self, count: int) -> Array:
        """At most `count` samples that train, spread evenly: float32 [n, ...]."""
        return np.asarray(self.data.x[self.train[spread(len(self.train), count)]], np.float32)

    def _decide(self) -> Iterator[tuple[Array, Any]]:
        return self._batches(self.judges, self.held)

    def _batches(self, data: Dataset, rows: Array) -> Iterator[tuple[Array, Any]]:
        """Rows in order, with their inputs as float32 tensors; read when asked for."""
        for begin in range(0, len(rows), EVALUATE):
            part = rows[begin : begin + EVALUATE]
            yield part, self.torch.from_numpy(np.array(data.x[part], np.float32))

    def steps(self) -> int:
        """Steps of an epoch."""
        return max(self.options.least_steps, len(self.train) // self.size)

    def epoch(self, number: int, clean: float = 0.0) -> Iterator[tuple[Array, Any, Any]]:
        """(rows, inputs, the original's outputs) a batch, shuffled and augmented by (seed, number).

        A short last batch is left out, and small data comes again in another order; a share `clean` of samples is not
        augmented. Orders come again every PERIOD epochs, so that the original need not run every time.
        """
        number %= PERIOD
        rng = np.random.default_rng([self.options.seed, 1, number])
        steps, size = self.steps(), self.size
        passes = -(-steps // (len(self.train) // size))
        order = np.concatenate([_whole(rng.permutation(self.train), size) for _ in range(passes)])
        self._augment.begin(rng)
        for begin in range(0, steps * size, size):
            rows = np.sort(order[begin : begin + size])
            x = self._augment(self.torch.from_numpy(np.array(self.data.x[rows], np.float32)), rng, clean)
            x = x.contiguous(memory_format=self.torch.channels_last) if x.ndim == 4 else x
            yield rows, x, self._target(rows, x, (number, begin, clean))

    def _target(self, rows: Array, x: Any, key: tuple[int, int, float]) -> Any:
        """The original's outputs on a batch; kept by row where nothing is augmented, else under `key`, if they fit."""
        if all(judge.labelled for _, judge in self.judged.each) and not self.options.distil:
            return None
        if self._plain_targets is not None and (self.options.augment == "none" or key[2] >= 1):
            return self._plain_targets[np.searchsorted(self.train, rows)]
        if key in self._kept:
            return self._kept[key]
        with self.torch.no_grad():
            target = outputs(self.torch, self.original, x)
        if self._room >= target.numel():
            self._room -= target.numel()
            self._kept[key] = target
        return target

    @cached_property
    def _plain_targets(self) -> Any:
        """The original's outputs on all training rows as they are, [n, features]; None where they are too many."""
        if self._targets[0].shape[1] * len(self.train) > ROOM:
            return None
        with self.torch.no_grad():
            return self.torch.cat(
                [outputs(self.torch, self.original, x) for _, x in self._batches(self.data, self.train)]
            )

    def loss(self, output: Any, rows: Array, target: Any, data: Dataset | None = None) -> Any:
        """The aim, of outputs [n, features] for rows of `data`: its labels or targets and the original's outputs
        `target`, in the shares that the options say; of several outputs the sum of each one's."""
        total: Any = 0.0
        for place, (span, judge) in enumerate(self.judged.each):
            y = (data or self.data).of(place)
            own, original = output[:, span], None if target is None else target[:, span]
            share = self.options.distil if judge.labelled else 1.0
            if judge.labelled and share < 1:
                assert y is not None
                labels = self.torch.from_numpy(np.array(y[rows]))
                total = total + (1 - share) * self._by_labels(judge, own, labels, span)
            total = total + share * self._by_original(judge, own, original, span) if share else total
        return total

    def _by_labels(self, judge: Judge, output: Any, wanted: Any, span: slice) -> Any:
        functional, threshold = self.torch.nn.functional, judge.threshold
        if judge.task == "regress":
            return self._distance(output, wanted.flatten(1), span)
        if threshold is None:
            return functional.cross_entropy(output, wanted)
        return self._binary(judge, output, wanted[:, None].to(output.dtype))

    def _by_original(self, judge: Judge, output: Any, target: Any, span: slice) -> Any:
        if judge.task == "regress" or not self.options.scores:
            return self._distance(output, target, span)
        functional, heat = self.torch.nn.functional, self.options.temperature
        threshold = judge.threshold
        if threshold is not None:
            # What is beyond 0 and 1 on these rows, and was not on those that decide, is as certain as can be.
            return self._binary(judge, output, target.clamp(0, 1) if threshold else self.torch.sigmoid(target))
        logs = functional.log_softmax(output / heat, 1), functional.log_softmax(target / heat, 1)
        return functional.kl_div(*logs, reduction="batchmean", log_target=True) * heat**2

    def _binary(self, judge: Judge, output: Any, wanted: Any) -> Any:
        """Cross entropy of one output: a probability, or its logarithm against that of the opposite."""
        functional = self.torch.nn.functional
        if not judge.threshold:
            return functional.binary_cross_entropy_with_logits(output, wanted)
        return functional.binary_cross_entropy(output.clamp(CERTAIN, 1 - CERTAIN), wanted)

    def _distance(self, output: Any, wanted: Any, span: slice) -> Any:
        """Squared error over each output's own variance: small numbers count as much as large ones."""
        return ((output - wanted).square() / self._variance[span]).mean()

    def judge(self, graph: Graph, most: int | None = None) -> tuple[float, float]:
        """(loss, quality in percent) on the rows that decide; see samples.judge.

        With `most` the loss is of so many times EVALUATE rows alone, and the quality is not counted: NaN.
        """
        losses, count, found = 0.0, 0, []
        with self.torch.no_grad():
            for target, (rows, x) in islice(zip(self._targets, self._decide(), strict=False), most):
                output = outputs(self.torch, graph, x)
                count += len(rows)
                losses += float(self.loss(output, rows, self.torch.from_numpy(target), self.judges)) * len(rows)
                found.append(output.numpy())
        if count < len(self.held):
            return losses / count, math.nan
        return losses / count, self.judged.score(self._shaped(np.concatenate(found))).value

    def outputs(self, graph: Graph) -> Array:
        """A graph's outputs for the rows that decide, as the yardstick takes them."""
        return self._shaped(np.concatenate([self._numpy(graph, x) for _, x in self._decide()]))

    def _shaped(self, flat: Array) -> Array:
        """Of outputs [n, features]: operators of the host see the shape that they are for."""
        return flat.reshape(len(flat), *sample_shape(ends(self.original, self.original.outputs)))

    def _numpy(self, graph: Graph, x: Any) -> Array:
        with self.torch.no_grad():
            return np.asarray(outputs(self.torch, graph, x).numpy())


def _whole(order: Array, size: int) -> Array:
    """Without a short last batch."""
    return order[: len(order) // size * size]
