"""The imported graph against onnxruntime, where that is installed: an import that is wrong must not go on."""

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from emcc import ops
from emcc.base.errors import EmccError
from emcc.base.text import printable
from emcc.frontend import Remarks, cut, remarks
from emcc.ir.graph import Array, Graph
from emcc.ops import interpret

HINT = "this is a bug in emcc, or in the model: please report it with the model"


@dataclass(frozen=True)
class Closeness:
    """How close onnxruntime's outputs must be.

    Attributes:
        tolerance: of the output's largest magnitude.
        same: the share of equal integers, where the model's own output is an arg-max: near-ties may go either way.
        words: the end of the sentence on what was checked.
        steps: how far apart integers that count as equal may be.
    """

    tolerance: float
    same: float
    words: str = ""
    steps: int = 0


SINGLE = Closeness(1e-3, 0.98)
"""float32 against float64 on networks of this size stays well below."""

HALF = Closeness(2**-6, 0.9, ", in float16 to within 1.6 %")
"""16 times the last place of half precision, 2**-10: every layer rounds to it, and errors add up."""


GRIDS = Closeness(2**-4, 0.95, ", which rounds between layers, to within 6 %", steps=2)
"""A sum that float32 and float64 round to either side of a half takes another integer, and so on from there."""


def check(graph: Graph, path: Path, x: Array) -> str:
    """Compare the imported `graph` with onnxruntime on `x`, float32 [n, ...]; return a sentence on what was checked.

    A model that computes in float16 is given float16, and emcc the same numbers; samples that overflow there are
    left out. onnxruntime's optimiser may change a model (that of 1.31 a Pad of zeros before a MaxPool): where it does,
    what counts is the model as it is written. The sentence names the output that was taken where the model has others.

    Raises:
        EmccError: they disagree.
    """
    about = remarks(path)
    try:
        said = _check(graph, path, x, about)
    except EmccError as disagreement:
        try:
            said = _check(graph, path, x, about, plain=True) + " without its optimiser, and not with it"
        except EmccError:
            raise disagreement from None
    return said + _taken(graph.outputs, about)


def _taken(outputs: tuple[str, ...], about: Remarks) -> str:
    if about.outputs == outputs:
        return ""
    names = ", ".join(repr(printable(name)) for name in about.outputs[:8])
    taken = ", ".join(repr(printable(name)) for name in outputs[:8])
    verb = "is taken as the output" if len(outputs) == 1 else "are taken as the outputs"
    return f"; {taken} {verb}, of a model that has {names}"


def _check(graph: Graph, path: Path, x: Array, about: Remarks, *, plain: bool = False) -> str:
    if find_spec("onnxruntime") is None:
        return "not checked against onnxruntime, which is not installed"
    ran = _outputs(path, x, graph, about, plain)
    if isinstance(ran, str):
        return f"not checked against onnxruntime, which cannot run the model: {ran}"
    x, results = ran
    close = HALF if about.half else SINGLE
    if any("grid" in ops.traits(node.op) for node in graph.nodes):
        close = GRIDS
    if close is HALF:
        rows = np.isfinite(x).all(tuple(range(1, x.ndim)))
        rows &= np.all([np.isfinite(wanted).all(axis=1) for wanted in results], axis=0)
        x, results = x[rows], [wanted[rows] for wanted in results]
    if not len(x):
        return "not checked against onnxruntime: every sample overflows in float16"
    got = np.asarray(interpret.run(graph, x.astype(np.float64))).reshape(len(x), -1)
    total = sum(wanted.shape[1] for wanted in results)
    if got.shape[1] != total:
        raise EmccError(f"onnxruntime's output has {total * len(x)} elements, emcc's {got.size}", file=path, hint=HINT)
    begin, alike = 0, True
    for wanted in results:
        own = got[:, begin : begin + wanted.shape[1]]
        begin += wanted.shape[1]
        alike &= _agrees(own, wanted, close, path)
    if alike:
        return f"same classes as onnxruntime on {len(x)} samples{', in float16' if close is HALF else ''}"
    return f"agrees with onnxruntime on {len(x)} samples{close.words}"


def _agrees(got: Array, wanted: Array, close: Closeness, path: Path) -> bool:
    """Whether these are classes, which agree; numbers that agree are not. EmccError where they do not."""
    if wanted.dtype.kind in "iu":
        same = float(np.mean(np.abs(got - wanted) <= close.steps))
        if same < close.same:
            message = f"the import disagrees with onnxruntime on {1 - same:.0%} of outputs"
            raise EmccError(message, file=path, hint=HINT)
        return True
    # Not a number, or infinite, is what a logarithm or a root makes of noise: both are to make the same of it.
    alike = (got == wanted) | (np.isnan(got) & np.isnan(wanted))
    worst = float(np.abs(np.where(alike, 0, got) - np.where(alike, 0, wanted)).max(initial=0.0))
    scale = max(float(np.abs(wanted[np.isfinite(wanted)]).max(initial=0.0)), 1e-6)
    if not worst <= close.tolerance * scale:
        raise EmccError(f"the import disagrees with onnxruntime by {worst:.3g} of {scale:.3g}", file=path, hint=HINT)
    return False


KINDS = {
    "tensor(double)": np.float64,
    "tensor(float16)": np.float16,
    "tensor(int16)": np.int16,
    "tensor(int8)": np.int8,
    "tensor(uint16)": np.uint16,
    "tensor(uint8)": np.uint8,
}
"""onnxruntime's name of an input's type -> what it is fed; float32 otherwise."""


def _kind(name: str) -> Any:
    return KINDS.get(name, np.float32)


def _outputs(path: Path, x: Array, graph: Graph, about: Remarks, plain: bool) -> tuple[Array, list[Array]] | str:
    """Return the samples in the input's type and what onnxruntime computes as outputs [n, elements]; or why not.

    They run in batches where the model fixes one; `plain`: without onnxruntime's optimiser.
    """
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    if plain:
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    try:
        model = str(path) if {*graph.outputs} <= {*about.outputs} else cut(path, graph.outputs[0])
        if model is None:
            return "it is too large to be cut at its output"
        session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        sources = {source.name: source for source in session.get_inputs()}
        first = sources[graph.inputs[0]]
        size = first.shape[0] if bool(first.shape) and isinstance(first.shape[0], int) else len(x)
        with np.errstate(over="ignore"):
            x = x.astype(_kind(first.type))
        parts = []
        for begin in range(0, len(x), size):
            batch = x[begin : begin + size]
            if len(batch) < size:
                batch = np.concatenate([batch, np.repeat(batch[-1:], size - len(batch), axis=0)])
            feeds = {
                name: part.reshape(size, *(axis or 1 for axis in graph.tensors[name].shape[1:])).astype(
                    _kind(sources[name].type)
                )
                for name, part in interpret.given(graph, batch).items()
            }
            unused = {
                name: np.zeros([axis if isinstance(axis, int) else size for axis in source.shape], _kind(source.type))
                for name, source in sources.items()
                if name not in feeds
            }
            ran = session.run(list(graph.outputs), feeds | unused)
            parts.append([np.asarray(value).reshape(size, -1) for value in ran])
        return x, [np.concatenate(part)[: len(x)] for part in zip(*parts, strict=True)]
    except Exception as error:
        if type(error).__module__.startswith("onnxruntime"):
            return printable(str(error))
        raise
