"""Rules of operators that pick elements of a sample: Slice, Split, Gather, Pad, Tile, Expand."""

import math
from itertools import pairwise
from typing import Any

import numpy as np

from emcc.frontend.grids import BITS
from emcc.frontend.operands import BATCH, LARGEST, Made, Operands
from emcc.frontend.refusal import Refusal
from emcc.frontend.rules_shape import for_one
from emcc.ops.embedding import LARGEST as ROWS

AGAIN = "export the model again"
END = 1 << 31
Row = tuple[int, int, int]
"""Begin, count and step along an axis."""


def cut(node: Operands) -> Made:
    """Slice: attributes before opset 10, inputs since."""
    full = node.own()
    rows: list[Row] = [(0, size, 1) for size in full]
    for axis, begin, end, step in _slices(node, len(full)):
        size = full[axis]
        if step == 0:
            raise Refusal("has a step of 0", AGAIN)
        if axis == 0 and node.frozen and ((begin, step) != (0, 1) or end < END - 1):
            raise Refusal("takes some samples of the batch", BATCH)
        picked = range(size)[slice(begin, end if end > -END else None, step)]
        if not len(picked):
            raise Refusal(f"takes nothing of axis {axis}: {begin} to {end} of {size}", "mend its starts and ends")
        rows[axis] = (picked.start, len(picked), picked.step)
    return _sliced(node, rows)


def _slices(node: Operands, rank: int) -> list[tuple[int, int, int, int]]:
    """(axis, begin, end, step) for each axis that it names."""
    if node.opset < 10:
        begins, ends = node.attrs["starts"], node.attrs["ends"]
        axes, steps = node.attrs.get("axes"), None
    else:
        begins, ends = node.integers(1), node.integers(2)
        axes, steps = (node.integers(i) if node.given(i) else None for i in (3, 4))
    axes = tuple(range(len(begins))) if axes is None else axes
    steps = (1,) * len(begins) if steps is None else steps
    if not len(begins) == len(ends) == len(axes) == len(steps):
        raise Refusal(f"has {len(begins)} starts, {len(ends)} ends, {len(axes)} axes, {len(steps)} steps", AGAIN)
    counted = [node.counted(int(axis), rank) for axis in axes]
    if len(set(counted)) != len(counted):
        raise Refusal(f"axes {counted} repeat", "name each axis once")
    return list(zip(counted, begins, ends, steps, strict=True))


def _sliced(node: Operands, rows: list[Row], x: str | None = None) -> Made:
    """Input 0 without all but these elements of each of the axes that it has in the model."""
    full, name = node.own(), x or node.proto.input[0]
    if not node.bare():
        if rows[0] != (0, full[0], 1):
            raise Refusal("takes some samples of the batch", BATCH)
        rows = rows[1:]
    if not rows or all(row == (0, size, 1) for row, size in zip(rows, full[-len(rows) :], strict=True)):
        return "Identity", (name,), {}
    begins, counts, steps = zip(*rows, strict=True)
    return "Slice", (name,), {"begins": begins, "counts": counts, "steps": steps}


def split(node: Operands) -> Made:
    """A Slice an output."""
    full, outputs = node.own(), len(node.proto.output)
    axis = node.axis("axis", len(full))
    size = full[axis]
    given = node.integers(1) if node.opset >= 13 and node.given(1) else node.attrs.get("split")
    if given is None:
        part = -(-size // outputs)
        if node.opset < 18 and size % outputs:
            raise Refusal(f"splits {size} elements into {outputs} equal parts", AGAIN)
        given = [*[part] * (outputs - 1), size - part * (outputs - 1)]
    if len(given) != outputs or sum(given) != size or min(given) < 1:
        raise Refusal(f"splits {size} elements into {list(given)}", "every part needs elements, and all are to be used")
    made: list[Made] = []
    for i, count in enumerate(given):
        rows: list[Row] = [(0, each, 1) for each in full]
        rows[axis] = (sum(given[:i]), count, 1)
        made.append(_sliced(node, rows))
    for i, each in enumerate(made[1:], 1):
        node.also(i, each)
    return made[0]


def gather(node: Operands) -> Made:
    """Constant indices along one axis of a sample; or rows of a constant table by the integers of a sample."""
    if node.is_data(1) and not node.is_data(0):
        return _embedding(node)
    if not node.is_data(0) or node.is_data(1):
        raise Refusal("its indices are computed from the model's input", "emcc gathers by constant indices")
    full, bare, index = node.own(), node.bare(), node.constant(1)
    axis = node.axis("axis", len(full))
    if index.dtype.kind not in "iu" or not index.size or index.size > 1 << 20:
        raise Refusal(f"its indices are {index.dtype} {list(index.shape)}", AGAIN)
    if axis == 0 and not bare and not (node.single and index.size == 1):
        raise Refusal("gathers samples of the batch", BATCH)
    if index.min() < -full[axis] or index.max() >= full[axis]:
        raise Refusal(f"its indices go from {index.min()} to {index.max()}, of {full[axis]} elements", "mend them")
    if axis == 0 and not bare:
        return for_one(node, [*index.shape, *full[1:]])
    places = [int(i) % full[axis] for i in index.ravel()]
    made = _gathered(node, axis, places)
    if index.ndim == 1:
        return made
    shape = [*full[:axis], *index.shape, *full[axis + 1 :]]
    node.leaves_bare = bare
    if bare and not shape:
        raise Refusal("leaves a single number", AGAIN)
    return "Reshape", (node.put(*made),), {"shape": tuple(shape if bare else shape[1:])}


def _embedding(node: Operands) -> Made:
    if not node.picks(1):
        hint = "let an input of int32 or int64 pick the rows, or use constant indices"
        raise Refusal("its indices are computed from the model's input", hint)
    table = node.weights(0)
    if table.ndim != 2 or node.axis("axis", 2) != 0:
        raise Refusal(f"gathers along axis {node.attrs['axis']} of {list(table.shape)}", "emcc picks rows of a matrix")
    if len(table) > ROWS:
        raise Refusal(f"picks from {len(table):,} rows", f"emcc takes tables of up to {ROWS:,}")
    node.shape(1, bare=True)
    return "Embedding", (node.proto.input[1], node.keep(0, table)), {}


def _gathered(node: Operands, axis: int, places: list[int]) -> Made:
    """A Slice where the places are evenly apart."""
    steps = {b - a for a, b in pairwise(places)} or {1}
    if len(steps) == 1 and 0 not in steps:
        rows: list[Row] = [(0, size, 1) for size in node.own()]
        rows[axis] = (places[0], len(places), steps.pop())
        return _sliced(node, rows)
    return "Gather", (node.proto.input[0],), {"axis": axis + node.bare(), "indices": tuple(places)}


def pad(node: Operands) -> Made:
    """Attributes before opset 11, inputs since; what is cut off instead is a Slice in front."""
    full, x = node.own(), node.proto.input[0]
    before, after = _widths(node, len(full))
    mode = node.attrs["mode"]
    if mode not in ("constant", "edge", "reflect", "wrap"):
        raise Refusal(f"its mode is {mode!r}", "use constant, edge, reflect or wrap")
    if not node.bare():
        if before[0] or after[0]:
            raise Refusal("pads the batch", BATCH)
        before, after, full = before[1:], after[1:], full[1:]
    value = _value(node) if mode == "constant" else 0.0
    lost = [(max(0, -low), max(0, -high)) for low, high in zip(before, after, strict=True)]
    if any(low + high for low, high in lost):
        rows = [(low, size - low - high, 1) for size, (low, high) in zip(full, lost, strict=True)]
        if min(count for _, count, _ in rows) < 1:
            raise Refusal(f"cuts off all of {list(full)}", "mend its pads")
        x = node.put(*_sliced(node, rows if node.bare() else [(0, node.own()[0], 1), *rows]))
        full = tuple(count for _, count, _ in rows)
    low, high = tuple(max(0, width) for width in before), tuple(max(0, width) for width in after)
    attrs: dict[str, Any] = {"before": low, "after": high, "mode": mode}
    if not any(low) and not any(high):
        return "Identity", (x,), {}
    if mode == "reflect" and any(max(pair) >= size for *pair, size in zip(low, high, full, strict=True)):
        raise Refusal(f"mirrors more than there is of {list(full)}", "mend its pads")
    if math.prod(a + b + c for a, b, c in zip(low, high, full, strict=True)) > max(LARGEST, math.prod(full)):
        raise Refusal("makes more than 2^24 elements a sample", "mend its pads")
    grid = node.data[node.proto.input[0]].grid
    if grid is not None and mode == "constant":
        return (
            "QuantizeLinear",
            (node.put("Pad", (node.put("DequantizeLinear", (x,), dict(grid)),), attrs),),
            dict(grid),
        )
    if not value:
        return "Pad", (x,), attrs
    border = np.pad(np.zeros(full, np.float32), list(zip(low, high, strict=True)), constant_values=value)
    return "Add", (node.put("Pad", (x,), attrs), node.constant_of("border", border)), {}


def _widths(node: Operands, rank: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """(before, after) for every axis; negative where elements are cut off."""
    widths = node.integers(1) if node.opset >= 11 else tuple(int(width) for width in node.attrs["pads"])
    axes = list(range(rank))
    if node.given(3):
        axes = [node.counted(axis, rank) for axis in node.integers(3)]
    if len(widths) != 2 * len(axes) or len(set(axes)) != len(axes):
        raise Refusal(f"has {len(widths)} pads for axes {axes}", AGAIN)
    ends = [dict(zip(axes, half, strict=True)) for half in (widths[: len(axes)], widths[len(axes) :])]
    before, after = (tuple(end.get(axis, 0) for axis in range(rank)) for end in ends)
    if any(abs(width) > END for width in widths):
        raise Refusal(f"pads by {max(widths)}", "mend its pads")
    return before, after


def _value(node: Operands) -> float:
    if node.opset < 11:
        return node.number("value")
    padded = node.data[node.proto.input[0]]
    value = node.constant(2) if node.given(2) else np.zeros((), np.int64 if padded.dtype in BITS else np.float32)
    if padded.dtype in BITS:
        zeros = (padded.grid or {}).get("zero_point", ())
        if value.size != 1 or set(zeros) != {int(value.flat[0])}:
            raise Refusal(f"pads integers with {value.ravel()[:4].tolist()}", "pad with the one that stands for 0")
        return 0.0
    if value.size != 1 or value.dtype.kind != "f" or not math.isfinite(float(value.flat[0])):
        raise Refusal(f"pads with {value.ravel()[:4].tolist()}", "pad with one finite number; MaxPool has its own pads")
    return float(value.flat[0])


def tile(node: Operands) -> Made:
    """Whole axes of a sample several times."""
    full, repeats = node.own(), list(node.integers(1))
    if len(repeats) != len(full) or min(repeats, default=0) < 1:
        raise Refusal(f"repeats {repeats} of {len(full)} axes", "every axis at least once")
    return _tiled(node, repeats, node.proto.input[0])


def expand(node: Operands) -> Made:
    """Axes of size 1 as often as a constant shape says."""
    full, target = list(node.own()), list(node.integers(1))
    if len(target) > len(full) or node.bare():
        raise Refusal(f"expands {list(full)} to {target}", BATCH)
    target = [1] * (len(full) - len(target)) + target
    if any(size not in (1, own) and own != 1 for size, own in zip(target, full, strict=True)) or min(target) < 1:
        raise Refusal(f"expands {list(full)} to {target}", "mend its shape")
    repeats = [size if own == 1 else 1 for size, own in zip(target, full, strict=True)]
    if node.batch == 1:
        repeats[0] = target[0]
    return _tiled(node, repeats, node.proto.input[0])


def _tiled(node: Operands, repeats: list[int], x: str) -> Made:
    if not node.bare():
        if repeats[0] != 1:
            raise Refusal("repeats the samples of the batch", BATCH)
        repeats = repeats[1:]
    if math.prod(repeats) > 1 and math.prod(repeats) * math.prod(node.own()) > LARGEST:
        raise Refusal("makes more than 2^24 elements a sample", "mend its repeats")
    if all(count == 1 for count in repeats):
        return "Identity", (x,), {}
    return "Tile", (x,), {"repeats": tuple(repeats)}
