"""The judge: what a model's outputs are for, and how well some outputs do. One figure of quality, in percent."""

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from emcc.base.errors import EmccError
from emcc.base.text import printable
from emcc.ir.graph import Array, Graph
from emcc.ops import having, host
from emcc.samples.dataset import Dataset

TASKS = ("auto", "classify", "regress")
ACCURACY, AGREEMENT, EXPLAINED = "accuracy", "agreement", "explained variance"
LABELS, TARGETS, ORIGINAL, INPUTS = "labels", "targets", "the original model", "its inputs"

POINT = 1.0
"""Points that may be lost where no goal says how many."""

FLAT = 1e-6
"""Of an output's mean square, the least that counts as its variance: what hardly moves has a scale all the same."""

WORST = 1e7
"""What a squared error counts as at most, in variances: at an output that is all but 0, or no number, it has no end."""

FOLLOWS = 0.5
"""Share of the inputs' variance that an autoencoder's outputs explain at least."""

NORMAL, ONE_SIDED = 1.96, 1.645
"""Standard deviations that hold 95 % of a normal distribution, to each side and up to one."""


@dataclass(frozen=True)
class Score:
    """How some outputs do.

    Attributes:
        marks: float64 [n, m], in percent: of a classifier 100 where the class is right (m is 1); of a regression
            100 (1 - squared error / variance), an output each.
        share: whether marks are only 0 and 100.
    """

    marks: Array
    share: bool

    @property
    def parts(self) -> Array:
        """Quality an output, float64 [m], in percent."""
        return np.asarray(self.marks.mean(axis=0))

    @property
    def value(self) -> float:
        """Quality in percent, the mean over outputs."""
        return float(self.parts.mean())

    @property
    def worst(self) -> float:
        """That of the worst output."""
        return float(self.parts.min())

    @property
    def interval(self) -> tuple[float, float]:
        """Where the quality on other samples lies, with a probability of 95 %.

        Of shares Wilson's interval ("Probable inference", 1927), else that of a mean of independent samples.
        """
        count, value = len(self.marks), self.value
        if self.share:
            share, square = value / 100, NORMAL**2
            middle = (share + square / (2 * count)) / (1 + square / count)
            half = NORMAL * math.sqrt(share * (1 - share) / count + square / (4 * count**2)) / (1 + square / count)
            return 100 * max(0.0, middle - half), 100 * min(1.0, middle + half)
        half = NORMAL * float(self.marks.mean(axis=1).std()) / math.sqrt(count)
        return value - half, value + half

    def lost(self, before: "Score") -> float:
        """Points lost since `before`, on the same samples, by the output that lost most."""
        return float((before.parts - self.parts).max())

    def lost_at_most(self, before: "Score") -> float:
        """Points that the output which lost most loses on other samples, in 19 cases of 20 no more.

        Of shares the score interval of a paired difference (Tango 1998), else a normal bound on the mean difference.
        One sample says nothing of others: all may be lost.
        """
        lost = before.marks - self.marks
        if self.share:
            return 100 * paired_bound(int((lost > 0).sum()), int((lost < 0).sum()), len(lost))
        if len(lost) == 1:
            return max(100.0, float(lost.max()))
        spread = lost.std(axis=0, ddof=1)
        return float((lost.mean(axis=0) + ONE_SIDED * spread / math.sqrt(len(lost))).max())


@dataclass(frozen=True)
class Judge:
    """Judges outputs on certain samples.

    Attributes:
        task: "classify" or "regress". measure: the name of its figure. against: what outputs are held against.
        threshold: above which a single output is of class 1; None where the class is the place of the largest.
        wanted: int64 [n] classes, or float64 [n, m] values. scale: float64 [m], each value's variance; 1 of classes.
    """

    task: str
    measure: str
    against: str
    threshold: float | None
    wanted: Array
    scale: Array
    graph: Graph

    @property
    def labelled(self) -> bool:
        """Whether labels or targets decide, and not the original model."""
        return self.against in (LABELS, TARGETS)

    @property
    def each(self) -> tuple[tuple[slice, "Judge"], ...]:
        """The judge of each output, and its elements among those of all."""
        return ((slice(None), self),)

    def score(self, outputs: Array) -> Score:
        """Score outputs [n, ...] of the samples that the judge was made of, in order, before the host's part."""
        if self.task == "classify":
            right = _classes(self.graph, outputs, self.threshold) == self.wanted
            return Score(100.0 * right[:, None], share=True)
        flat = np.asarray(outputs, np.float64).reshape(len(outputs), -1)
        errors = np.square(flat - self.wanted)
        if self.against == INPUTS:
            errors = errors.mean(axis=1, keepdims=True)
        of_scale = np.nan_to_num(errors / self.scale, nan=WORST)
        return Score(100 * (1 - np.minimum(of_scale, WORST)), share=False)


def paired_bound(lost: int, won: int, samples: int) -> float:
    """Return the share that is lost at most, net, with a probability of 95 %: `lost` and `won` samples changed sides.

    T. Tango, "Equivalence test and confidence interval for the difference in proportions for the paired-sample design",
    Statistics in Medicine 17, 1998: the difference at which the score statistic is ONE_SIDED.
    """

    def statistic(share: float) -> float:
        a, b, c = 2 * samples, (2 * samples - lost + won) * share - lost - won, -won * share * (1 - share)
        other = (math.sqrt(max(0.0, b * b - 4 * a * c)) - b) / (2 * a)
        spread = samples * (2 * other + share * (1 - share))
        return (lost - won - samples * share) / math.sqrt(spread) if spread > 0 else 0.0

    low, high = (lost - won) / samples, 1.0
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if statistic(middle) > -ONE_SIDED else (low, middle)
    return high


def judge(
    graph: Graph, outputs: Array, data: Dataset, rows: Array | None = None, task: str = "auto", output: int = 0
) -> Judge:
    """Make the judge of an output of a model.

    Args:
        graph: the original model, folded.
        outputs: what it gives for the samples that decide, [n, ...], before the host's part.
        data: with labels int64, targets float32 [all, ...], or neither; rows: those that decide, int64 [n], or all.
        task: one of TASKS.
        output: its place among the model's.

    Raises:
        EmccError: the task cannot be had with this model or these labels, or outputs are not finite.
    """
    graph = of_output(graph, output)
    values = np.asarray(outputs, np.float64).reshape(len(outputs), -1)
    if not np.isfinite(values).all():
        raise EmccError("the model's outputs are NaN or infinite on the data", hint="check the data")
    threshold = _threshold(graph, values)
    rows = np.arange(len(data)) if rows is None else rows
    y = None if (own := data.of(output)) is None else own[rows]
    if task_of(graph, y, task) == "classify":
        own = _classes(graph, outputs, threshold)
        labels = None if y is None else y.astype(np.int64)
        measure, against, wanted = (AGREEMENT, ORIGINAL, own) if labels is None else (ACCURACY, LABELS, labels)
        return Judge("classify", measure, against, threshold, wanted, np.ones(1), graph)
    wanted, against = values, ORIGINAL
    if y is not None:
        wanted, against = y.reshape(len(y), -1).astype(np.float64), TARGETS
    elif values.shape[1] == sum(graph.tensors[name].features for name in graph.inputs) and values.shape[1] > 1:
        seen = np.asarray(data.x[rows], np.float64).reshape(values.shape)
        spread = float(seen.var(axis=0).mean())
        if spread and np.square(values - seen).mean() <= (1 - FOLLOWS) * spread:
            wanted, against = seen, INPUTS
    scale = variance(wanted)
    scale = scale.mean(keepdims=True) if against == INPUTS else scale
    return Judge("regress", EXPLAINED, against, None, wanted, scale, graph)


def of_output(graph: Graph, output: int) -> Graph:
    """Return the inputs of a graph and one of its outputs, with what the host does to that."""
    if len(graph.outputs) == 1:
        return graph
    names = (*graph.inputs, graph.outputs[output])
    tensors = {name: graph.tensors[name] for name in names}
    return Graph(graph.name, graph.inputs, names[-1:], (), tensors, {}, host=tuple(host.tail_of(graph.host, output)))


def of_original(judge: Judge, outputs: Array) -> Judge:
    """Return the judge of the same task with the original's outputs [n, ...] in the place of labels and targets."""
    if judge.task == "classify":
        own = _classes(judge.graph, outputs, judge.threshold)
        return replace(judge, measure=AGREEMENT, against=ORIGINAL, wanted=own)
    values = np.asarray(outputs, np.float64).reshape(len(outputs), -1)
    return replace(judge, against=ORIGINAL, wanted=values, scale=variance(values))


def variance(values: Array) -> Array:
    """Return the variance of each column of values [n, m]; 1 where all are 0.

    It is at least FLAT of the column's mean square, and 1 / n^2 of it, for few samples hardly differ. One sample has no
    variance: the mean square stands for it, of the column or of all, whichever is more.
    """
    square = np.square(values).mean(axis=0)
    count = len(values)
    least = np.maximum(square, square.mean()) if count == 1 else max(FLAT, count**-2) * square
    found = np.maximum(values.var(axis=0), least)
    return np.where(found > 0, found, 1.0)


def check_task(asked: str) -> None:
    """Raise EmccError where there is no such task."""
    if asked not in TASKS:
        raise EmccError(f"no task {printable(asked)!r}", hint=f"there are {', '.join(TASKS)}")


def task_of(graph: Graph, y: Array | None, asked: str = "auto") -> str:
    """Return "classify" or "regress"; EmccError where the one asked for does not go with the model or the data's y."""
    check_task(asked)
    output = graph.tensors[graph.outputs[0]]
    lengths = [size for size in output.shape[1:] if size != 1]
    by_host = any(op in having("host") for op, _ in graph.host)
    can = len(lengths) <= 1 or host.one_class(graph.host, output.shape)
    whole = y is not None and np.issubdtype(y.dtype, np.integer)
    if asked == "classify":
        if y is not None and not whole:
            raise EmccError("y holds targets, not class numbers", hint="give integers, or leave out --task classify")
        if not can:
            raise EmccError("the model's output is not a number a class", hint="leave out --task classify")
        return asked
    single = output.features == 1
    if asked == "regress" and whole and lengths:
        raise EmccError(
            "y holds class numbers, and a regression's targets are of the output's shape",
            hint="give such targets, or leave y out",
        )
    if whole and not can and y is not None and y.ndim == 1 and not single:
        raise EmccError("y holds class numbers, and the model's output is not a number a class", hint="leave y out")
    if asked == "regress" or y is not None:
        return "classify" if whole and asked == "auto" and can else "regress"
    return "classify" if by_host and can else "regress"


def _threshold(graph: Graph, values: Array) -> float | None:
    """Return above which a single output [n, 1] is of class 1: 0.5 of what stays between 0 and 1, else 0."""
    if values.shape[1] != 1 or any(op == "ArgMax" for op, _ in graph.host):
        return None
    return 0.5 if values.min(initial=0.0) >= 0 and values.max(initial=1.0) <= 1 else 0.0


def _classes(graph: Graph, outputs: Any, threshold: float | None) -> Array:
    """Return the class of each sample, int64 [n]."""
    if threshold is not None:
        return np.asarray(np.asarray(outputs).reshape(len(outputs)) > threshold, np.int64)
    found = host.classes(graph.host, np.asarray(outputs))
    assert found is not None
    return found
