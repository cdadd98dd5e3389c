"""DepthToSpace and SpaceToDepth: between channels and squares of `blocksize` x `blocksize` positions.

DepthToSpace takes a position's place in its square from the first part of the channel's number (mode DCR) or from the
last (CRD). SpaceToDepth puts it there.
"""

from typing import Any

from emcc.ir.graph import Node
from emcc.ops.operator import Shape
from emcc.ops.shapes import batched


def shape(node: Node, *shapes: Shape | None) -> Shape:
    """(None, C / b**2, H b, W b), or (None, C b**2, H / b, W / b)."""
    x, block = batched(shapes[0]), int(node.attrs["blocksize"])
    _, *sizes = (size or 1 for size in x)
    if len(sizes) != 3:
        raise ValueError(f"{x} is no image")
    channels, height, width = sizes
    if node.op == "DepthToSpace":
        if channels % block**2:
            raise ValueError(f"{channels} channels are no squares of {block} x {block}")
        return (None, channels // block**2, height * block, width * block)
    if height % block or width % block:
        raise ValueError(f"{height} x {width} positions are no squares of {block} x {block}")
    return (None, channels * block**2, height // block, width // block)


def evaluate(xp: Any, node: Node, *values: Any) -> Any:
    """[n, C, H, W]."""
    (x,) = values
    block = int(node.attrs["blocksize"])
    result = shape(node, (None, *x.shape[1:]))
    n, channels, height, width = x.shape
    if node.op == "SpaceToDepth":
        split = (n, channels, height // block, block, width // block, block)
        order = (3, 5, 1) if node.attrs["mode"] == "DCR" else (1, 3, 5)
        moved = xp.moveaxis(x.reshape(split), order, (1, 2, 3))
    elif node.attrs["mode"] == "DCR":
        split = (n, block, block, channels // block**2, height, width)
        moved = xp.moveaxis(x.reshape(split), (3, 4, 1, 5, 2), (1, 2, 3, 4, 5))
    else:
        split = (n, channels // block**2, block, block, height, width)
        moved = xp.moveaxis(x.reshape(split), (4, 2, 5, 3), (2, 3, 4, 5))
    return moved.reshape((n, *result[1:]))
