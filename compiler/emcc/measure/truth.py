"""The imported graph against onnxruntime, where that is installed: an import that is wrong must not go on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from emcc import ops
from emcc.base.errors import EmccError
from emcc.base.text import printable
from emcc.frontend import Remarks, Shapes, live, remarks
from emcc.frontend.ort import OrtError, Session, installed, turn
from emcc.frontend.ort_worker import BASIC, EXACT, PLAIN
from emcc.ir.batch import apart, ends, joined
from emcc.ir.graph import Array, Graph
from emcc.ops.interpret import left, trace

MOST = 1 << 28
"""Elements that all tensors of a batch may have together for it to be checked."""

TRACED = 1 << 25
"""The same of the samples that are run here at a time."""

_WIDEST = 8
"""Bytes of an element, at most."""

HINT = "this is a bug in emcc, or in the model: please report it with the model"


@dataclass(frozen=True)
class Closeness:
    """How close onnxruntime's outputs must be.

    Attributes:
        tolerance: of the output's largest magnitude.
        same: the share of equal integers, where the model's own output is an arg-max: near-ties may go either way.
        words: the end of the sentence on what was checked.
        steps: how far apart integers that count as equal may be.
        samples: the share of samples whose floats must be that close.
    """

    tolerance: float
    same: float
    words: str = ""
    steps: int = 0
    samples: float = 1.0


SINGLE = Closeness(1e-3, 0.98)
"""float32 against float64 on networks of this size stays well below."""

HALF = Closeness(2**-6, 0.9, ", in float16 to within 1.6 %")
"""16 times the last place of half precision, 2**-10: every layer rounds to it, and errors add up."""


GRIDS = Closeness(2**-4, 0.95, ", which rounds between layers, to within 6 %", steps=2)
"""A sum that float32 and float64 round to either side of a half takes another integer, and so on from there."""


JUMPS = Closeness(1e-3, 0.95, ", but for few that a step takes elsewhere", samples=0.95)
"""Where a function jumps, float32 and float64 may land on either side of it, and what follows is another number."""

JUMPING = frozenset({"Bipolar", "Ceil", "Floor", "Round", "Sign", "Stairs"})


def check(graph: Graph, path: Path, x: Array, shapes: Shapes | None = None) -> str:
    """Compare the imported `graph` with onnxruntime on `x`, float32 [n, ...]; return a sentence on what was checked.

    `shapes`: what open sizes of the inputs were filled with.

    A model that computes in float16 is given float16, and emcc the same numbers; samples that overflow there are
    left out. onnxruntime's optimiser may change a model (that of 1.31 a Pad of zeros before a MaxPool): where it does,
    what counts is the model as it is written. Some processors cut its sums of 8-bit integers: what counts then are
    whole ones. The sentence names the output that was taken where the model has others.

    Raises:
        EmccError: they disagree.
    """
    about = remarks(path)
    said = _check(graph, path, x, about, shapes)
    return said + _taken(graph.outputs, about) + _renamed(about)


def _taken(outputs: tuple[str, ...], about: Remarks) -> str:
    if about.outputs == outputs:
        return ""
    every = ", ".join(repr(printable(name)) for name in about.outputs[:8])
    if len(outputs) == 1:
        return f"; {printable(outputs[0])!r} is taken as the output, of a model that has {every}"
    taken = ", ".join(repr(printable(name)) for name in outputs)
    return f"; {taken} are taken as the outputs, of a model that has {every}"


def _renamed(about: Remarks) -> str:
    names = ", ".join(repr(printable(new)) for new in list(about.renamed.values())[:8])
    return f"; quotes are _ in {names}" if names else ""


def _check(graph: Graph, path: Path, x: Array, about: Remarks, shapes: Shapes | None) -> str:
    """Compare with onnxruntime's outputs, and where they disagree with those that it has at its other levels."""
    if not installed():
        return "not checked against onnxruntime, which is not installed"
    disagreement: EmccError | None = None
    for level, words in ((BASIC, ""), (EXACT, ""), (PLAIN, " without its optimiser, and not with it")):
        with turn:
            ran = _outputs(path, x, graph, shapes, level)
        if not isinstance(ran, str):
            try:
                return _compared(graph, path, *ran, about) + words
            except EmccError as error:
                disagreement = disagreement or error
        elif level == BASIC:
            return f"not checked against onnxruntime, which cannot run the model: {ran}"
    assert disagreement
    raise disagreement


def _compared(graph: Graph, path: Path, x: Array, wanted: list[Array], about: Remarks) -> str:
    close = closeness(graph, half=about.half, dynamic=about.dynamic)
    if close is HALF:
        whole = [np.isfinite(x).all(tuple(range(1, x.ndim))), *(np.isfinite(own).all(axis=1) for own in wanted)]
        rows = np.logical_and.reduce(whole)
        x, wanted = x[rows], [own[rows] for own in wanted]
    if not len(x):
        return "not checked against onnxruntime: every sample overflows in float16"
    values = _traced(graph, x)
    pairs = zip(graph.outputs, wanted, strict=True)
    try:
        with np.errstate(all="ignore"):
            said = [
                held(np.asarray(left(graph, name, values[name], np)), own, close, path, _floor(graph, name))
                for name, own in pairs
            ]
    except EmccError:
        _check_overflow(graph, x.astype(np.float64), path)
        raise
    return "; ".join(dict.fromkeys(said))


def closeness(graph: Graph, *, half: bool, dynamic: bool = False) -> Closeness:
    """Return how close onnxruntime must be to a graph, of a model that computes in half precision, or not.

    `dynamic`: it rounds to 8 bits between layers, by scales of every batch's own.
    """
    if dynamic or any("grid" in ops.traits(node.op) for node in graph.nodes):
        return GRIDS
    if half:
        return HALF
    return JUMPS if any(node.op in JUMPING for node in graph.nodes) else SINGLE


def _traced(graph: Graph, x: Array) -> dict[str, Array]:
    """Return the outputs of samples, a few at a time: float64 [n, ...]."""
    most = max(1, TRACED // max(1, sum(tensor.features for tensor in graph.tensors.values())))
    with np.errstate(all="ignore"):
        parts = [
            trace(graph, x[begin : begin + most].astype(np.float64), keep=graph.outputs)
            for begin in range(0, len(x), most)
        ]
    return {name: np.concatenate([np.asarray(part[name]) for part in parts]) for name in graph.outputs}


def _check_overflow(graph: Graph, x: Array, path: Path) -> None:
    """Raise EmccError where a tensor is beyond float32 for some of the samples, which is what onnxruntime fails by."""
    with np.errstate(all="ignore"):
        values = trace(graph, x)
    for node in graph.nodes:
        far = np.abs(np.asarray(values[node.outputs[0]], np.float64)) > np.finfo(np.float32).max
        count = int(far.reshape(len(far), -1).any(axis=1).sum())
        if count:
            message = f"its output is beyond float32 for {count} of {len(x)} samples"
            hint = "check the weights, or give samples as the model is used on"
            raise EmccError(message, file=path, node=node.name, hint=hint)


def _floor(graph: Graph, output: str) -> float:
    """Return what an output may be off by where it is nearly 0: onnxruntime's Sigmoid gives 1e-7 for 1e-22."""
    makers = {node.outputs[0]: node for node in graph.nodes}
    while output in makers and "moves" in ops.traits(makers[output].op):
        output = makers[output].inputs[0]
    return SIGMOID if output in makers and makers[output].op == "Sigmoid" else 0.0


def held(got: Array, wanted: Array, close: Closeness, path: Path, floor: float = 0.0) -> str:
    """Compare an output with onnxruntime's, [n, elements]; return a sentence. A difference of `floor` is none."""
    samples = len(wanted)
    if got.size != wanted.size:
        raise EmccError(f"onnxruntime's output has {wanted.size} elements, emcc's {got.size}", file=path, hint=HINT)
    got = got.reshape(wanted.shape)
    if wanted.dtype.kind in "iu":
        same = float(np.mean(np.abs(got - wanted) <= close.steps))
        if same < close.same:
            message = f"the import disagrees with onnxruntime on {1 - same:.0%} of outputs"
            raise EmccError(message, file=path, hint=HINT)
        return f"same classes as onnxruntime on {samples} samples{', in float16' if close is HALF else ''}"
    # Not a number, or infinite, is what a logarithm or a root makes of noise: both are to make the same of it.
    alike = (got == wanted) | (np.isnan(got) & np.isnan(wanted))
    far = np.abs(np.where(alike, 0, got) - np.where(alike, 0, wanted)).max(axis=1, initial=0.0)
    worst = float(np.quantile(far, close.samples, method="higher")) if samples else 0.0
    scale = max(float(np.abs(wanted[np.isfinite(wanted)]).max(initial=0.0)), 1e-6)
    if not worst <= max(close.tolerance * scale, floor):
        raise EmccError(f"the import disagrees with onnxruntime by {worst:.3g} of {scale:.3g}", file=path, hint=HINT)
    return f"agrees with onnxruntime on {samples} samples{close.words}"


SIGMOID = 2.0**-20
"""Eight units in the last place of 1 in float32."""

KINDS = {
    "tensor(double)": np.float64,
    "tensor(float16)": np.float16,
    "tensor(int16)": np.int16,
    "tensor(int8)": np.int8,
    "tensor(uint16)": np.uint16,
    "tensor(uint8)": np.uint8,
}
"""onnxruntime's name of an input's type -> what it is fed; float32 otherwise."""


NUMBERS = {
    "tensor(bool)": np.bool_,
    "tensor(int32)": np.int32,
    "tensor(int64)": np.int64,
    "tensor(uint32)": np.uint32,
    "tensor(uint64)": np.uint64,
}
"""The same, of inputs that pick rows or are cast at once, or that emcc has no use for: these are fed zeros."""


def _outputs(path: Path, x: Array, graph: Graph, shapes: Shapes | None, level: str) -> tuple[Array, list[Array]] | str:
    """Return the samples in the inputs' type and what onnxruntime computes as outputs [n, elements]; or why not.

    It has what the outputs depend on, and nothing else of the model. They run in batches where the model fixes one, one
    by one where an input has no axis for samples. `level`: of onnxruntime's optimiser.
    """
    model = live(path, graph.outputs, shapes)
    if model is None:
        return "it is too large to be cut at its output"
    elements = sum(tensor.features for tensor in graph.tensors.values())
    try:
        session = Session(*model, level=level, room=2 * _WIDEST * min(elements * len(x), MOST))
        axes_of = {name: axes for name, (_, axes) in session.inputs.items() if name in graph.inputs}
        alone = {name for name, axes in axes_of.items() if len(axes) < len(graph.tensors[name].shape)}
        fixed = [1 if name in alone else axes[0] for name, axes in axes_of.items()]
        size = next((batch for batch in fixed if isinstance(batch, int)), len(x))
        if size * elements > MOST:
            return f"it takes {size:,} samples at a time, of {elements:,} elements all in all"
        with np.errstate(over="ignore", invalid="ignore"):
            x = _typed(x, graph, {name: kind for name, (kind, _) in session.inputs.items()})
        parts: list[list[Array]] = []
        for begin in range(0, len(x), size):
            batch = x[begin : begin + size]
            if len(batch) < size:
                batch = np.concatenate([batch, np.repeat(batch[-1:], size - len(batch), axis=0)])
            fed = {name: _cast(value, session.inputs[name][0]) for name, value in apart(ends(graph), batch).items()}
            fed |= {name: fed[name][0] for name in alone}
            fed |= {name: _zeros(*source, size) for name, source in session.inputs.items() if name not in fed}
            ran = session.run(graph.outputs, {name: fed[name] for name in session.inputs})
            parts.append([value.reshape(size, -1) for value in ran])
        return x, [np.concatenate(own)[: len(x)] for own in zip(*parts, strict=True)]
    except OrtError as error:
        return str(error)


def _typed(x: Array, graph: Graph, kinds: Mapping[str, str]) -> Array:
    """Return samples as the inputs hold them: a single one in its type, of several that of the first; whole numbers
    where an input is of integers."""
    if len(graph.inputs) == 1:
        return x.astype({**NUMBERS, **KINDS}.get(kinds[graph.inputs[0]], np.float32))
    parts = apart(ends(graph), x).items()
    held = joined(np, [_cast(value, kinds[name]).astype(np.float32) for name, value in parts])
    return np.asarray(held).astype(KINDS.get(kinds[graph.inputs[0]], np.float32))


def _cast(value: Array, kind: str) -> Array:
    """Return an input of integers by which rows are picked as it is fed; any other as it is."""
    return value.astype(NUMBERS[kind]) if kind in NUMBERS else value


def _zeros(kind: str, axes: Sequence[Any], samples: int) -> Array:
    """Return what an input that emcc has no use for is fed."""
    shape = [axis if isinstance(axis, int) else samples for axis in axes]
    return np.zeros(shape, NUMBERS.get(kind, KINDS.get(kind, np.float32)))
