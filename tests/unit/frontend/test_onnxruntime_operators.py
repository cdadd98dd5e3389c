"""Operators of onnxruntime's own domain, of transformers and quantised LSTMs: what onnxruntime computes."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from models import node
from onnx import TensorProto, helper, numpy_helper

from emcc import frontend
from emcc.base.errors import EmccError
from emcc.ir.graph import Array
from emcc.ops import interpret

RNG = np.random.default_rng(8)
OWN = "com.microsoft"


def values(*shape: int) -> Array:
    """Some floats."""
    return RNG.standard_normal(shape).astype(np.float32)


WEIGHTS = {
    **{"w": values(8, 6), "b": values(6), "gamma": values(6), "beta": values(6), "bias": values(6), "v": values(6, 3)},
    **{"q": RNG.integers(-90, 90, (8, 6)).astype(np.int8), "s": np.float32([0.02]), "z": np.int8([3])},
    **{"scales": np.abs(values(6)) / 100 + 0.01, "zeros": np.zeros(6, np.int8)},
    **{
        "wi": RNG.integers(-90, 90, (2, 8, 12)).astype(np.int8),
        "ri": RNG.integers(-90, 90, (2, 3, 12)).astype(np.int8),
    },
    **{"bl": values(2, 24), "s2": np.float32([0.01, 0.02]), "z2": np.int8([0, 0])},
}
M = node("MatMul", ["x", "w"], "m")


def own(op: str, inputs: list[str], outputs: list[str], **attrs: object) -> onnx.NodeProto:
    """A node of onnxruntime's domain."""
    return helper.make_node(op, inputs, outputs, f"{outputs[0]}_node", domain=OWN, **attrs)


EXACT = {
    "FastGelu": ((8,), [M, own("FastGelu", ["m", "b"], ["f"]), node("MatMul", ["f", "v"], "y")]),
    "FastGelu without a bias": ((8,), [M, own("FastGelu", ["m"], ["y"])]),
    "SkipLayerNormalization": (
        (5, 8),
        [
            *(M, node("Relu", ["m"], "a")),
            own("SkipLayerNormalization", ["m", "a", "gamma", "beta", "bias"], ["n", "", "", "t"], epsilon=1e-5),
            node("Add", ["n", "t"], "y"),
        ],
    ),
    "FusedMatMul of stacks whose batch lies behind": (
        (5, 6),
        [
            node("Transpose", ["x"], "t", perm=[1, 0, 2]),
            own("FusedMatMul", ["t", "t"], ["p"], transBatchA=1, transBatchB=1, transB=1, alpha=0.5),
            node("Softmax", ["p"], "soft", axis=2),
            own("FusedMatMul", ["soft", "t"], ["o"], transBatchB=1),
            node("Relu", ["o"], "y"),
        ],
    ),
    "FusedGemm with Selu": (
        (8,),
        [own("FusedGemm", ["x", "w", "b"], ["y"], activation="Selu", activation_alpha=1.6, activation_gamma=1.1)],
    ),
    "FusedGemm with Softplus": ((8,), [own("FusedGemm", ["x", "w", "b"], ["y"], activation="Softplus")]),
    "of gamma alone": (
        (5, 8),
        [M, node("Relu", ["m"], "a"), own("SkipLayerNormalization", ["m", "a", "gamma"], ["y"], epsilon=1e-3)],
    ),
}
ROUNDED = {
    "DynamicQuantizeMatMul": ((8,), [own("DynamicQuantizeMatMul", ["x", "q", "s", "z", "b"], ["y"])]),
    "of every row": ((5, 8), [own("DynamicQuantizeMatMul", ["x", "q", "scales", "zeros", "b"], ["y"])]),
    "of symmetric weights": ((8,), [own("DynamicQuantizeMatMul", ["x", "q", "s"], ["y"])]),
    "DynamicQuantizeLSTM": (
        (5, 8),
        [
            node("Transpose", ["x"], "t", perm=[1, 0, 2]),
            own(
                "DynamicQuantizeLSTM",
                ["t", "wi", "ri", "bl", "", "", "", "", "s2", "z2", "s2", "z2"],
                ["", "h"],
                hidden_size=3,
                direction="bidirectional",
            ),
            node("Transpose", ["h"], "y", perm=[1, 0, 2]),
        ],
    ),
}


def saved(folder: Path, nodes: list[onnx.NodeProto], shape: tuple[int, ...], opset: int) -> Path:
    """A model's file."""
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", *shape])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    weights = [numpy_helper.from_array(np.asarray(value), name) for name, value in WEIGHTS.items()]
    graph = helper.make_graph(nodes, "g", [x], [y], weights)
    opsets = [helper.make_opsetid("", opset), helper.make_opsetid(OWN, 1)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), folder / "m.onnx")
    return folder / "m.onnx"


def both(path: Path, shape: tuple[int, ...]) -> tuple[Array, Array]:
    """(what emcc's float meaning gives, what onnxruntime gives), sample by sample."""
    options = ort.SessionOptions()
    options.log_severity_level = 4
    session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    x = values(6, *shape)
    truth = np.concatenate([session.run(None, {"x": sample[None]})[0] for sample in x])
    return np.reshape(interpret.run(frontend.load(path), x.astype(float)), truth.shape), truth


@pytest.mark.parametrize("opset", [14, 18])
@pytest.mark.parametrize("name", EXACT)
def test_what_onnxruntime_computes(tmp_path: Path, name: str, opset: int) -> None:
    shape, nodes = EXACT[name]
    got, truth = both(saved(tmp_path, nodes, shape, opset), shape)
    np.testing.assert_allclose(got, truth, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", ROUNDED)
def test_but_for_what_is_rounded_for_each_batch(tmp_path: Path, name: str) -> None:
    shape, nodes = ROUNDED[name]
    got, truth = both(saved(tmp_path, nodes, shape, 14), shape)
    assert np.abs(got - truth).max() <= 0.02 * np.ptp(truth)


@pytest.mark.parametrize(
    ("nodes", "says"),
    [
        ([own("SkipLayerNormalization", ["x", "x", "z"], ["y", "mean"])], "its mean or its deviation is an output"),
        ([own("DynamicQuantizeMatMul", ["x", "w", "s"], ["y"])], r"its weights are float32 \[1, 8, 6\]"),
        ([own("DynamicQuantizeMatMul", ["x", "q"], ["y"])], "its inputs or attributes are none that"),
        ([own("DynamicQuantizeLSTM", ["x", "wi", "ri", "bl"], ["y"], hidden_size=3)], "its inputs or attributes"),
    ],
)
def test_what_is_none_of_them(tmp_path: Path, nodes: list[onnx.NodeProto], says: str) -> None:
    with pytest.raises(EmccError, match=says):
        frontend.load(saved(tmp_path, nodes, (8,), 14))
