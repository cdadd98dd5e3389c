"""Rules of Resize, Upsample, DepthToSpace and SpaceToDepth, which make other maps of an image; of CumSum and Trilu."""

import math
from collections.abc import Callable, Mapping

import numpy as np

from emcc.frontend.operands import BATCH, Made, Operands
from emcc.frontend.refusal import Refusal, quoted
from emcc.frontend.rules_conv import image
from emcc.ir.graph import Array

MODES = "resize by mode nearest or linear, or outside of the model"
COORDINATES: Mapping[str, Callable[[Array, float, int, int], Array]] = {
    "align_corners": lambda at, scale, size, count: at * (size - 1) / max(1, count - 1),
    "asymmetric": lambda at, scale, size, count: at / scale,
    "half_pixel": lambda at, scale, size, count: (at + 0.5) / scale - 0.5,
    "pytorch_half_pixel": lambda at, scale, size, count: (at + 0.5) / scale - 0.5 if count > 1 else 0 * at,
    "tf_half_pixel_for_nn": lambda at, scale, size, count: (at + 0.5) / scale,
}
NEAREST: Mapping[str, Callable[[Array], Array]] = {
    "ceil": np.ceil,
    "floor": np.floor,
    "round_prefer_ceil": lambda at: np.floor(at + 0.5),
    "round_prefer_floor": lambda at: np.ceil(at - 0.5),
}


def resize(node: Operands) -> Made:
    """Nearest neighbours, or between neighbours, of axes that are not the batch; opsets 7 to 9 call it Upsample."""
    sizes, scales = list(node.full()), _scales(node)
    if len(scales) != len(sizes):
        raise Refusal(f"has {len(scales)} scales for {len(sizes)} axes", "export the model again")
    if all(scale == 1 for scale in scales):
        return "Identity", (node.proto.input[0],), {}
    mode = node.attrs["mode"]
    if mode not in ("nearest", "linear"):
        raise Refusal(f"its mode is {quoted(str(mode))}", MODES)
    if scales[0] != 1 or scales[1] != 1:
        raise Refusal(f"resizes the batch or the channels: scales {scales}", "resize height and width only")
    x = node.proto.input[0]
    made: Made = ("Identity", (x,), {})
    for axis, (size, scale) in enumerate(zip(sizes, scales, strict=True)):
        if scale != 1:
            step = (_along if mode == "nearest" else _between)(node, axis, size, scale)
            before = x if made[0] == "Identity" else node.put(*made)
            made = step(before)
    return made


def _count(size: int, scale: float) -> int:
    count = math.floor(size * scale + 1e-6)
    if not 1 <= count <= 1 << 20:
        raise Refusal(f"resizes {size} elements to {count}", "mend its scales")
    return count


def _along(node: Operands, axis: int, size: int, scale: float) -> Callable[[str], Made]:
    """Nearest neighbours along one axis, of `size` elements."""
    rank, count = len(node.full()), _count(size, scale)
    places = _places(node, size, count, scale)
    factor = count // size
    if factor > 1 and np.array_equal(places, np.arange(count) // factor):
        factors = tuple(factor if at == axis else 1 for at in range(1, rank))
        return lambda x: ("Resize", (x,), {"factors": factors})
    return lambda x: ("Gather", (x,), {"axis": axis, "indices": tuple(int(at) for at in places)})


def _between(node: Operands, axis: int, size: int, scale: float) -> Callable[[str], Made]:
    """Linear interpolation along one axis: a matrix with two numbers a row."""
    count = _count(size, scale)
    how = str(node.attrs.get("coordinate_transformation_mode", "asymmetric"))
    if how not in COORDINATES or node.attrs.get("antialias", 0) or node.attrs.get("exclude_outside", 0):
        raise Refusal(f"it samples by {quoted(how)}", "export it with half_pixel or align_corners, without antialias")
    if how == "align_corners" and not math.isclose(count, size * scale, rel_tol=1e-6):
        raise Refusal(f"aligns the corners of {size} elements times {scale:g}", "give it sizes instead of scales")
    at = np.clip(COORDINATES[how](np.arange(count, dtype=np.float64), scale, size, count), 0, size - 1)
    low = np.floor(at).astype(np.int64)
    matrix = np.zeros((count, size))
    np.add.at(matrix, (np.arange(count), low), 1 - (at - low))
    np.add.at(matrix, (np.arange(count), np.minimum(low + 1, size - 1)), at - low)
    return lambda x: _by_matrix(node, x, axis, np.asarray(matrix, np.float32))


def _by_matrix(node: Operands, x: str, axis: int, matrix: Array) -> Made:
    """A matrix [new, old] times the elements along one of the last two axes."""
    rank = len(node.own()) + node.bare()
    lead = (1,) * (rank - 2)
    if axis == rank - 1:
        return "BatchMatMul", (x, node.constant_of(f"along{axis}", matrix.T.reshape(*lead, *matrix.T.shape))), {}
    return "BatchMatMul", (node.constant_of(f"along{axis}", matrix.reshape(*lead, *matrix.shape)), x), {}


def sums_up_to(node: Operands) -> Made:
    """CumSum along one of the last two axes: a matrix of zeros and ones."""
    full, flags = node.own(), node.integers(1)
    axis = node.counted(flags[0], len(full)) + node.bare()
    rank = len(full) + node.bare()
    if axis == 0 or axis < rank - 2:
        raise Refusal(f"CumSum along axis {axis} of {rank}", "sum along the last axis or the one before it")
    size = full[axis - node.bare()]
    matrix = np.tri(size, size, -1 if node.attrs["exclusive"] else 0, dtype=np.float32)
    matrix = np.ascontiguousarray(matrix.T if node.attrs["reverse"] else matrix)
    if rank == 2:
        return "MatMul", (node.proto.input[0], node.constant_of("ones", np.ascontiguousarray(matrix.T))), {}
    return _by_matrix(node, node.proto.input[0], axis, matrix)


def triangle(node: Operands) -> Made:
    """Trilu: a product with zeros and ones."""
    full = node.own()
    k = int(np.clip(node.integers(1)[0], -(1 << 24), 1 << 24)) if node.given(1) else 0
    if len(full) - (not node.bare()) < 2:
        raise Refusal("takes a triangle across the batch", BATCH)
    rows, columns = full[-2:]
    mask = np.tri(rows, columns, k - 1 if node.attrs["upper"] else k, dtype=np.float32)
    mask = 1 - mask if node.attrs["upper"] else mask
    return "Mul", (node.proto.input[0], node.constant_of("triangle", np.asarray(mask))), {}


def _places(node: Operands, size: int, count: int, scale: float) -> Array:
    """Which element each one of the result is nearest to; in float32, as onnxruntime has it, since ties are close."""
    how = node.attrs.get("coordinate_transformation_mode", "asymmetric")
    nearest = node.attrs.get("nearest_mode", "floor")
    if how not in COORDINATES or nearest not in NEAREST or node.attrs.get("antialias", 0):
        raise Refusal(f"it samples by {quoted(str(how))}, {quoted(str(nearest))}", "export it with asymmetric, floor")
    at = COORDINATES[how](np.arange(count, dtype=np.float32), float(np.float32(scale)), size, count)
    return np.clip(NEAREST[nearest](at), 0, size - 1).astype(np.int64)


def _scales(node: Operands) -> list[float]:
    """Of every axis of the model's tensor."""
    rank, full = len(node.full()), node.full()
    if node.proto.op_type == "Upsample" and node.opset < 9:
        return [float(scale) for scale in node.attrs["scales"]]
    at = 1 if node.proto.op_type == "Upsample" or node.opset < 11 else 2
    axes = [node.counted(int(axis), rank) for axis in node.attrs.get("axes", range(rank))]
    given = node.constant(at) if node.given(at) else np.zeros(0, np.float32)
    if given.size:
        values = [float(scale) for scale in given.ravel()[:64]]
    elif node.given(3):
        if node.attrs.get("keep_aspect_ratio_policy", "stretch") != "stretch":
            raise Refusal("keeps the aspect ratio of its sizes", "give it scales instead")
        values = [size / full[axis] for size, axis in zip(node.integers(3), axes, strict=False)]
    else:
        raise Refusal("has neither scales nor sizes", "export the model again")
    if len(values) != len(axes) or not all(math.isfinite(value) and value > 0 for value in values):
        raise Refusal(f"has scales {values} for axes {axes}", "export the model again")
    by_axis = dict(zip(axes, values, strict=True))
    return [by_axis.get(axis, 1.0) for axis in range(rank)]


def blocks(node: Operands) -> Made:
    """DepthToSpace and SpaceToDepth: squares of positions of a position's channels, and back."""
    op, mode, block = node.proto.op_type, node.attrs.get("mode", "DCR"), int(node.attrs["blocksize"])
    image(node, op)
    if mode not in ("DCR", "CRD"):
        raise Refusal(f"its mode is {quoted(str(mode))}", "use DCR or CRD")
    if not 1 <= block <= 1 << 10:
        raise Refusal(f"its blocksize is {block}", "use 1 to 1024")
    return op, (node.proto.input[0],), {"blocksize": block, "mode": mode}
