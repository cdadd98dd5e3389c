"""Copies, small and with random numbers, of the graphs that skl2onnx 1.20 writes for scikit-learn's networks."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from models import node
from onnx import TensorProto, helper, numpy_helper

ML = "ai.onnx.ml"
FEATURES, HIDDEN = 5, 7
RNG = np.random.default_rng(12)


def floats(*shape: int) -> list[float]:
    """Normal numbers, flat."""
    return [float(value) for value in RNG.standard_normal(shape).astype(np.float32).ravel()]


def ml(op: str, inputs: Sequence[str], outputs: Sequence[str], **attrs: Any) -> onnx.NodeProto:
    """A node of ai.onnx.ml."""
    return helper.make_node(op, list(inputs), list(outputs), name=op, domain=ML, **attrs)


def scaler() -> onnx.NodeProto:
    """StandardScaler."""
    scale = [abs(value) + 0.5 for value in floats(FEATURES)]
    return ml("Scaler", ["X"], ["variable"], offset=floats(FEATURES), scale=scale)


def zipped(probabilities: str, classes: int) -> list[onnx.NodeProto]:
    """Probabilities by the names of classes."""
    return [ml("ZipMap", [probabilities], ["output_probability"], classlabels_int64s=list(range(classes)))]


def model(nodes: Sequence[onnx.NodeProto], weights: dict[str, np.ndarray], outputs: Sequence[str]) -> onnx.ModelProto:
    """The first outputs are labels; a ZipMap's is a sequence of maps, any other float."""
    kinds = {"output_label": TensorProto.INT64, "label": TensorProto.INT64}
    values = [helper.make_tensor_value_info(name, kinds.get(name, TensorProto.FLOAT), None) for name in outputs]
    for value in values:
        if value.name == "output_probability":
            value.type.ClearField("tensor_type")
            value.type.sequence_type.elem_type.map_type.key_type = TensorProto.INT64
            value.type.sequence_type.elem_type.map_type.value_type.tensor_type.elem_type = TensorProto.FLOAT
    graph = helper.make_graph(
        list(nodes),
        "sklearn",
        [helper.make_tensor_value_info("X", TensorProto.FLOAT, [None, FEATURES])],
        values,
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    opsets = [helper.make_opsetid(ML, 1), helper.make_opsetid("", 14)]
    proto = helper.make_model(graph, opset_imports=opsets, producer_name="skl2onnx")
    proto.ir_version = 7
    return proto


def mlp(classes: int, zipmap: bool, front: onnx.NodeProto | None = None) -> onnx.ModelProto:
    """A pipeline of a scaler, or `front`, and an MLPClassifier; of two classes it has one output inside."""
    units = classes if classes > 2 else 1
    weights = {
        "coefficient": RNG.standard_normal((FEATURES, HIDDEN)).astype(np.float32),
        "intercepts": RNG.standard_normal((1, HIDDEN)).astype(np.float32),
        "coefficient1": RNG.standard_normal((HIDDEN, units)).astype(np.float32),
        "intercepts1": RNG.standard_normal((1, units)).astype(np.float32),
        "classes": np.arange(classes, dtype=np.int64),
        "shape_tensor": np.array([-1]),
    }
    nodes = [
        front or scaler(),
        node("Cast", ["variable"], "cast_input", to=TensorProto.FLOAT),
        node("MatMul", ["cast_input", "coefficient"], "mul_result"),
        node("Add", ["mul_result", "intercepts"], "add_result"),
        node("Relu", ["add_result"], "next_activations"),
        node("MatMul", ["next_activations", "coefficient1"], "mul_result1"),
        node("Add", ["mul_result1", "intercepts1"], "add_result1"),
        node("Softmax" if classes > 2 else "Sigmoid", ["add_result1"], "out_activations_result"),
    ]
    scores = "out_activations_result"
    if classes == 2:
        weights["unity"] = np.float32(1)
        nodes.append(node("Sub", ["unity", scores], "negative_class_proba"))
        nodes.append(node("Concat", ["negative_class_proba", scores], "probabilities", axis=1))
        scores = "probabilities"
    nodes += [
        node("ArgMax", [scores], "argmax_output", axis=1),
        ml("ArrayFeatureExtractor", ["classes", "argmax_output"], ["array_feature_extractor_result"]),
        node("Reshape", ["array_feature_extractor_result", "shape_tensor"], "reshaped_result"),
        node("Cast", ["reshaped_result"], "output_label", to=TensorProto.INT64),
    ]
    if zipmap:
        return model([*nodes, *zipped(scores, classes)], weights, ["output_label", "output_probability"])
    nodes.append(node("Identity", [scores], "result"))
    return model(nodes, weights, ["output_label", "result"])


def logistic(classes: int, zipmap: bool, post: str, opposite: bool = True) -> onnx.ModelProto:
    """A pipeline of a scaler and a LogisticRegression; its two classes are `opposite`, or one each (OneVsRest)."""
    coefficients, intercepts = floats(classes, FEATURES), floats(classes)
    if classes == 2 and opposite:
        coefficients = [*(-value for value in coefficients[:FEATURES]), *coefficients[:FEATURES]]
        intercepts = [-intercepts[0], intercepts[0]]
    classifier = ml(
        "LinearClassifier",
        ["variable"],
        ["label", "probability_tensor"],
        classlabels_ints=list(range(classes)),
        coefficients=coefficients,
        intercepts=intercepts,
        multi_class=int(post == "SOFTMAX"),
        post_transform=post,
    )
    nodes = [scaler(), classifier, node("Cast", ["label"], "output_label", to=TensorProto.INT64)]
    nodes.append(ml("Normalizer", ["probability_tensor"], ["probabilities"], norm="L1"))
    if zipmap:
        return model([*nodes, *zipped("probabilities", classes)], {}, ["output_label", "output_probability"])
    return model(nodes, {}, ["output_label", "probabilities"])


def regressor(targets: int) -> onnx.ModelProto:
    """LinearRegression."""
    attrs: dict[str, Any] = {"coefficients": floats(targets, FEATURES), "intercepts": floats(targets)}
    attrs |= {"targets": targets} if targets > 1 else {}
    return model([ml("LinearRegressor", ["X"], ["variable"], **attrs)], {}, ["variable"])
