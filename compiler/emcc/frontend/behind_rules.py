"""For every operator that may read a tensor whose batch is not in front: what to change of the node. See behind."""

import math
from collections import ChainMap
from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from emcc.frontend.behind import Axes, Where, set_attributes, set_constant
from emcc.frontend.operands import BATCH, Operands
from emcc.frontend.refusal import Refusal
from emcc.ir.graph import Array


def _plain(node: Operands, axes: Axes) -> Where:
    """What does the same to every element, whatever its place."""
    return axes.kept()


def _beside_constants(node: Operands, axes: Axes) -> Where:
    """Elementwise with constants, which lie along the model's last axes."""
    for i, name in enumerate(node.proto.input):
        if not name or name in node.data:
            continue
        value = node.constant(i)
        if value.ndim > axes.rank:
            raise Refusal(f"its constant has {value.ndim} axes, the tensor {axes.rank}", BATCH)
        if value.ndim < axes.rank - axes.batch or value.size == 1:
            continue
        value = value.reshape((1,) * (axes.rank - value.ndim) + value.shape)
        row = value.take([0], axes.batch)
        if value.shape[axes.batch] not in (1, node.batch) or not (value == row).all():
            raise Refusal("its constant differs from sample to sample of the batch", "give it the shape of one sample")
        apart = (*row.shape[: axes.batch], *(1,) * (1 + axes.before + axes.after), *row.shape[axes.batch + 1 :])
        set_constant(node, i, np.ascontiguousarray(np.moveaxis(row.reshape(apart), axes.at, 0)))
    return axes.kept()


def _transpose(node: Operands, axes: Axes) -> Where:
    perm = [int(axis) for axis in node.attrs.get("perm", range(axes.rank - 1, -1, -1))]
    if sorted(perm) != list(range(axes.rank)):
        return axes.kept()
    whole = [part for axis in perm for part in axes.apart(axis)]
    set_attributes(node, perm=(0, *(axes.front(axis) for axis in whole if axis != axes.at)))
    return axes.kept(perm.index(axes.batch))


def _reshape(node: Operands, axes: Axes) -> Where:
    """To a shape that keeps the elements before a sample before it; other axes may be in one with the batch."""
    full, target = node.data[node.proto.input[0]].sizes(node.batch), node.integers(1)
    sizes = [full[i] if size == 0 and i < len(full) else size for i, size in enumerate(target)]
    known = math.prod(size for size in sizes if size != -1)
    if sizes.count(-1) == 1 and known > 0 and not math.prod(full) % known:
        sizes[sizes.index(-1)] = math.prod(full) // known
    place = None
    if (
        sizes
        and min(sizes) > 0
        and math.prod(sizes) == math.prod(full)
        and not (node.attrs.get("allowzero") and 0 in target)
    ):
        before = math.prod(_before(node, axes))
        place = _place(sizes, node.batch, before) if node.batch > 1 or axes.at else None
    if place is None:
        if not axes.at and not axes.after:
            return axes.kept()
        raise Refusal(f"the reshape to {list(target)} mixes the batch with the features", BATCH)
    at, outer, inner = place
    rest = [*sizes[:at], *([outer] if outer > 1 else []), *([inner] if inner > 1 else []), *sizes[at + 1 :]]
    where = {"at": at + (outer > 1), "before": int(outer > 1), "after": int(inner > 1)}
    if any(where.values()) or axes.at or axes.after:
        set_constant(node, 1, np.array([node.batch, *rest], np.int64))
    return where


def _before(node: Operands, axes: Axes) -> list[int]:
    """The sizes of the axes before the batch."""
    return [int(size or 1) for size in (node.data[node.proto.input[0]].shape or ())[1 : axes.at + 1]]


def _place(sizes: list[int], batch: int, before: int) -> tuple[int, int, int] | None:
    """(axis, outer, inner) of the one of outer * batch * inner elements, with `before` elements before the batch."""
    found: list[tuple[int, int, int]] = []
    for i, size in enumerate(sizes):
        outer, left = divmod(before, math.prod(sizes[:i]))
        if not left and outer and not size % (outer * batch):
            found.append((i, outer, size // (outer * batch)))
    return min(found, key=lambda place: place[1] * place[2], default=None)


def _with_axes(node: Operands, axes: list[int]) -> None:
    """Let these be the axes that input 1, or the attribute, names."""
    if node.given(1):
        set_constant(node, 1, np.array(sorted(axes), np.int64))
    else:
        set_attributes(node, axes=tuple(sorted(axes)))


def _squeeze(node: Operands, axes: Axes) -> Where:
    named = node.axes(axes.rank)
    if named is None:
        full = node.data[node.proto.input[0]].sizes(node.batch)
        named = tuple(i for i, size in enumerate(full) if size == 1 and i != axes.batch)
    _with_axes(node, [axes.moved(axis) for axis in named])
    return axes.kept(axes.batch - sum(axis < axes.batch for axis in named))


def _unsqueeze(node: Operands, axes: Axes) -> Where:
    count = len(node.integers(1) if node.given(1) else node.attrs.get("axes", ()))
    rank = axes.rank + count
    named = node.axes(rank) or ()
    batch = [axis for axis in range(rank) if axis not in named][axes.batch]
    after = Axes(batch + axes.before, axes.before, axes.after, rank)
    if after.at or after.after:
        _with_axes(node, [after.moved(axis) for axis in named])
    return after.kept()


def _along(node: Operands, axes: Axes) -> Where:
    """What works along attribute `axis`, and leaves all axes."""
    set_attributes(node, axis=axes.moved(node.axis("axis", axes.rank)))
    return axes.kept()


def _concat(node: Operands, axes: Axes) -> Where:
    if not all(node.is_data(i) for i in range(len(node.proto.input))):
        raise Refusal("joins constants to tensors without the batch in front", BATCH)
    return _along(node, axes)


def _softmax(node: Operands, axes: Axes) -> Where:
    if node.opset < 13 and node.axis("axis", axes.rank) != axes.rank - 1:
        raise Refusal("runs over several axes as one", "export with opset 13 or newer")
    return _along(node, axes)


def _last_axes(node: Operands, axes: Axes) -> Where:
    """Over all axes from one behind the batch on."""
    if node.axis("axis", axes.rank) < axes.batch:
        raise Refusal(f"{node.proto.op_type} runs over the batch axis", "set its axis to the features")
    return _along(node, axes)


def _gather(node: Operands, axes: Axes) -> Where:
    """By constant places along an axis; or rows of a table by the tensor."""
    if not node.is_data(0):
        return axes.kept()
    axis = node.axis("axis", axes.rank)
    if axis == axes.batch and axes.after and not axes.at and node.constant(1).ndim > 1:
        set_constant(node, 1, _own_places(node))
        set_attributes(node, axis=1)
        return {"at": 0, "before": 0, "after": 0}
    set_attributes(node, axis=axes.moved(axis))
    return axes.kept(axes.batch + (node.constant(1).ndim - 1) * (axis < axes.batch))


def _own_places(node: Operands) -> Array:
    """The places in a sample, of places [n, ...] in an axis of all samples' elements: each of its own, and all alike.

    torch's exporter writes as_strided so, of what a pool to one pixel makes of channels that lie last.
    """
    index, inner = node.constant(1), int((node.data[node.proto.input[0]].shape or ())[1] or 1)
    sample = np.arange(len(index)).reshape(-1, *(1,) * (index.ndim - 1))
    if index.dtype.kind not in "iu" or len(index) != node.batch:
        raise Refusal("its indices are not those of each sample", BATCH)
    places = index.astype(np.int64) - sample * inner
    if not places.size or (places != places[:1]).any() or places.min() < 0 or places.max() >= inner:
        raise Refusal("picks other elements of other samples", BATCH)
    return np.asarray(places[0])


def _slice(node: Operands, axes: Axes) -> Where:
    if node.opset < 10:
        named = node.attrs.get("axes") or range(len(node.attrs["starts"]))
    else:
        named = node.integers(3) if node.given(3) else range(len(node.integers(1)))
    moved = [axes.moved(node.counted(int(axis), axes.rank)) for axis in named]
    if node.opset < 10:
        set_attributes(node, axes=tuple(moved))
    else:
        set_constant(node, 3, np.array(moved, np.int64))
    return axes.kept()


def _reduce(node: Operands, axes: Axes) -> Where:
    named = node.axes(axes.rank)
    if not named:
        raise Refusal(f"{node.proto.op_type} runs over all axes", BATCH)
    _with_axes(node, [axes.moved(axis) for axis in named])
    lost = 0 if node.attrs["keepdims"] else sum(axis < axes.batch for axis in named)
    return axes.kept(axes.batch - lost)


def _matmul(node: Operands, axes: Axes) -> Where:
    """Rows by a constant matrix, or two stacks of matrices: the batch is in front of the last axis, or of two."""
    both = node.is_data(0) and node.is_data(1)
    plain = both or (node.is_data(0) and node.constant(1).ndim == 2)
    if not plain or axes.batch > axes.rank - (3 if both else 2):
        raise Refusal("multiplies along the batch axis, or by a stack of constants", BATCH)
    return axes.kept()


def _gridded(node: Operands, axes: Axes) -> Where:
    """One scale for the whole tensor."""
    if node.constant(1).size > 1:
        raise Refusal("it has several scales, and the samples of its input are not along the first axis", BATCH)
    return axes.kept()


def _gemm(node: Operands, axes: Axes) -> Where:
    """Of the rows of all samples."""
    if axes.rank != 2 or axes.batch or node.is_data(1) or node.is_data(2):
        raise Refusal("the samples of its input are not along the first axis", BATCH)
    node.rows = True
    return axes.kept()


Rule = Callable[[Operands, Axes], Where]
_SAME = (
    "Abs Acos Acosh Asin Asinh Atan Atanh Cast Ceil Celu Clip Cos Cosh Dropout Elu Erf Exp Floor Gelu HardSigmoid "
    "HardSwish Identity IsNaN LeakyRelu Log Mish Neg Not Reciprocal Relu Round Selu Sigmoid Sign Sin Sinh Softplus "
    "Softsign Sqrt Swish Tan Tanh ThresholdedRelu"
)
MOVES: Mapping[str, Rule] = {"Reshape": _reshape, "Transpose": _transpose, "Unsqueeze": _unsqueeze}
"""What may take the batch away from the front."""

_COMPARED = ("And", "Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual", "Or", "Where", "Xor")
JOINS = ("Add", "Concat", "Div", "MatMul", "Max", "Min", "Mul", "Pow", "Sub", *_COMPARED)
PLACED = ("GRU", "LSTM")
"""Whose rules say themselves where the batch lies."""

RECURRENT = (*PLACED, "DynamicQuantizeLSTM")
"""They, and what is spelt out by them."""

RULES: Mapping[str, Rule] = {
    **dict.fromkeys(_SAME.split(), _plain),
    **dict.fromkeys(("Add", "Div", "Max", "Min", "Mul", "Pow", "Sub", *_COMPARED), _beside_constants),
    **dict.fromkeys(("ReduceMax", "ReduceMean", "ReduceMin", "ReduceSum"), _reduce),
    "Concat": _concat,
    "Split": _along,
    **dict.fromkeys(("LogSoftmax", "Softmax"), _softmax),
    **dict.fromkeys(("LayerNormalization", "RMSNormalization"), _last_axes),
    **dict.fromkeys(("DequantizeLinear", "QuantizeLinear"), _gridded),
    "Gather": _gather,
    "Gemm": _gemm,
    "MatMul": _matmul,
    "Slice": _slice,
    "Squeeze": _squeeze,
}


def to_front(node: Operands) -> Where:
    """Change a node so that the batch is in front of its tensors; return where it is in what it makes.

    Raise Refusal where that cannot be said.
    """
    op, read = node.proto.op_type, [name for name in node.proto.input if name in node.data]
    if op in PLACED or not node.model.behind or any(node.data[name].shape is None for name in read):
        return {}
    if all(node.data[name].in_front for name in read):
        if op not in MOVES or node.single or node.bare() or not node.is_data(0):
            return {}
        return MOVES[op](node, Axes.of(node.data[read[0]]))
    rule = MOVES.get(op) or RULES.get(op)
    if rule is None or node.proto.domain not in ("", "ai.onnx"):
        raise Refusal("the samples of its input are not along the first axis", BATCH)
    axes = {Axes.of(node.data[name]) for name in read}
    if len(axes) > 1 or (len(read) > 1 and op not in JOINS):
        raise Refusal("the samples of its inputs are along different axes", BATCH)
    where = rule(node, axes.pop())
    front = {name: replace(node.data[name], at=0, before=0, after=0) for name in read}
    node.data = ChainMap(front, node.data)
    return where
