"""The judge of a model of several outputs: a figure an output, and the worst one decides."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from emcc.ir.batch import apart, ends, spans
from emcc.ir.graph import Array, Graph
from emcc.samples.dataset import Dataset
from emcc.samples.judge import Judge, Score, judge, of_original


@dataclass(frozen=True)
class Scores(Score):
    """How several outputs do: that of the one that does worst, or lost most. `marks` are those of all, side by side."""

    each: tuple[Score, ...] = ()

    @property
    def _least(self) -> Score:
        return min(self.each, key=lambda score: score.value)

    @property
    def value(self) -> float:
        """Quality of the worst output, in percent."""
        return self._least.value

    @property
    def interval(self) -> tuple[float, float]:
        """Where the worst output's quality lies on other samples."""
        return self._least.interval

    def lost(self, before: Score) -> float:
        """Points lost by the output that lost most."""
        return max(after.lost(one) for after, one in self._beside(before))

    def lost_at_most(self, before: Score) -> float:
        """Points that the output which lost most loses on other samples, in 19 cases of 20 no more."""
        return max(after.lost_at_most(one) for after, one in self._beside(before))

    def _beside(self, before: Score) -> Iterator[tuple[Score, Score]]:
        if not isinstance(before, Scores):
            raise TypeError("scores of other outputs")
        return zip(self.each, before.each, strict=True)


@dataclass(frozen=True)
class Judges:
    """A judge an output, of outputs in one array (ir.batch).

    Attributes:
        names: of the outputs. each: the elements of one, and its judge.
    """

    names: tuple[str, ...]
    each: tuple[tuple[slice, Judge], ...]

    def score(self, outputs: Array) -> Scores:
        """Score outputs [n, elements] of the samples that the judges were made of."""
        flat = np.asarray(outputs).reshape(len(outputs), -1)
        each = tuple(judge.score(_shaped(judge, flat[:, span])) for span, judge in self.each)
        return Scores(np.concatenate([score.marks for score in each], axis=1), all(s.share for s in each), each)

    @property
    def task(self) -> str:
        """What outputs are for."""
        return _all(judge.task for _, judge in self.each)

    @property
    def measure(self) -> str:
        """The name of the figure."""
        measures = {judge.measure for _, judge in self.each}
        return f"{measures.pop() if len(measures) == 1 else 'quality'} of the worst output"

    @property
    def against(self) -> str:
        """What outputs are held against."""
        return _all(judge.against for _, judge in self.each)

    @property
    def labelled(self) -> bool:
        """Whether labels or targets decide about an output."""
        return any(judge.labelled for _, judge in self.each)


AnyJudge = Judge | Judges


def judge_all(graph: Graph, outputs: Array, data: Dataset, rows: Array | None = None, task: str = "auto") -> AnyJudge:
    """Make the judge of a model's outputs, in one array; see samples.judge.judge."""
    if len(graph.outputs) == 1:
        return judge(graph, outputs, data, rows, task)
    made = ends(graph, graph.outputs)
    places, parts = spans(made), apart(made, outputs)
    judges = (judge(graph, parts[name], data, rows, task, place) for place, name in enumerate(made))
    return Judges(tuple(made), tuple((span, own) for (_, span), own in zip(places, judges, strict=True)))


def all_of_original(judges: AnyJudge, outputs: Array) -> AnyJudge:
    """Return the judge with the original's outputs in the place of labels and targets."""
    if isinstance(judges, Judge):
        return of_original(judges, outputs)
    flat = np.asarray(outputs).reshape(len(outputs), -1)
    each = tuple((span, of_original(own, _shaped(own, flat[:, span]))) for span, own in judges.each)
    return Judges(judges.names, each)


def _shaped(judge: Judge, flat: Array) -> Array:
    """The output in the shape that the host's operators are for."""
    shape = judge.graph.tensors[judge.graph.outputs[0]].shape[1:]
    return flat.reshape(len(flat), *(size or 1 for size in shape))


def _all(words: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(words))
