"""survey: what it says of models, supported or not."""

from pathlib import Path

import numpy as np
import pytest
from commands import ended, printed
from models import mlp, model, node, save

from emcc import frontend
from emcc.frontend import NodeReport

CONV = (
    "of the operators on images emcc has Conv, ConvTranspose, MaxPool, AveragePool, global pools, Resize and "
    "DepthToSpace"
)


def test_a_supported_model(tmp_path: Path) -> None:
    path = save(mlp([3, 4, 2], tail="Softmax", opset=13, name="net"), tmp_path / "m.onnx")
    survey = frontend.survey(path)
    assert survey.supported
    assert list(survey) == [
        NodeReport("fc0", "Gemm", True),
        NodeReport("act0", "Relu", True),
        NodeReport("fc1", "Gemm", True),
        NodeReport("softmax", "Softmax", True),
    ]
    facts = survey.facts
    assert (facts.name, facts.ir_version, facts.opset, facts.nodes, facts.problems) == ("net", 10, 13, 4, ())
    assert facts.inputs == (("x", "FLOAT", ("n", 3)),)
    assert facts.outputs == (("tail", "FLOAT", ("n", 2)),)
    assert facts.parameters == 3 * 4 + 4 + 4 * 2 + 2
    assert facts.size == path.stat().st_size


def test_a_supported_convolutional_model(tmp_path: Path) -> None:
    nodes = [
        node("Conv", ["x", "k"], "c", "conv"),
        node("Relu", ["c"], "r", "act"),
        node("Add", ["c", "r"], "j", "skip"),
        node("Clip", ["j", "zero"], "k6", "relu"),
        node("MaxPool", ["k6"], "p", "pool", kernel_shape=[2, 2]),
    ]
    weights = {"k": np.ones((2, 1, 3, 3), np.float32), "zero": np.float32(0)}
    path = save(model(nodes, ["n", 1, 4, 4], weights=weights), tmp_path / "m.onnx")
    survey = frontend.survey(path)
    assert survey.supported
    assert [(report.op, report.reason) for report in survey] == [
        (op, "") for op in ("Conv", "Relu", "Add", "Clip", "MaxPool")
    ]


def test_what_follows_from_a_refused_node_is_not_blamed(tmp_path: Path) -> None:
    """Reshape by a shape that is not known, and Gemm behind it, may well be right."""
    nodes = [
        node("LpPool", ["x"], "c", "pool", kernel_shape=[3, 3]),
        node("Shape", ["c"], "s", "shape"),
        node("Gather", ["s", "zero"], "g", "gather"),
        node("Unsqueeze", ["g", "axes"], "u", "unsqueeze"),
        node("Concat", ["u", "minus"], "t", "concat", axis=0),
        node("Reshape", ["c", "t"], "f", "view"),
        node("Gemm", ["f", "w"], "z", "fc"),
        node("Gemm", ["z", "w"], "y", "wrong", transA=1),
    ]
    weights = {
        "zero": np.asarray(0),
        "axes": np.array([0]),
        "minus": np.array([-1]),
        "w": np.ones((8, 8), np.float32),
    }
    survey = frontend.survey(save(model(nodes, ["n", 1, 4, 4], weights=weights), tmp_path / "m.onnx"))
    assert not survey.supported
    assert [(report.name, report.supported) for report in survey] == [
        ("pool", False), ("shape", True), ("gather", True), ("unsqueeze", True),
        ("concat", True), ("view", True), ("fc", True), ("wrong", False),
    ]  # fmt: skip
    assert survey[0] == NodeReport("pool", "LpPool", False, "operator LpPool is not supported by emcc", CONV)
    assert survey[5].reason == "as far as can be told"
    assert survey[7].reason == "transA=1 transposes the batch axis"


@pytest.mark.shared
@pytest.mark.parametrize(
    "file",
    [
        *("lenet5_dns_sparse.onnx", "cifar_base_kw.onnx", "cnn_max_mninst2.onnx"),
        *("mnist-8/model.onnx", "squeezenet_deep_compression.onnx"),
    ],
)
def test_real_convolutional_models(shared_data: Path, file: str) -> None:
    survey = frontend.survey(shared_data / "models" / file)
    assert survey.supported
    assert not any(report.reason or report.hint for report in survey)


@pytest.mark.shared
def test_a_recurrent_network_with_three_inputs(shared_data: Path) -> None:
    survey = frontend.survey(shared_data / "models" / "silero_vad_16k_op15.onnx")
    assert len(survey.facts.inputs) == 3
    assert len(survey.facts.outputs) == 2
    assert any("'sr' is INT64" in problem for problem in survey.facts.problems)
    assert {report.op for report in survey if not report.supported} == {"Mul"}
    conditions = [report for report in survey if report.op == "If"]
    assert len(conditions) == 3
    assert all(report.reason == "as far as can be told" for report in conditions), "shapes decide, which are open"
    assert len(survey) == survey.facts.nodes == 121


def test_what_folding_refuses_is_not_supported(tmp_path: Path) -> None:
    """`emcc compile` refuses it too."""
    weights = {"w": np.full((4, 3), 1e30, np.float32), "k": np.full(3, 1e30, np.float32)}
    proto = model([node("MatMul", ["x", "w"], "v"), node("Mul", ["v", "k"], "y")], ["n", 4], weights=weights)
    path = save(proto, tmp_path / "m.onnx")
    said = printed("inspect", str(path), code=2)
    assert "its weights are beyond float32 once scales" in " ".join(said.split())
    assert "float32" in ended("compile", str(path), "--out", str(tmp_path / "out"), code=2).stderr
    assert not (tmp_path / "out").exists()
