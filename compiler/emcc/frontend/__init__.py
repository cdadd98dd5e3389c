"""ONNX -> Graph. The only folder that imports onnx, and only when a function here is called."""

from pathlib import Path

from emcc.frontend.report import ModelFacts, NodeReport, Survey
from emcc.ir.graph import Graph

__all__ = ["ModelFacts", "NodeReport", "Survey", "computes_in_half", "load", "survey"]


def load(path: Path, by: str = "emcc") -> Graph:
    """Return the model of an ONNX file as a graph of float operators; `by` is the command that messages name.

    Raise EmccError: see emcc.frontend.model.
    """
    from emcc.frontend.model import load as _load

    return _load(Path(path), by)


def survey(path: Path) -> Survey:
    """Report what emcc, and --target eie, support of an ONNX file. Raise EmccError where it cannot be read at all."""
    from emcc.frontend.model import survey as _survey

    return _survey(Path(path))


def computes_in_half(path: Path) -> bool:
    """Return whether the model of an ONNX file computes in float16 or bfloat16. Raise EmccError: see load."""
    from emcc.frontend.precision import computes_in_half as _computes_in_half

    return _computes_in_half(Path(path))
