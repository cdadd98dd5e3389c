"""Rules of Sum, Mean, Pow, Neg and Abs."""

import numpy as np

from emcc.frontend.operands import BATCH, Made, Operands
from emcc.frontend.refusal import Refusal
from emcc.frontend.rules_arithmetic import negative, one_sample


def total(node: Operands) -> Made:
    """Sum of any number of computed tensors and constants: an Add for each but the first, constants last."""
    count = len(node.proto.input)
    computed = [i for i in range(count) if node.is_data(i)]
    rank = max(len(node.shape(i)) for i in computed)
    inputs = [node.proto.input[i] for i in computed]
    inputs += [node.keep(i, one_sample(node, node.weights(i), rank)) for i in range(count) if i not in computed]
    first, *rest = inputs
    if not rest:
        return "Identity", (first,), {}
    for name in rest[:-1]:
        first = node.put("Add", (first, name), {})
    return "Add", (first, rest[-1]), {}


def mean(node: Operands) -> Made:
    """Sum, over the number of tensors."""
    made, count = total(node), len(node.proto.input)
    if count == 1:
        return made
    return "Mul", (node.put(*made), node.constant_of("share", np.full((), 1 / count, np.float32))), {}


def power(node: Operands) -> Made:
    """Of a constant or computed exponent; x, x x, the root and 1 / x as what they are."""
    x, shape = node.proto.input[0], [node.shape(i, bare=True) for i in (0, 1) if node.is_data(i)]
    if node.is_data(0) and node.is_data(1):
        return "Pow", (x, node.proto.input[1]), {}
    which = 1 if node.is_data(0) else 0
    value = node.constant(which)
    if value.dtype.kind not in "fiu" or not value.size or not np.isfinite(value).all():
        raise Refusal(f"input {which} holds no finite numbers", "export the model again")
    if which and (value == value.flat[0]).all() and value.ndim < len(shape[0]):
        known = {1: ("Identity", (x,)), 2: ("Mul", (x, x)), 0.5: ("Sqrt", (x,)), -1: ("Reciprocal", (x,))}
        if float(value.flat[0]) in known:
            return (*known[float(value.flat[0])], {})
    if any(node.bare(i) for i in range(2)):
        raise Refusal("raises a tensor without the batch in front", BATCH)
    value = one_sample(node, np.asarray(value, np.float32), len(shape[0]))
    power = node.constant_of("power", value)
    return "Pow", (x, power) if which else (power, node.proto.input[1]), {}


def minus(node: Operands) -> Made:
    """-x."""
    node.shape(bare=True)
    return negative(node, node.proto.input[0])


def magnitude(node: Operands) -> Made:
    """|x|: a LeakyRelu that goes up on the left."""
    node.shape(bare=True)
    return "LeakyRelu", (node.proto.input[0],), {"alpha": -1.0}
