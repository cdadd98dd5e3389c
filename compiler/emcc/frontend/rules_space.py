"""Rules of operators that make other maps of an image: Resize, Upsample, DepthToSpace, SpaceToDepth."""

import math
from collections.abc import Callable, Mapping

import numpy as np

from emcc.frontend.operands import Made, Operands
from emcc.frontend.refusal import Refusal, quoted
from emcc.frontend.rules_conv import image
from emcc.ir.graph import Array

WHOLE = "emcc resizes by whole factors: 2, 3, ..., or 1/2, 1/3, ..."
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
    """Nearest neighbours, by whole factors of axes that are not the batch; opsets 7 to 9 call it Upsample."""
    sizes, scales = list(node.full()), _scales(node)
    if len(scales) != len(sizes):
        raise Refusal(f"has {len(scales)} scales for {len(sizes)} axes", "export the model again")
    if all(scale == 1 for scale in scales):
        return "Identity", (node.proto.input[0],), {}
    mode = node.attrs["mode"]
    if mode != "nearest":
        raise Refusal(f"its mode is {quoted(str(mode))}", "resize by nearest neighbours, or outside of the model")
    if scales[0] != 1 or scales[1] != 1:
        raise Refusal(f"resizes the batch or the channels: scales {scales}", "resize height and width only")
    x = node.proto.input[0]
    made: Made = ("Identity", (x,), {})
    for axis, (size, scale) in enumerate(zip(sizes, scales, strict=True)):
        if scale != 1:
            step = _along(node, axis, size, scale)
            made = (step[0], (x if made[0] == "Identity" else node.put(*made),), step[1])
    return made


def _along(node: Operands, axis: int, size: int, scale: float) -> tuple[str, dict[str, object]]:
    """What one axis, of `size` elements, is resized by: (operator, attributes)."""
    rank, factor, part = len(node.full()), round(scale), round(1 / scale)
    if not (math.isclose(scale, factor, rel_tol=1e-6) or (part and math.isclose(scale * part, 1, rel_tol=1e-6))):
        raise Refusal(f"resizes axis {axis} by {scale:g}", WHOLE)
    count = math.floor(size * scale + 1e-6)
    if not 1 <= count <= 1 << 20:
        raise Refusal(f"resizes {size} elements to {count}", WHOLE)
    places = _places(node, size, count, scale)
    if factor > 1 and np.array_equal(places, np.arange(count) // factor):
        factors = [1] * (rank - 1)
        factors[axis - 1] = factor
        return "Resize", {"factors": tuple(factors)}
    return "Gather", {"axis": axis, "indices": tuple(int(at) for at in places)}


def _places(node: Operands, size: int, count: int, scale: float) -> Array:
    """Which element each one of the result is nearest to."""
    how = node.attrs.get("coordinate_transformation_mode", "asymmetric")
    nearest = node.attrs.get("nearest_mode", "floor")
    if how not in COORDINATES or nearest not in NEAREST or node.attrs.get("antialias", 0):
        raise Refusal(f"it samples by {quoted(str(how))}, {quoted(str(nearest))}", "export it with asymmetric, floor")
    at = COORDINATES[how](np.arange(count, dtype=np.float64), scale, size, count)
    return np.clip(NEAREST[nearest](np.round(at, 9)), 0, size - 1).astype(np.int64)


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
