"""Binary activations: signs where layers hand on, thresholds by least squares, gradients that go straight through."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from commands import printed
from graphs import folded, passed
from hypothesis import given, settings
from hypothesis import strategies as st
from models import mlp, model, node, random_weight, save
from small_problem import invoked, manifest_of

from emcc.base.errors import EmccError
from emcc.compress.kmeans import Share
from emcc.compress.search.goal import Goal
from emcc.compress.signs.binary_activations import BinaryActivations
from emcc.compress.signs.levels import line, threshold
from emcc.container import decode
from emcc.driver.compile import compile_model
from emcc.driver.compress import compress_model
from emcc.driver.request import CompileOptions, CompressOptions
from emcc.eie import reference
from emcc.eie.lower import lower
from emcc.eie.options import LowerOptions
from emcc.eie.store import load_program
from emcc.frontend import load
from emcc.frontend.export import export
from emcc.ir.graph import Graph, Node
from emcc.legal.verify import verify
from emcc.ops import get
from emcc.ops.interpret import floats, integers, run, trace
from emcc.passes.calibrate import Calibrate
from emcc.passes.fold import Fold
from emcc.passes.quantise import Quantise

SIGN = Node("sign", "Bipolar", ("x",), ("y",), {"step": 1.0})
NUMBERS = np.array([-np.inf, -2, -1, -(2.0**-149), -0.0, 0.0, 2.0**-149, 0.5, 1, 1.0000001, np.inf], np.float32)
SIGNS = np.array([-1, -1, -1, -1, 1, 1, 1, 1, 1, 1, 1], np.float32)
DIGITS = Path(__file__).resolve().parents[3] / "examples" / "digits"


def test_the_sign_of_zero_is_one_everywhere(tmp_path: Path) -> None:
    """NumPy, torch with a gradient and without, onnxruntime on what is exported."""
    torch, ort = pytest.importorskip("torch"), pytest.importorskip("onnxruntime")
    x = torch.from_numpy(NUMBERS.copy())
    assert np.array_equal(get("Bipolar").evaluate(np, SIGN, NUMBERS), SIGNS)
    for leaf in (x, x.clone().requires_grad_()):
        assert np.array_equal(get("Bipolar").evaluate(torch, SIGN, leaf).detach().numpy(), SIGNS)
    graph = folded([1, 1], ["Relu"], weights=[np.ones((1, 1))], biases=[np.zeros(1)])
    graph = graph.with_(nodes=tuple(_bipolar(each) if each.op == "Relu" else each for each in graph.nodes))
    session = ort.InferenceSession(export(passed(graph, Share().kept(), after="fold"), graph.outputs))
    finite = np.isfinite(NUMBERS)
    (got,) = session.run(None, {"x": NUMBERS[finite, None]})
    assert np.array_equal(got.ravel(), SIGNS[finite])


def _bipolar(each: Node) -> Node:
    return Node(each.name, "Bipolar", each.inputs, each.outputs, {"step": 1.0})


def test_the_gradient_goes_straight_through_within_one() -> None:
    torch = pytest.importorskip("torch")
    x = torch.tensor([-3.0, -1.001, -1.0, -0.3, 0.0, 0.3, 1.0, 1.001, 3.0], requires_grad=True)
    (get("Bipolar").evaluate(torch, SIGN, x) * torch.arange(1.0, 10.0)).sum().backward()
    assert x.grad.tolist() == [0, 0, 3, 4, 5, 6, 7, 0, 0]


@settings(max_examples=40)
@given(st.lists(st.tuples(st.integers(-4, 4), st.integers(-9, 9)), min_size=1, max_size=12))
def test_a_threshold_is_the_best_there_is(pairs: list[tuple[int, int]]) -> None:
    """Against every cut: two numbers, one a side, nearest to the values."""
    sums, values = np.array(pairs, np.float64).T

    def left(at: float) -> float:
        sides = [side for side in (values[sums < at], values[sums >= at]) if len(side)]
        return sum(float(np.square(side - side.mean()).sum()) for side in sides)

    assert left(threshold(sums, values)) <= min(left(at) for at in np.arange(-5.5, 6)) + 1e-9
    signs = np.where(sums >= threshold(sums, values), 1.0, -1.0)
    scale, offset = line(signs, values)
    assert np.square(scale * signs + offset - values).sum() == pytest.approx(left(threshold(sums, values)))


def test_what_enters_hidden_layers_is_binary_and_near_to_what_it_was() -> None:
    graph = folded([12, 40, 30, 3], ["Relu", "Sigmoid", ""], seed=1)
    x = np.random.default_rng(0).standard_normal((400, 12)).astype(np.float32)
    made = BinaryActivations(x=x).apply(graph)
    verify(made, after="binarise")
    assert [each.op for each in made.nodes] == ["Linear", "Bipolar", "Linear", "Bipolar", "Linear"]
    values = trace(made, x)
    for layer in list(made.layers())[1:]:
        assert set(np.unique(values[layer.inputs[0]])) == {-1.0, 1.0}
    assert values["fc0/sums"].std(axis=0) == pytest.approx(np.ones(40), rel=1e-4)
    shared = {name for name in made.tensors if name in graph.tensors}
    assert shared == {"x", "z2"}
    lost = np.square(run(made, x) - run(graph, x)).mean() / run(graph, x).var()
    assert 0.01 < lost < 0.35
    assert BinaryActivations(x=x, layers={"fc1": 0}).apply(graph).nodes[3].op == "Sigmoid"


def test_a_channel_that_never_changes_costs_nothing() -> None:
    """A neuron below zero on every sample: its sign is a constant, and its column keeps weights to train."""
    graph = folded([6, 8, 3], seed=2, biases=[np.r_[-1e3, np.zeros(7)], np.zeros(3)])
    x = np.random.default_rng(0).standard_normal((200, 6)).astype(np.float32)
    made = BinaryActivations(x=x).apply(graph)
    column = made.constants["fc1.weight"][:, 0]
    assert column.all()
    without = made.with_constants({"fc1.weight": np.r_["1", np.zeros((3, 1)), made.constants["fc1.weight"][:, 1:]]})
    without = without.with_constants({"fc1.bias": made.constants["fc1.bias"] - column})
    np.testing.assert_allclose(run(without, x), run(made, x), atol=1e-4)


def branches(end: str) -> onnx.ModelProto:
    """A convolution and a pool without an activation, two branches that are joined, rectified and flattened."""
    rng = np.random.default_rng(5)
    weights = {
        "k0": random_weight(rng, 6, 18).reshape(6, 2, 3, 3),
        "k1": random_weight(rng, 4, 6).reshape(4, 6, 1, 1),
        "k2": random_weight(rng, 3, 54).reshape(3, 6, 3, 3),
        "w": random_weight(rng, 3, 63),
    }
    nodes = [
        node("Conv", ["x", "k0"], "a", "c0"),
        node("MaxPool", ["a"], "p", "pool", kernel_shape=[2, 2], strides=[2, 2]),
        node("Conv", ["p", "k1"], "b1", "c1"),
        node("Conv", ["p", "k2"], "b2", "c2", pads=[1, 1, 1, 1]),
        node("Concat", ["b1", "b2"], "c", axis=1),
        node("Relu", ["c"], "r", "relu"),
        *([node("Add", ["r", "r2"], "s", "sum")] if end == "Add" else []),
        node("Flatten", ["s" if end == "Add" else "r"], "f"),
        node("Gemm", ["f", "w"], "y", "fc", transB=1),
    ]
    if end == "Add":
        nodes.insert(6, node("Sigmoid", ["c"], "r2"))
    return model(nodes, ["n", 2, 8, 8], ["n", 3], weights)


def read(proto: onnx.ModelProto, folder: Path) -> Graph:
    return passed(load(save(proto, folder / "m.onnx"), "emcc compile"), Fold())


def test_signs_stand_behind_pools_and_where_branches_part(tmp_path: Path) -> None:
    """A pooled sum's sign is the pooled sign; an activation of two branches goes with both or with neither."""
    graph = read(branches(""), tmp_path)
    x = np.random.default_rng(0).standard_normal((64, 2, 8, 8)).astype(np.float32)
    made = BinaryActivations(x=x).apply(graph)
    verify(made, after="binarise")
    ops = [each.op for each in made.nodes]
    assert ops == ["Conv", "MaxPool", "Bipolar", "Conv", "Bipolar", "Conv", "Bipolar", "Concat", "Linear"]
    values = trace(made, x)
    for layer in list(made.layers())[1:]:
        assert set(np.unique(values[layer.inputs[0]])) == {-1.0, 1.0}
    pooled, summed = values["pool/sums"], values["c0/sums"]
    assert np.array_equal(pooled, summed.reshape(64, 6, 3, 2, 3, 2).max(axis=(3, 5)))
    shared = passed(passed(made, Share().kept(), after="binarise"), Calibrate(data=x), Quantise(), after="share")
    taken = integers(shared, x).reshape(64, -1)
    meant = run(shared, taken).reshape(64, -1)
    assert np.array_equal(reference.run(lower(shared, LowerOptions(pes=4)), taken), meant)
    assert np.abs(floats(shared, meant) - run(made, x)).max() < 2e-3
    kept = BinaryActivations(x=x, layers={"c1": 0})
    assert kept.check(graph).reasons["c2"] == "its activation 'relu' is of others too, which keep it"
    assert [each.op for each in kept.apply(graph).nodes].count("Bipolar") == 1


def test_the_array_has_the_signs_of_its_sums(tmp_path: Path) -> None:
    """Sums of exactly zero among them: the reference, the quantised graph and onnxruntime."""
    ort = pytest.importorskip("onnxruntime")
    x = np.random.default_rng(0).integers(-2, 3, (200, 6)).astype(np.float32)
    whole = [np.random.default_rng(seed).integers(-1, 2, shape) for seed, shape in ((1, (10, 6)), (2, (3, 10)))]
    graph = folded([6, 10, 3], ["Relu", ""], weights=whole, biases=[np.zeros(10), np.zeros(3)])
    graph = graph.with_(nodes=tuple(_bipolar(each) if each.op == "Relu" else each for each in graph.nodes))
    assert (trace(graph, x)["z0"] == 0).any(axis=0).all()
    shared = passed(graph, Share().kept(), after="fold")
    quantised = passed(shared, Calibrate(data=x), Quantise(), after="share")
    program = lower(quantised, LowerOptions(pes=4))
    taken = integers(quantised, x).reshape(len(x), -1)
    meant = run(quantised, taken)
    assert np.array_equal(reference.run(program, taken), meant)
    (answers,) = ort.InferenceSession(export(shared, shared.outputs)).run(None, {"x": x})
    assert np.array_equal(floats(quantised, meant), answers)


def test_digits_as_an_xnor_net(tmp_path: Path) -> None:
    """Binary weights and activations of the digits' network: most are right, and the array has the same integers."""
    pytest.importorskip("torch")
    (tmp_path / "r.toml").write_text(
        "[binary-activations]\nepochs = 2\n[finetune]\nepochs = 0\nshared_epochs = 3\nshared_learning_rate = 1e-3\n"
        "least_steps = 1\n"
    )
    said: dict[str, Any] = {"recipe": tmp_path / "r.toml", "method": "binary-activations+binary", "fixed": True}
    made = compile_model(CompileOptions(DIGITS / "digits.onnx", DIGITS / "train.npz", pes=4, **said))
    did = {step["name"]: step["did"] for step in made.manifest["passes"]}
    assert "of 1 bit each; trained with them for 2 epochs, by the labels" in did["binary-activations"]
    held = decode(made.files["model.emc"])
    *hidden, last = held.layers()
    for layer in hidden:
        assert layer.attrs["function"] == "table"
        assert layer.attrs["code_w"] == 1
    assert last.attrs["function"] == "identity"
    test = np.load(DIGITS / "test.npz")
    x = integers(held, test["x"])
    meant = run(held, x).reshape(len(x), -1)
    (tmp_path / "p.npz").write_bytes(made.files["program.npz"])
    program = load_program(tmp_path / "p.npz")
    assert np.array_equal(reference.run(program, x[:100].reshape(100, -1)), meant[:100])
    assert (meant.argmax(axis=1) == test["y"]).mean() > 0.9
    signs = trace(held, x)[hidden[-1].outputs[0]]
    assert np.unique(signs).size == 2


RECIPE = "[binary-activations]\nepochs = 2\n[prune]\nsparsity = 0.5\n"
METHOD = ("--method", "binary-activations+magnitude+ternary")


def test_a_file_that_onnxruntime_runs_and_the_same_bytes_again(tmp_path: Path) -> None:
    ort = pytest.importorskip("onnxruntime")
    files = []
    for again in ("first", "second"):
        (tmp_path / again).mkdir()
        manifest = manifest_of(tmp_path / again, "compress", RECIPE, "--fixed", *METHOD)
        files.append({name: (tmp_path / again / "out" / name).read_bytes() for name in manifest["files"]})
    assert files[0] == files[1]
    held, x = decode(files[0]["model.emc"]), np.load(tmp_path / "first" / "data.npz")["x"]
    (answers,) = ort.InferenceSession(files[0]["compressed.onnx"]).run(None, {"x": x})
    held_answers = floats(held, run(held, integers(held, x)))
    assert (np.abs(answers - held_answers).max(axis=1) < 2e-3).mean() > 0.95  # a sum near zero may have either sign
    assert manifest["options"]["passes"]["binary-activations"]["epochs"] == 2
    again = passed(load(tmp_path / "first" / "out" / "compressed.onnx", "emcc compile"), Fold())
    assert [each.op for each in again.nodes] == ["Linear", "Bipolar", "Linear"]


def test_a_goal(tmp_path: Path) -> None:
    manifest = manifest_of(tmp_path, "compress", RECIPE, "--max-drop", "60", *METHOD)
    assert manifest["signs"] == {"layers": ["fc0"], "activations": 16}
    said = "signs behind fc0: 16 activations a sample, of 1 bit each"
    assert said in (tmp_path / "out" / "report.html").read_text()
    assert said in " ".join(printed("inspect", str(tmp_path / "out")).split())
    assert {"finetune", "search", "binary-activations"} <= set(manifest["options"]["passes"])
    first, _ = decode((tmp_path / "out" / "model.emc").read_bytes()).layers()
    assert first.attrs["function"] == "table"
    assert manifest["totals"]["kept"] < manifest["totals"]["weights"]


REFUSED = [
    (("--method", "svd+binary-activations+kmeans"), "", ("--fixed",), "would part the layers that svd splits"),
    (METHOD, "", ("--keep-weights",), "keeps every weight"),
    (METHOD, "[binary-activations.layers]\nfc0 = 0\n", ("--fixed",), "'fc0': left as it is by the recipe"),
    (METHOD, "[binary-activations.layers]\nfc1 = 1\n", ("--fixed",), "'fc1': its sums reach the output"),
    (METHOD, "[binary-activations.layers]\nfc7 = 1\n", ("--fixed",), "names layers the model does not have"),
]


@pytest.mark.parametrize(("method", "recipe", "options", "message"), REFUSED)
def test_what_is_refused(method: Any, recipe: str, options: tuple[str, ...], message: str, tmp_path: Path) -> None:
    for command in ("compress", "compile"):
        result = invoked(tmp_path, command, recipe, *method, *options)
        assert result.exit_code == 2, result.output
        assert message in " ".join(result.output.split())
        assert not (tmp_path / "out").exists()


def test_without_data_it_is_refused(tmp_path: Path) -> None:
    path = save(mlp([6, 5, 3]), tmp_path / "m.onnx")
    with pytest.raises(EmccError, match="chooses thresholds on data"):
        compile_model(CompileOptions(path, method="binary-activations+kmeans"))


def test_signs_that_lose_more_than_the_goal_allows(tmp_path: Path) -> None:
    """Without training, of a network that is always right."""
    pytest.importorskip("torch")
    path = save(mlp([12, 16, 3], seed=3), tmp_path / "m.onnx")
    x = np.random.default_rng(0).standard_normal((300, 12)).astype(np.float32)
    np.savez(tmp_path / "d.npz", x=x, y=run(load(path, "emcc compress"), x).argmax(axis=1))
    (tmp_path / "r.toml").write_text("[binary-activations]\nepochs = 0\n")
    options = CompressOptions(path, tmp_path / "d.npz", Goal(max_drop=1.0), tmp_path / "r.toml", method=METHOD[1])
    with pytest.raises(EmccError, match="--max-drop 1 cannot be had: with binary-activations the model has"):
        compress_model(options)


def test_layers_that_hand_on_to_something_else_keep_their_activation(tmp_path: Path) -> None:
    graph = read(branches("Add"), tmp_path)
    reasons = BinaryActivations().check(graph).reasons
    assert reasons["c1"] == reasons["c2"] == "its sums reach 'sum' (Add)"
    assert "c0" not in reasons
    with pytest.raises(EmccError, match="does not apply") as raised:
        BinaryActivations(layers={"c0": 0}).check(graph)
    assert "layer 'fc': its sums reach the output 'y'" in raised.value.details
