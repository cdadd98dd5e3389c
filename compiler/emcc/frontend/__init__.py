"""ONNX -> Graph. The only folder that imports onnx, and only when a function here is called."""

from collections.abc import Sequence
from pathlib import Path

from emcc.frontend.report import ModelFacts, NodeReport, Remarks, Shapes, Survey, Taken
from emcc.ir.graph import Array, Graph

__all__ = ["ModelFacts", "NodeReport", "Remarks", "Shapes", "Survey", "Taken", "live", "load", "remarks", "survey"]


def load(path: Path, by: str = "emcc", output: Taken = None, shapes: Shapes | None = None) -> Graph:
    """Return the model of an ONNX file as a graph of float operators.

    `by` is the command that messages name, `output` the tensor, or tensors, to take as outputs where there are several,
    `shapes` what to fill open sizes of inputs with. Raise EmccError: see emcc.frontend.model.
    """
    from emcc.frontend.model import load as _load

    return _load(Path(path), by, output, shapes)


def survey(path: Path, output: Taken = None, shapes: Shapes | None = None) -> Survey:
    """Report what emcc supports of an ONNX file. Raise EmccError where it cannot be read at all."""
    from emcc.frontend.model import survey as _survey

    return _survey(Path(path), output, shapes)


def remarks(path: Path) -> Remarks:
    """Return what to know of an ONNX file for holding its Graph against another runtime. Raise EmccError: see load."""
    from emcc.frontend.about import remarks as _remarks

    return _remarks(Path(path))


def live(path: Path, names: Sequence[str], shapes: Shapes | None = None) -> tuple[bytes, dict[str, Array]] | None:
    """Return what of an ONNX file the tensors `names` depend on, as a model: see about.live."""
    from emcc.frontend.about import live as _live

    return _live(Path(path), names, shapes)
