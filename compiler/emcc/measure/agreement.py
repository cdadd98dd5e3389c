"""How often a compressed model says what the original says."""

from emcc.ir.graph import Graph
from emcc.measure.quality import floats
from emcc.samples.dataset import Dataset
from emcc.samples.judges import all_of_original, judge_all


class Agreement:
    """Called with a graph: agreement with `original` in percent, as the judge has it; None without data."""

    def __init__(self, original: Graph, data: Dataset | None, task: str = "auto") -> None:
        self._x = None if data is None else data.x
        if data is not None:
            outputs = floats(original)(data.x)
            self._judge = all_of_original(judge_all(original, outputs, data, task=task), outputs)

    def __call__(self, graph: Graph) -> float | None:
        return None if self._x is None else self._judge.score(floats(graph)(self._x)).value
