"""Rules of Sum, Pow, Neg and Abs."""

from emcc.frontend.operands import Made, Operands
from emcc.frontend.refusal import Refusal
from emcc.frontend.rules_arithmetic import negative, one_sample

POWER = "cut the model behind it with onnx.utils.extract_model and give emcc the powers as input"


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


def power(node: Operands) -> Made:
    """x to the power 1; any other is not linear, and no activation."""
    if not node.is_data(0):
        raise Refusal("raises a constant to a computed power", POWER)
    if node.is_data(1):
        raise Refusal("both inputs are computed from the model's input", POWER)
    node.shape(bare=True)
    value = node.constant(1)
    if value.size != 1 or value.ndim > 1 or value.dtype.kind not in "fiu":
        raise Refusal("raises the elements of a computed tensor to several powers", POWER)
    exponent = float(value.flat[0])
    if exponent != 1:
        raise Refusal(f"raises a computed tensor to the power {exponent:g}", POWER)
    return "Identity", (node.proto.input[0],), {}


def minus(node: Operands) -> Made:
    """-x."""
    node.shape(bare=True)
    return negative(node, node.proto.input[0])


def magnitude(node: Operands) -> Made:
    """|x|: a LeakyRelu that goes up on the left."""
    node.shape(bare=True)
    return "LeakyRelu", (node.proto.input[0],), {"alpha": -1.0}
