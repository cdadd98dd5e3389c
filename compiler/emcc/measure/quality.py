"""What compression and fixed point cost, measured with the models themselves: one figure, the judge's."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from emcc.eie import reference
from emcc.ir.graph import Array, Graph
from emcc.ir.program import Program
from emcc.ops import interpret
from emcc.samples.dataset import Dataset
from emcc.samples.judge import Score
from emcc.samples.judges import AnyJudge, Judges, Scores
from emcc.samples.sampling import dequantised, quantised, sample
from emcc.samples.split import Sides
from emcc.samples.yardstick import yardstick

BATCH, ELEMENTS = 1000, 1 << 25
Run = Callable[[Array], Array]
"""Outputs of samples [n, ...] in floats, [n, ...], before the host's part."""


def floats(graph: Graph) -> Run:
    """Run a float graph."""
    return lambda x: np.asarray(interpret.run(graph, np.asarray(x, np.float64)), np.float64)


def integers(program: Program) -> Run:
    """Run a program in the reference model."""
    return lambda x: dequantised(program, reference.run(program, quantised(program, x)))


def decoded(held: Graph) -> Run:
    """Run what a model.emc holds: in integers where it has formats."""
    return lambda x: interpret.answers(held, x)


class Quality:
    """The samples that decide, and the original's score on them.

    Attributes:
        yardstick: the judge, and the original's score. samples: how many decide; source: where they come from.
    """

    def __init__(self, original: Graph, sides: Sides, task: str = "auto") -> None:
        self._sides, self.samples, self.source = sides, len(sides.held), sides.source
        self._most = _batch(original)
        self.yardstick = yardstick(original, self._outputs(floats(original)), sides, task)
        self.before = self.yardstick.before

    def score(self, run: Run) -> Score:
        """The score of what a model gives."""
        return self.yardstick.judged.score(self._outputs(run))

    def facts(self, run: Run) -> dict[str, Any]:
        """Quality of a compressed model against the original's, in percent; for emcc.json.

        task, measure, against: see samples.judge. float, compressed, worst (of outputs): quality. interval: of
        `compressed`, 95 %. lost, lost_at_most: points. agreement: with the original, by class or explained variance.
        doubts: sentences, see samples.doubts.
        Of several outputs the figures are those of the worst, and "by_output" has a row each.
        """
        outputs = self._outputs(run)
        yardstick = self.yardstick
        score = yardstick.judged.score(outputs)
        return {
            "task": yardstick.judged.task,
            "measure": yardstick.judged.measure,
            "against": yardstick.judged.against,
            "samples": self.samples,
            "source": self.source,
            "labels": yardstick.judged.labelled,
            "outputs": score.parts.size,
            "float": self.before.value,
            "float_worst": self.before.worst,
            "compressed": score.value,
            "worst": score.worst,
            "interval": list(score.interval),
            "lost": score.lost(self.before),
            "lost_at_most": yardstick.lost_at_most(outputs),
            "agreement": yardstick.agreement(outputs),
            "agreement_measure": yardstick.same.measure,
            "doubts": yardstick.doubts(outputs),
            **({"by_output": list(_rows(yardstick.judged, self.before, score))} if isinstance(score, Scores) else {}),
        }

    def _outputs(self, run: Run) -> Array:
        return np.concatenate([run(x) for x in self._batches()])

    def _batches(self) -> Iterator[Array]:
        rows = self._sides.held
        for begin in range(0, len(rows), self._most):
            yield np.asarray(self._sides.judges.x[rows[begin : begin + self._most]])


def _batch(graph: Graph) -> int:
    """Return how many samples run at a time: BATCH, fewer where a sample's tensors have many elements."""
    return max(1, min(BATCH, ELEMENTS // sum(tensor.features for tensor in graph.tensors.values())))


def _rows(judges: AnyJudge, before: Score, after: Scores) -> Iterator[dict[str, Any]]:
    """Yield the figures of each output."""
    assert isinstance(judges, Judges)
    assert isinstance(before, Scores)
    for name, (_, own), was, now in zip(judges.names, judges.each, before.each, after.each, strict=True):
        facts = {"task": own.task, "measure": own.measure, "against": own.against}
        yield {"output": name, **facts, "float": was.value, "compressed": now.value, "lost": now.lost(was)}


def fixed_error(shared: Graph, program: Program, data: Dataset | None) -> dict[str, Any]:
    """Return the error of fixed point alone: of `program` against `shared`, the same in floats, before the host's part.

    Without data of seeded noise; "fixed_samples" says of how many samples.
    """
    some = sample(shared, data)
    runs, most = (floats(shared), integers(program)), _batch(shared)
    parts = [[run(some.x[begin : begin + most]) for run in runs] for begin in range(0, len(some), most)]
    after, fixed = (np.concatenate([pair[i].reshape(len(pair[i]), -1) for pair in parts]) for i in (0, 1))
    return {
        "synthetic": data is None,
        "fixed_samples": len(some),
        "fixed_error_max": float(np.abs(fixed - after).max()),
        "fixed_error_rms": float(np.sqrt(np.mean(np.square(fixed - after)))),
        "output_range": float(np.abs(after).max()),
    }
