"""ONNX -> Graph. The only folder that imports onnx, and only when a function here is called."""

from pathlib import Path

from emcc.frontend.report import ModelFacts, NodeReport, Remarks, Survey
from emcc.ir.graph import Graph

__all__ = ["ModelFacts", "NodeReport", "Remarks", "Survey", "cut", "load", "remarks", "survey"]


def load(path: Path, by: str = "emcc", output: str | None = None) -> Graph:
    """Return the model of an ONNX file as a graph of float operators.

    `by` is the command that messages name, `output` the tensor to take as the only output. Raise
    EmccError: see emcc.frontend.model.
    """
    from emcc.frontend.model import load as _load

    return _load(Path(path), by, output)


def survey(path: Path, output: str | None = None) -> Survey:
    """Report what emcc, and --target eie, support of an ONNX file. Raise EmccError where it cannot be read at all."""
    from emcc.frontend.model import survey as _survey

    return _survey(Path(path), output)


def remarks(path: Path) -> Remarks:
    """Return what to know of an ONNX file for holding its Graph against another runtime. Raise EmccError: see load."""
    from emcc.frontend.about import remarks as _remarks

    return _remarks(Path(path))


def cut(path: Path, name: str) -> bytes | None:
    """Return the model of an ONNX file with tensor `name` as its only output; None where it is too large for that."""
    from emcc.frontend.about import cut as _cut

    return _cut(Path(path), name)
