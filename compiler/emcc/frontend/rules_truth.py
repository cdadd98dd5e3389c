"""Rules of comparisons, of what joins their results, and of what selects by them.

A boolean is the number 0 or 1 in the Graph. x >= y is a step of the array's table behind the difference (Bipolar), and
the other comparisons are made of it; so a threshold folds into the layer in front of it.
"""

from collections.abc import Callable, Mapping

import numpy as np
import onnx

from emcc.frontend.operands import Made, Operands
from emcc.frontend.refusal import Refusal
from emcc.frontend.rules_arithmetic import beside, level, negative, of_two
from emcc.frontend.tensors import FLOATS, NUMBERS


def compared(node: Operands) -> Made:
    """Greater, GreaterOrEqual, Less, LessOrEqual, Equal of computed tensors and constants."""
    op = node.proto.op_type
    difference = node.put(*of_two(node, "Sub", truths=True))
    node.places(0, dtype="bool")
    if op == "Equal":
        return _both(node, difference)
    turned, kept = op in ("Less", "Greater"), op in ("GreaterOrEqual", "Less")
    difference = difference if kept else node.put(*negative(node, difference))
    return _shifted(node, _step(node, difference, -0.5 if turned else 0.5), 0.5)


def _step(node: Operands, x: str, step: float) -> str:
    """`step` where x is 0 or more, else -step."""
    return node.put("Bipolar", (x,), {"step": step})


def _shifted(node: Operands, x: str, by: float) -> Made:
    return "Add", (x, node.constant_of("shift", np.full((), by, np.float32))), {}


def _both(node: Operands, difference: str) -> Made:
    """1 where a difference is neither above nor below 0."""
    turned = node.put(*negative(node, difference))
    return "Add", (_step(node, difference, 0.5), _step(node, turned, 0.5)), {}


def logical(node: Operands) -> Made:
    """And, Or, Xor of booleans: their product, their sum up to 1, the size of their difference."""
    op = node.proto.op_type
    for i in range(2):
        held = node.data[node.proto.input[i]].dtype if node.is_data(i) else str(node.constant(i).dtype)
        if held != "bool":
            raise Refusal(f"input {i} holds {held}, not booleans", "compare it with a number first")
    node.places(0, dtype="bool")
    if op == "And":
        return of_two(node, "Mul", truths=True)
    if op == "Or":
        return "Clip", (node.put(*of_two(node, "Add", truths=True)),), {"low": 0.0, "high": 1.0}
    return "LeakyRelu", (node.put(*of_two(node, "Sub", truths=True)),), {"alpha": -1.0}


def opposite(node: Operands) -> Made:
    """1 - x."""
    node.shape(bare=True)
    return _shifted(node, node.put(*negative(node, node.proto.input[0])), 1.0)


def no_number(node: Operands) -> Made:
    """Whether an element is no number: never, once it is in the array."""
    node.shape(bare=True)
    node.places(0, dtype="bool")
    return "IsNaN", (node.proto.input[0],), {}


def cast(node: Operands) -> Made:
    """Booleans to numbers, as 0 and 1; floats to booleans: whether they are not 0."""
    x = node.proto.input[0]
    node.shape(bare=True)
    if node.data[x].dtype == "bool":
        node.places(0, dtype="bool" if node.attrs["to"] == onnx.TensorProto.BOOL else "float32")
        return "Identity", (x,), {}
    node.places(0, dtype="bool")
    equal = node.put(*_both(node, x))
    return _shifted(node, node.put(*negative(node, equal)), 1.0)


def truthful(node: Operands) -> bool:
    """Whether a Cast is from booleans to floats or booleans, at an output to numbers; or from floats to booleans."""
    to, dtype = node.attrs["to"], node.data[node.proto.input[0]].dtype
    if dtype == "bool":
        last = not node.model.readers.get(node.proto.output[0], 0)
        return to in (*FLOATS, onnx.TensorProto.BOOL) or (last and to in NUMBERS)
    return dtype == "float32" and to == onnx.TensorProto.BOOL


def where(node: Operands) -> Made:
    """One of two by a boolean; of two constants it is arithmetic, which folds into the layer behind."""
    if node.is_data(0) and node.data[node.proto.input[0]].dtype != "bool":
        raise Refusal(f"input 0 holds {node.data[node.proto.input[0]].dtype}, not booleans", "compare it first")
    computed = [i for i in range(3) if node.is_data(i)]
    names = dict(zip(computed, level(node, computed), strict=True))
    kinds = {node.data[node.proto.input[i]].dtype for i in computed if i}
    if len(kinds) > 1:
        raise Refusal(f"selects between {' and '.join(sorted(kinds))}", "cast one of them")
    node.places(0, dtype=kinds.pop() if kinds else "float32")
    values = {i: beside(node, i, node.truths(i)) for i in range(3) if i not in computed}
    if computed == [0]:
        gap = node.constant_of("gap", np.asarray(values[1] - values[2]))
        return "Add", (node.put("Mul", (node.proto.input[0], gap), {}), node.constant_of("else", values[2])), {}
    parts = ("condition", "then", "else")
    return (
        "Where",
        tuple(node.constant_of(parts[i], values[i]) if i in values else names[i] for i in range(3)),
        {},
    )


RULES: Mapping[str, Callable[[Operands], Made]] = {
    **dict.fromkeys(("Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual"), compared),
    **dict.fromkeys(("And", "Or", "Xor"), logical),
    "IsNaN": no_number,
    "Not": opposite,
    "Where": where,
}
