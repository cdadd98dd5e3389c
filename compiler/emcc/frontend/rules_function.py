"""Rules of functions of one tensor: activations, PRelu, and those that the host runs."""

import numpy as np

from emcc import ops
from emcc.frontend.operands import Made, Operands
from emcc.frontend.refusal import Refusal, quoted
from emcc.frontend.rules_arithmetic import negative, one_sample
from emcc.frontend.rules_clip import LARGEST


def function(node: Operands) -> Made:
    """Any function of one tensor whose attributes are numbers."""
    op = node.proto.op_type
    attrs = {name: node.number(name) for name in ops.get(op).attrs}
    node.shape(bare=True)
    return op, (node.proto.input[0],), attrs


def gelu(node: Operands) -> Made:
    """By the error function, or by the tanh that is close to it."""
    how = node.attrs["approximate"]
    if how not in ("none", "tanh"):
        raise Refusal(f"its attribute 'approximate' is {quoted(str(how))}", "export it with none or tanh")
    node.shape(bare=True)
    return "Gelu", (node.proto.input[0],), {"approximate": how}


def celu(node: Operands) -> Made:
    """x above 0, alpha (exp(x / alpha) - 1) below."""
    if node.number("alpha") == 0:
        raise Refusal("its alpha is 0", "give it another")
    return function(node)


def prelu(node: Operands) -> Made:
    """A LeakyRelu where all slopes are the same number, or of slopes up to 1 x + max((slope - 1) x, 0); else
    max(x, 0) - slope max(-x, 0)."""
    x, slope = node.proto.input[0], node.weights(1)
    shape = node.shape(bare=True)
    if slope.min() == slope.max():
        return "LeakyRelu", (x,), {"alpha": float(slope.flat[0])}
    full = node.own()
    if node.opset < 7 and slope.ndim == 1:
        slope = slope.reshape(-1, *(1,) * (len(full) - 2))
    sizes = zip(reversed(slope.shape), reversed(full), strict=False)
    if slope.ndim > len(full) or any(size not in (1, own) for size, own in sizes) or node.bare():
        raise Refusal(f"its slopes are {list(slope.shape)}, its samples {list(shape[1:])}", "give it a slope a channel")
    if slope.max() <= 1:
        gap = node.constant_of("gap", one_sample(node, slope - np.float32(1), len(full)))
        return "Add", (x, node.put("Relu", (node.put("Mul", (x, gap), {}),), {})), {}
    below = node.put("Relu", (node.put(*negative(node, x)),), {})
    scaled = node.put("Mul", (below, node.constant_of("slope", -one_sample(node, slope, len(full)))), {})
    return "Add", (node.put("Relu", (x,), {}), scaled), {}


def threshold(node: Operands) -> Made:
    """x above alpha, 0 elsewhere."""
    if not abs(node.number("alpha")) < LARGEST:
        raise Refusal("its alpha is beyond float32", "give it another")
    return function(node)
