"""Rules of the operators of ai.onnx.ml that scikit-learn's exporter writes around and in place of matrix products."""

import math

import numpy as np

from emcc import ops
from emcc.frontend.operands import Made, Operands
from emcc.frontend.refusal import Refusal, quoted
from emcc.ir.graph import Array
from emcc.ir.norms import NORMS

AGAIN = "export the model again"


def scaler(node: Operands) -> Made:
    """(x - offset) * scale, a number a feature or one for all."""
    features = int(node.shape()[-1] or 1)
    offset, scale = (_numbers(node, name, (1, features)) for name in ("offset", "scale"))
    x = node.put("Sub", (node.proto.input[0], node.constant_of("offset", offset)), {})
    return "Mul", (x, node.constant_of("scale", scale)), {}


def normalizer(node: Operands) -> Made:
    """The model's own input, which the host divides; the L1 norm of what sums up to 1 already. No other."""
    shape, name, norm = node.shape(), node.proto.input[0], node.attrs.get("norm")
    if norm == "L1" and node.data[name].unit:
        return "Identity", (name,), {}
    reason = f"divides every sample by its own {quoted(str(norm))} norm"
    alone = node.model.readers[name] == 1
    while name in node.makers and "no-op" in ops.traits(node.makers[name].op):
        name = node.makers[name].inputs[0]
        alone &= node.model.readers[name] == 1
    if name in node.sources:
        if norm not in NORMS:
            raise Refusal(f"has no norm {quoted(str(norm))}", f"there are {', '.join(NORMS)}")
        if len(shape) != 2 or not alone:
            hint = "normalise the data yourself, and cut it off: onnx.utils.extract_model"
            raise Refusal(f"{reason}, and the host does that to a whole input of [batch, features] alone", hint)
        return "Normalizer", (name,), {"norm": norm}
    raise Refusal(reason, f"take what is in front of it, --output {quoted(name)[1:-1]}, and normalise that yourself")


def linear_classifier(node: Operands) -> Made:
    """The scores, output 1: a Gemm, and a Softmax or Sigmoid."""
    classes = max(len(node.attrs.get(key, ())) for key in ("classlabels_ints", "classlabels_strings"))
    weight, bias = _matrix(node, classes)
    inputs = (node.proto.input[0], node.constant_of("weight", weight), node.constant_of("bias", bias))
    attrs = {"alpha": 1.0, "beta": 1.0, "transA": 0, "transB": 1}
    match node.attrs.get("post_transform", "NONE"):
        case "NONE":
            return "Gemm", inputs, attrs
        case "SOFTMAX":
            node.leaves_unit = True
            return "Softmax", (node.put("Gemm", inputs, attrs),), {"axis": 1}
        case "LOGISTIC":
            opposite = (weight[0] == -weight[-1]).all() and bias[0] == -bias[-1]
            node.leaves_unit = bool(classes == 2 and opposite)
            return "Sigmoid", (node.put("Gemm", inputs, attrs),), {}
        case other:
            raise Refusal(f"its post_transform is {quoted(str(other))}", "export it with NONE, SOFTMAX or LOGISTIC")


def linear_regressor(node: Operands) -> Made:
    """A Gemm."""
    post = str(node.attrs.get("post_transform", "NONE"))
    if post != "NONE":
        raise Refusal(f"its post_transform is {quoted(post)}", "export it with NONE")
    weight, bias = _matrix(node, int(node.attrs.get("targets", 1)))
    inputs = (node.proto.input[0], node.constant_of("weight", weight), node.constant_of("bias", bias))
    return "Gemm", inputs, {"alpha": 1.0, "beta": 1.0, "transA": 0, "transB": 1}


def _matrix(node: Operands, rows: int) -> tuple[Array, Array]:
    """(coefficients [rows, features], intercepts [rows], or zeros)."""
    shape = node.shape()
    if len(shape) != 2:
        raise Refusal(f"takes samples of {len(shape) - 1} axes", "put a Flatten in front of it")
    features = int(shape[1] or 1)
    if rows < 1 or len(node.attrs.get("coefficients", ())) != rows * features:
        size = f"{len(node.attrs.get('coefficients', ()))} coefficients for {rows} rows of {features} features"
        raise Refusal(f"has {size}", AGAIN)
    weight = _numbers(node, "coefficients", (rows * features,)).reshape(rows, features)
    bias = _numbers(node, "intercepts", (rows,)) if node.attrs.get("intercepts") else np.zeros(rows, np.float32)
    return weight, bias


def _numbers(node: Operands, name: str, lengths: tuple[int, ...]) -> Array:
    """An attribute of finite floats, of one of these lengths."""
    values = node.attrs.get(name, ())
    if len(values) not in lengths:
        wanted = " or ".join(str(length) for length in sorted(set(lengths)))
        raise Refusal(f"its attribute {name!r} has {len(values)} numbers, not {wanted}", AGAIN)
    if not all(math.isfinite(value) for value in values):
        raise Refusal(f"its attribute {name!r} has numbers that are not finite", "train again")
    return np.asarray(values, np.float32)
