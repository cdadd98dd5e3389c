"""Operators of onnxruntime's own domain that its quantiser and its optimiser write for transformers and LSTMs."""

import numpy as np
from onnx import NodeProto, helper

from emcc.frontend.refusal import Refusal
from emcc.frontend.spelling import Spelling, attributes, single
from emcc.frontend.topology import node_name
from emcc.ir.graph import Array

_LSTM_INPUTS = 8


def lstm_of_integers(node: NodeProto, spelling: Spelling) -> None:
    """DynamicQuantizeLSTM: an LSTM whose W and R are integers [D, I, 4 H], behind its inputs their scales and zeros."""
    inputs = [*node.input, *[""] * 12][:12]
    for i in (1, 2):
        scale, zero = (spelling.constants[inputs[8 + 2 * (i - 1) + part]] for part in (0, 1))
        weight = _floats(spelling.constants[inputs[i]], scale, zero).swapaxes(1, 2)
        inputs[i] = spelling.constant("WR"[i - 1], np.ascontiguousarray(weight))
    outputs, name = list(node.output), node_name(node)
    spelling.nodes.append(helper.make_node("LSTM", inputs[:_LSTM_INPUTS], outputs, name=name, **attributes(node)))


def matmul_of_integers(node: NodeProto, spelling: Spelling) -> None:
    """DynamicQuantizeMatMul: rows by a matrix of integers, its scale and zero; then a bias."""
    a, b, scale, zero, bias = [*node.input, "", ""][:5]
    codes = spelling.constants[b]
    zeros = spelling.constants[zero] if zero else np.zeros((), codes.dtype)
    weight = _floats(codes[None], spelling.constants[scale].reshape(1, -1), zeros.reshape(1, -1))[0]
    y = spelling.add("MatMul", [a, spelling.constant("B", weight)], "" if bias else node.output[0])
    if bias:
        spelling.add("Add", [y, bias], node.output[0])


def _floats(codes: Array, scale: Array, zero: Array) -> Array:
    """Integers [D, rows, columns] as floats; scale and zero are [D], or [D, columns]."""
    if codes.ndim != 3 or codes.dtype.kind not in "iu" or not np.isfinite(scale).all():
        raise Refusal(f"its weights are {codes.dtype} {list(codes.shape)}", "quantise the model again")
    scale, zero = (
        np.asarray(value, np.float64).reshape(len(codes) if value.size > 1 else 1, 1, -1) for value in (scale, zero)
    )
    return ((codes - zero) * scale).astype(np.float32)


def fast_gelu(node: NodeProto, spelling: Spelling) -> None:
    """FastGelu: x / 2 (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))), of x and its bias."""
    x = node.input[0]
    if len(node.input) > 1 and node.input[1]:
        x = spelling.add("Add", list(node.input[:2]))
    root, cubic, one, half = (
        spelling.constant(name, single(value))
        for name, value in (("root", (2 / np.pi) ** 0.5), ("cubic", 0.044715), ("one", 1), ("half", 0.5))
    )
    cube = spelling.add("Mul", [spelling.add("Mul", [x, x]), x])
    inner = spelling.add("Add", [x, spelling.add("Mul", [cube, cubic])])
    gate = spelling.add("Add", [spelling.add("Tanh", [spelling.add("Mul", [inner, root])]), one])
    spelling.add("Mul", [spelling.add("Mul", [x, gate]), half], node.output[0])


def skip_layer_norm(node: NodeProto, spelling: Spelling) -> None:
    """SkipLayerNormalization: the layer norm of a sum of two tensors and a bias; the sum is its fourth output."""
    x, skip, gamma, beta, bias = [*node.input, "", ""][:5]
    mean, deviation, total = [*node.output, "", "", ""][1:4]
    if mean or deviation:
        raise Refusal("its mean or its deviation is an output", "export the model without onnxruntime's optimiser")
    added = spelling.add("Add", [x, skip], "" if bias else total)
    added = spelling.add("Add", [added, bias], total) if bias else added
    rest = spelling.add("Sub", [added, _mean(spelling, added)])
    variance = _mean(spelling, spelling.add("Mul", [rest, rest]))
    more = spelling.add("Add", [variance, spelling.constant("epsilon", single(attributes(node).get("epsilon", 1e-12)))])
    normed = spelling.add("Div", [rest, spelling.add("Sqrt", [more])])
    y = spelling.add("Mul", [normed, gamma], "" if beta else node.output[0])
    if beta:
        spelling.add("Add", [y, beta], node.output[0])


def _mean(spelling: Spelling, x: str) -> str:
    """The mean over the last axis, which stays."""
    if spelling.opset < 18:
        return spelling.add("ReduceMean", [x], axes=[-1], keepdims=1)
    return spelling.add("ReduceMean", [x, spelling.constant("last", np.array([-1]))], keepdims=1)
