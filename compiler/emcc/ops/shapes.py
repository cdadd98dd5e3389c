"""Shape rules that several operators share."""

from collections.abc import Sequence

from emcc.ops.operator import Shape


def elements(shape: Sequence[int | None]) -> int:
    """Elements of a sample: the product of all axes that are known."""
    product = 1
    for size in shape:
        product *= 1 if size is None else size
    return product


def present(shape: Shape | None) -> Shape:
    """The shape of an input that must be there."""
    if shape is None:
        raise ValueError("an input is missing")
    return shape


def batched(shape: Shape | None) -> Shape:
    """The shape of a data input: its first axis is the batch."""
    if shape is None or not shape or shape[0] is not None:
        raise ValueError(f"{shape} has no batch axis in front")
    return shape


def broadcast(a: Shape | None, b: Shape | None) -> Shape:
    """NumPy's rule, where the batch axis (None) meets the batch axis, 1 or nothing, and must end up in front."""
    first, second = present(a), present(b)
    rank = max(len(first), len(second))
    left = (1,) * (rank - len(first)) + first
    right = (1,) * (rank - len(second)) + second
    out: list[int | None] = []
    for axis, (p, q) in enumerate(zip(left, right, strict=True)):
        if p == q or q == 1:
            out.append(p)
        elif p == 1:
            out.append(q)
        else:
            raise ValueError(f"{first} and {second} do not broadcast")
        if (out[-1] is None) != (axis == 0):
            raise ValueError(f"{first} and {second} broadcast the batch axis away from the front")
    return tuple(out)
