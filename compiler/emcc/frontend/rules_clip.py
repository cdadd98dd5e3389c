"""Rules of what bounds elements: Clip, Max and Min."""

import math

import numpy as np

from emcc.frontend.operands import Made, Operands
from emcc.frontend.refusal import Refusal, quoted
from emcc.frontend.rules_arithmetic import beside, level

AGAIN = "export the model again"
LARGEST = float(np.finfo(np.float32).max)


def clip(node: Operands) -> Made:
    """Bounds are attributes before opset 11, inputs since. From 0 upwards it is a Relu."""
    node.shape(bare=True)
    low, high = (_bound(node, i, name) for i, name in ((1, "min"), (2, "max")))
    low, high = -LARGEST if low is None else low, LARGEST if high is None else high
    if low > high:
        raise Refusal(f"clips to no less than {low} and no more than {high}", AGAIN)
    return clipped(node.proto.input[0], low, high)


def clipped(x: str, low: float, high: float) -> Made:
    """A Clip between two numbers, or what does the same."""
    if low == 0 and high == LARGEST:
        return "Relu", (x,), {}
    return "Clip", (x,), {"low": low, "high": high}


def _bound(node: Operands, i: int, name: str) -> float | None:
    if node.opset < 11:
        value = float(node.attrs[name]) if name in node.attrs else None
    else:
        value = _one(node, i, name) if node.given(i) else None
    if value is not None and math.isnan(value):
        raise Refusal(f"its bound {name!r} is NaN", AGAIN)
    return value if value is None else min(max(value, -LARGEST), LARGEST)


def _one(node: Operands, i: int, name: str) -> float:
    """The one element of a constant, which some exporters give an axis."""
    value = node.constant(i)
    if value.size != 1 or value.dtype.kind != "f":
        raise Refusal(f"its bound {name!r} is {value.dtype} {list(value.shape)}, not one float", AGAIN)
    return float(value.flat[0])


def extreme(node: Operands) -> Made:
    """Max or Min of a computed tensor and numbers: a Clip; of several computed ones, or with a bound for each element,
    what it is."""
    op, count = node.proto.op_type, len(node.proto.input)
    computed = [i for i in range(count) if node.is_data(i)]
    bounds = [i for i in range(count) if i not in computed and not _idle(node, op, i)]
    if len(computed) > 1 or any(node.weights(i).min() != node.weights(i).max() for i in bounds):
        return _of_several(node, op, computed, bounds)
    (x,) = computed
    numbers = [_number(node, i, x) for i in bounds]
    name = node.proto.input[x]
    node.shape(x, bare=True)
    if not numbers:
        return "Identity", (name,), {}
    return clipped(name, max(numbers), LARGEST) if op == "Max" else clipped(name, -LARGEST, min(numbers))


def _idle(node: Operands, op: str, i: int) -> bool:
    """Whether constant i is the number that bounds nothing: an infinity."""
    value = node.constant(i)
    return value.size == 1 and value.dtype.kind == "f" and float(value.flat[0]) == (-1 if op == "Max" else 1) * math.inf


def _of_several(node: Operands, op: str, computed: list[int], bounds: list[int]) -> Made:
    """The largest or smallest of tensors, element by element."""
    names = dict(zip(computed, level(node, computed), strict=True))
    names |= {i: node.keep(i, beside(node, i, node.weights(i))) for i in bounds}
    return op, tuple(names[i] for i in sorted(names)), {}


def _number(node: Operands, i: int, x: int) -> float:
    """The one number that constant i holds, whose shape does not widen input x."""
    value, full = node.weights(i), node.own(x)
    name, one = quoted(node.proto.input[i]), "make it one number for all elements"
    sizes = zip(reversed(value.shape), reversed(full), strict=False)
    if value.ndim > len(full) or any(size not in (1, own) for size, own in sizes):
        raise Refusal(f"{name} is {list(value.shape)}, more than the tensor that it bounds", one)
    return float(value.flat[0])
