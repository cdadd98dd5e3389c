"""Classifiers of scikit-learn, and other models with several outputs: which one is taken, and what it computes."""

from pathlib import Path

import numpy as np
import onnx
import pytest
import sklearn_graphs as graphs
from models import mlp, model, node, onnxruntime_run, save
from onnx import TensorProto, helper, utils

from emcc import frontend
from emcc.base.errors import EmccError
from emcc.measure import truth
from emcc.ops import host, interpret
from emcc.passes.fold import Fold

pytest.importorskip("onnxruntime")
X = np.random.default_rng(2).standard_normal((40, graphs.FEATURES)).astype(np.float32)
TAKEN = " is taken as the output, of a model that has 'output_label', "
MODELS = {
    "mlp of three": (graphs.mlp(3, zipmap=False), "'result'" + TAKEN + "'result'"),
    "mlp of three, zipped": (graphs.mlp(3, zipmap=True), "'out_activations_result'" + TAKEN + "'output_probability'"),
    "mlp of two": (graphs.mlp(2, zipmap=False), "'result'" + TAKEN + "'result'"),
    "mlp of two, zipped": (graphs.mlp(2, zipmap=True), "'probabilities'" + TAKEN + "'output_probability'"),
    "logistic of four": (graphs.logistic(4, False, "SOFTMAX"), "'probabilities'" + TAKEN + "'probabilities'"),
    "logistic of two": (graphs.logistic(2, True, "LOGISTIC"), "'probabilities'" + TAKEN + "'output_probability'"),
}


@pytest.mark.parametrize("name", MODELS)
def test_the_probabilities_are_taken(tmp_path: Path, name: str) -> None:
    """The array has hardware for all of it; onnxruntime agrees, folded or not; the sentence says which output it is."""
    proto, sentence = MODELS[name]
    path = save(proto, tmp_path / "m.onnx")
    graph = frontend.load(path)
    assert truth.check(graph, path, X) == "agrees with onnxruntime on 40 samples; " + sentence
    survey = frontend.survey(path)
    assert survey.supported
    assert not {"ArrayFeatureExtractor", "ArgMax"} & {report.op.split(".")[-1] for report in survey}
    wanted = onnxruntime_run(path, X, ["output_label"]).ravel()
    folded = Fold().apply(graph)
    np.testing.assert_array_equal(host.classes(folded.host, interpret.run(folded, X)), wanted)


def test_a_class_of_two_is_a_layer(tmp_path: Path) -> None:
    """(1 - p, p), either way round, joins nothing."""
    proto = graphs.mlp(2, zipmap=True)
    concat = next(each for each in proto.graph.node if each.op_type == "Concat")
    assert Fold().apply(frontend.load(save(proto, tmp_path / "m.onnx"))).nodes[-1].op == "Linear"
    concat.input[:] = concat.input[::-1]
    path = save(proto, tmp_path / "turned.onnx")
    graph = frontend.load(path)
    assert [each.op for each in graph.nodes][-2:] == ["Sigmoid", "Gemm"]
    assert truth.check(graph, path, X).startswith("agrees")
    proto.graph.initializer[-1].CopyFrom(onnx.numpy_helper.from_array(np.float32(0.75), "unity"))
    path = save(proto, tmp_path / "less.onnx")
    assert truth.check(frontend.load(path), path, X).startswith("agrees")


@pytest.mark.parametrize("targets", [1, 3])
def test_linear_regression(tmp_path: Path, targets: int) -> None:
    path = save(graphs.regressor(targets), tmp_path / "m.onnx")
    assert truth.check(frontend.load(path), path, X) == "agrees with onnxruntime on 40 samples"


@pytest.mark.parametrize(("offset", "scale"), [([0.5], [2.0]), ([0.5], [1.0, 2, 3, 4, 5]), ([1.0, 2, 3, 4, 5], [3.0])])
def test_a_scaler_of_one_number(tmp_path: Path, offset: list[float], scale: list[float]) -> None:
    scaler = graphs.ml("Scaler", ["X"], ["variable"], offset=offset, scale=scale)
    path = save(graphs.mlp(3, True, scaler), tmp_path / "m.onnx")
    graph = frontend.load(path)
    assert [each.op for each in graph.nodes[:2]] == ["Sub", "Mul"]
    scaled = interpret.run(frontend.load(path, output="variable"), X)
    np.testing.assert_allclose(scaled, (X - np.float32(offset)) * np.float32(scale), rtol=1e-5, atol=1e-6)


def test_any_tensor_may_be_named(tmp_path: Path) -> None:
    """An output, what a ZipMap makes, or a tensor inside: the model ends there."""
    path = save(graphs.mlp(3, zipmap=True), tmp_path / "m.onnx")
    for name, taken in (("output_probability", "out_activations_result"), ("add_result1",) * 2, ("mul_result",) * 2):
        graph = frontend.load(path, output=name)
        assert graph.outputs == (taken,)
        assert truth.check(graph, path, X).startswith(f"agrees with onnxruntime on 40 samples; '{taken}' is taken")
        assert frontend.survey(path, output=name).supported
    graph = frontend.load(path, output="argmax_output")
    assert truth.check(graph, path, X).startswith("same classes as onnxruntime on 40 samples; 'argmax_output' is")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("nothing", "--output 'nothing' is no tensor that the model computes"),
        ("X", "--output 'X' is the model's input"),
        ("coefficient", "--output 'coefficient' is no tensor that the model computes"),
        ("a\x1b[31m", "x1b[31m' is no tensor that the model computes"),
    ],
)
def test_names_that_cannot_be_taken(tmp_path: Path, name: str, text: str) -> None:
    path = save(graphs.mlp(3, zipmap=True), tmp_path / "m.onnx")
    for read in (frontend.load, frontend.survey):
        with pytest.raises(EmccError) as caught:
            read(path, output=name)
        assert text in str(caught.value)
        assert "\x1b" not in str(caught.value)
        assert str(caught.value).endswith("\n  hint: its outputs are output_label, output_probability")


def two(first: list[onnx.NodeProto], second: list[onnx.NodeProto]) -> onnx.ModelProto:
    """A model of two chains that end in "a" and "b"."""
    proto = model([*first, *second], ["n", 3], weights={"w": np.eye(3, dtype=np.float32)}, y="a")
    proto.graph.output.append(helper.make_tensor_value_info("b", TensorProto.FLOAT, None))
    return proto


def test_all_that_are_plain_are_taken(tmp_path: Path) -> None:
    proto = two([node("MatMul", ["x", "w"], "a")], [node("Relu", ["a"], "b")])
    path = save(proto, tmp_path / "m.onnx")
    graph = frontend.load(path)
    assert graph.outputs == ("a", "b")
    assert [each.op for each in graph.nodes] == ["MatMul", "Relu"]
    assert frontend.survey(path).supported
    assert [each.op for each in frontend.load(path, output="a").nodes] == ["MatMul"]
    assert [each.op for each in frontend.load(path, output="b").nodes] == ["MatMul", "Relu"]


def test_the_one_that_can_be_computed_is_taken(tmp_path: Path) -> None:
    """A float output of operators that emcc does not have stands beside it."""
    proto = two([node("Shrink", ["x"], "a", "shrink")], [node("MatMul", ["x", "w"], "b")])
    path = save(proto, tmp_path / "m.onnx")
    assert frontend.load(path).outputs == ("b",)
    with pytest.raises(EmccError, match="node 'shrink': operator Shrink is not supported by emcc"):
        frontend.load(path, output="a")


def test_the_only_float_output_says_why_it_is_refused(tmp_path: Path) -> None:
    proto = two([node("Shrink", ["x"], "a", "shrink")], [node("ArgMax", ["x"], "b", "class", axis=1)])
    proto.graph.output[1].type.tensor_type.elem_type = TensorProto.INT64
    with pytest.raises(EmccError, match="node 'shrink': operator Shrink is not supported by emcc"):
        frontend.load(save(proto, tmp_path / "m.onnx"))


def attribute(proto: onnx.ModelProto, op: str, name: str) -> onnx.AttributeProto:
    """Of the one node of that operator."""
    (found,) = (item for each in proto.graph.node if each.op_type == op for item in each.attribute if item.name == name)
    return found


def test_attributes_that_do_not_fit(tmp_path: Path) -> None:
    def message(proto: onnx.ModelProto) -> str:
        with pytest.raises(EmccError) as caught:
            frontend.load(save(proto, tmp_path / "m.onnx"))
        return str(caught.value)

    proto = graphs.mlp(3, zipmap=True)
    del attribute(proto, "Scaler", "offset").floats[2:]
    assert "node 'Scaler': its attribute 'offset' has 2 numbers, not 1 or 5" in message(proto)
    proto = graphs.mlp(3, zipmap=True)
    attribute(proto, "Scaler", "scale").floats[1] = float("inf")
    assert "node 'Scaler': its attribute 'scale' has numbers that are not finite" in message(proto)
    proto = graphs.logistic(4, True, "SOFTMAX")
    del attribute(proto, "LinearClassifier", "coefficients").floats[3:]
    assert "has 3 coefficients for 4 rows of 5 features" in message(proto)
    proto = graphs.logistic(4, True, "SOFTMAX")
    attribute(proto, "LinearClassifier", "post_transform").s = b"PROBIT"
    assert "its post_transform is 'PROBIT'" in message(proto)
    proto = graphs.regressor(3)
    attribute(proto, "LinearRegressor", "targets").i = 2**40
    assert "has 15 coefficients for 1099511627776 rows of 5 features" in message(proto)


def test_normalizers_that_divide_are_refused_with_a_way_out(tmp_path: Path) -> None:
    """In front, but not alone: cut off. Behind: what it normalises is taken, whose largest score is the same."""
    front = graphs.mlp(3, True, graphs.ml("Normalizer", ["X"], ["variable"], norm="L2"))
    beside = onnx.ModelProto()
    beside.CopyFrom(front)
    beside.graph.node.insert(1, node("Add", ["variable", "X"], "both"))
    next(each for each in beside.graph.node if each.op_type == "Cast").input[0] = "both"
    path = save(beside, tmp_path / "front.onnx")
    with pytest.raises(EmccError) as caught:
        frontend.load(path)
    assert str(caught.value).endswith(
        "node 'Normalizer': divides every sample by its own 'L2' norm, and the host does that to a whole input of "
        "[batch, features] alone (ai.onnx.ml.Normalizer)\n"
        "  hint: normalise the data yourself, and cut it off: onnx.utils.extract_model"
    )
    unknown = graphs.mlp(3, True, graphs.ml("Normalizer", ["X"], ["variable"], norm="L7"))
    with pytest.raises(EmccError, match="'Normalizer': has no norm 'L7'"):
        frontend.load(save(unknown, tmp_path / "unknown.onnx"))
    inferred = onnx.shape_inference.infer_shapes(front)
    del inferred.graph.value_info[:]
    for name, size in (("variable", graphs.FEATURES), ("out_activations_result", 3)):
        inferred.graph.value_info.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, size]))
    save(utils.Extractor(inferred).extract_model(["variable"], ["out_activations_result"]), tmp_path / "cut.onnx")
    assert len(frontend.load(tmp_path / "cut.onnx").nodes) == 7
    path = save(graphs.logistic(3, True, "LOGISTIC"), tmp_path / "behind.onnx")
    with pytest.raises(EmccError) as caught:
        frontend.load(path)
    assert str(caught.value).endswith(
        "hint: take what is in front of it, --output probability_tensor, and normalise that yourself"
    )
    graph = frontend.load(path, output="probability_tensor")
    assert truth.check(graph, path, X).startswith("agrees with onnxruntime on 40 samples; 'probability_tensor' is")
    path = save(graphs.logistic(2, True, "LOGISTIC", opposite=False), tmp_path / "rest.onnx")
    with pytest.raises(EmccError, match="divides every sample by its own 'L1' norm"):
        frontend.load(path)


def test_a_function_of_the_model_is_not_taken_for_the_operator(tmp_path: Path) -> None:
    proto = graphs.regressor(1)
    opsets = [helper.make_opsetid("", 14)]
    body = [node("Relu", ["a"], "b")]
    proto.functions.append(helper.make_function(graphs.ML, "LinearRegressor", ["a"], ["b"], body, opsets))
    with pytest.raises(EmccError, match="is not a standard operator"):
        frontend.load(save(proto, tmp_path / "m.onnx"))


def test_real_exports(tmp_path: Path) -> None:
    """Where skl2onnx is installed: pipelines as users write them."""
    skl2onnx = pytest.importorskip("skl2onnx")
    from sklearn.linear_model import LinearRegression, LogisticRegression
    from sklearn.neural_network import MLPClassifier, MLPRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import MinMaxScaler, StandardScaler

    rng = np.random.default_rng(0)
    x = rng.standard_normal((200, 6)).astype(np.float32) * 3 + 5
    for y in ((x[:, 0] > 5).astype(int), (x[:, 0] > 5) + (x[:, 1] > 6).astype(int), x[:, 0] * 2.5):
        if y.dtype.kind == "f":
            made = [
                LinearRegression(),
                make_pipeline(StandardScaler(), MLPRegressor(hidden_layer_sizes=(6,), max_iter=20)),
            ]
        else:
            made = [make_pipeline(MinMaxScaler(), MLPClassifier((6,), max_iter=20)), LogisticRegression()]
        for estimator in made:
            path = save(skl2onnx.to_onnx(estimator.fit(x, y), x[:1]), tmp_path / "m.onnx")
            assert truth.check(frontend.load(path), path, x).startswith("agrees with onnxruntime")
            assert frontend.survey(path).supported


def test_one_output_says_nothing_more(tmp_path: Path) -> None:
    path = save(mlp((graphs.FEATURES, 3)), tmp_path / "m.onnx")
    assert truth.check(frontend.load(path), path, X) == "agrees with onnxruntime on 40 samples"
