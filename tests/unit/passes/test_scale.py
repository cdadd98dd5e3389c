"""Scales moved to the host change no function; the model's own normalisation comes off, its weights as they were."""

from typing import Any

import numpy as np
import pytest
from graphs import folded
from hypothesis import given, settings
from hypothesis import strategies as st
from models import model, node, onnxruntime_run, save
from onnx import TensorProto

from emcc import frontend
from emcc.compress.kmeans import Share
from emcc.ir.graph import Affine, Graph
from emcc.legal.verify import verify
from emcc.ops import interpret
from emcc.passes.calibrate import Calibrate
from emcc.passes.equalise import Equalise, by_range, by_use, pairs
from emcc.passes.features import of_inputs
from emcc.passes.fold import Fold
from emcc.passes.front import split
from emcc.passes.rescale import enters, leaves
from emcc.passes.scale import Scale, widest_codes
from emcc.passes.trial import Judge

RNG = np.random.default_rng(0)
NORM = {
    "m": np.float32([[5.0], [-300.0]]),
    "s": np.float32([0.5, 20, 4]),
    "g": np.float32([1.5, 0.5, 3]),
    "o": np.float32([1, 0, -1]),
    "mean": np.float32([0, 2, 0]),
    "var": np.float32([1, 4, 0.25]),
    "w": RNG.integers(-3, 4, (4, 6)).astype(np.float32),
}
IN_FRONT = [
    node("Sub", ["x", "m"], "a"),
    node("Div", ["a", "s"], "b"),
    node("Transpose", ["b"], "c", perm=[0, 2, 1]),
    node("BatchNormalization", ["c", "g", "o", "mean", "var"], "d"),
    node("Flatten", ["d"], "e", axis=1),
    node("Gemm", ["e", "w"], "f", transB=1),
    node("Relu", ["f"], "y"),
]


def loaded(tmp_path: Any, nodes: list[Any] = IN_FRONT, shape: tuple[Any, ...] = ("n", 2, 3)) -> Graph:
    return frontend.load(save(model(nodes, shape, ["n", 4], NORM), tmp_path / "m.onnx"))


@pytest.mark.parametrize("hosted", [None, np.zeros(6, bool), np.arange(6) % 2 == 0])
def test_normalisation_comes_off_through_moves(tmp_path, hosted):
    """By row, divided by column, transposed, normalised by channel: an element each, in the input's order."""
    graph = loaded(tmp_path)
    found = split(graph, hosted)
    assert found
    rest, affine = found
    assert {node.op for node in rest.nodes} <= {"Add", "Transpose", "Flatten", "Gemm", "Relu"}
    assert any(node.op == "Add" for node in rest.nodes) == (hosted is not None)
    made = Fold().apply(rest)
    verify(made.with_(affines={"x": affine}), after="fold")
    (weight,) = (made.constants[node.inputs[1]] for node in made.layers())
    np.testing.assert_array_equal(weight, NORM["w"].reshape(4, 3, 2).transpose(0, 2, 1).reshape(4, 6))
    x = (RNG.standard_normal((40, 2, 3)) * 30).astype(np.float32)
    truth = onnxruntime_run(tmp_path / "m.onnx", x)
    got = interpret.run(made.with_(affines={"x": affine}), x.astype(np.float64))
    np.testing.assert_allclose(got, truth, rtol=1e-4, atol=1e-3)
    if hosted is not None:
        zero = affine.enter(np.zeros((1, 6)))[0]
        assert (zero[~hosted] == 0).all()


@pytest.mark.parametrize(
    "nodes",
    [
        [node("Flatten", ["x"], "e", axis=1), node("Gemm", ["e", "w"], "y", transB=1)],
        [node("Mul", ["x", "zero"], "a"), node("Flatten", ["a"], "b"), node("Gemm", ["b", "w"], "y", transB=1)],
        [node("Sub", ["x", "m"], "y")],
        [node("Relu", ["x"], "r"), node("Sub", ["r", "m"], "y")],
    ],
)
def test_where_there_is_none_to_take_off(tmp_path, nodes):
    proto = model(nodes, ["n", 2, 3], None, {**NORM, "zero": np.float32([0, 1, 1])})
    assert split(frontend.load(save(proto, tmp_path / "m.onnx"))) is None


@pytest.mark.parametrize("pads", [0, 1])
@pytest.mark.parametrize("kind", [TensorProto.FLOAT, TensorProto.UINT8])
def test_normalisation_in_front_of_a_convolution(tmp_path, kind, pads):
    """Of an image with channels last, of floats or bytes: all of it is the host's, and no step of the array's."""
    weights = {
        "k": RNG.standard_normal((4, 3, 3, 3)).astype(np.float32),
        **{"half": np.float32(127.5), "mean": np.float32([0.5, 0.4, 0.3]), "dev": np.float32([0.2, 0.25, 0.3])},
    }
    nodes = [
        *(node("Cast", ["x"], "f", to=TensorProto.FLOAT), node("Div", ["f", "half"], "d")),
        *(node("Sub", ["d", "mean"], "s"), node("Div", ["s", "dev"], "n")),
        node("Transpose", ["n"], "t", perm=[0, 3, 1, 2]),
        node("Conv", ["t", "k"], "y", pads=[pads] * 4),
    ]
    proto = model(nodes, ["n", 5, 6, 3], weights=weights)
    proto.graph.input[0].type.tensor_type.elem_type = kind
    source = frontend.load(save(proto, tmp_path / "m.onnx"))
    made = Scale(source=source).apply(Fold().apply(source))
    assert [each.op for each in made.nodes] == ["Transpose", "Conv"]
    np.testing.assert_array_equal(made.constants[made.nodes[-1].inputs[1]], weights["k"])
    x = RNG.integers(0, 256, (4, 5, 6, 3)).astype(np.uint8)
    truth = onnxruntime_run(proto, x if kind == TensorProto.UINT8 else x.astype(np.float32))
    got = interpret.run(made, x.astype(np.float64))
    np.testing.assert_allclose(got, truth, rtol=1e-4, atol=1e-3)
    if kind == TensorProto.UINT8:
        low, high = made.ranges["x"]
        assert low == pytest.approx(-0.5 / 0.2)
        assert high == pytest.approx((2 - 0.5) / 0.2)
    twice = model([*nodes, node("Relu", ["x"], "r")], ["n", 5, 6, 3], weights=weights)
    twice.graph.output.append(twice.graph.output[0])
    twice.graph.output[0].name, twice.graph.output[1].name = "y", "r"
    assert split(frontend.load(save(twice, tmp_path / "twice.onnx"))) is None


@settings(max_examples=50)
@given(
    act=st.sampled_from(["", "Relu", "LeakyRelu", "Tanh"]),
    seed=st.integers(0, 1000),
    twice=st.booleans(),
)
def test_scales_at_the_ends_change_no_function(act, seed, twice):
    rng = np.random.default_rng(seed)
    graph = folded([5, 7, 3], [act, ""], seed=seed)
    x = rng.standard_normal((20, 5)) * 10 ** rng.uniform(-4, 4, 5)
    scaled = graph
    for _ in range(1 + twice):
        scaled = enters(
            scaled, Affine(10 ** rng.uniform(-2, 2, 5) * rng.choice([-1, 1], 5), rng.standard_normal(5) * 3)
        )
    scaled = leaves(scaled, Affine(10 ** rng.uniform(-3, 3, 3), rng.standard_normal(3) * 9))
    verify(scaled, after="scale")
    truth = interpret.run(graph, x)
    np.testing.assert_allclose(interpret.run(scaled, x), truth, rtol=1e-4, atol=1e-5 * np.abs(truth).max())


@settings(max_examples=50)
@given(
    acts=st.lists(st.sampled_from(["", "Relu", "LeakyRelu", "Tanh"]), min_size=3, max_size=3), seed=st.integers(0, 99)
)
def test_equalised_graphs_are_the_same_function(acts, seed):
    rng = np.random.default_rng(seed)
    weights = [rng.standard_normal((6, 5)), rng.standard_normal((7, 6)), rng.standard_normal((2, 7))]
    weights[0] *= 10 ** rng.uniform(-3, 3, (6, 1))
    weights[1][:, 0] = 0
    graph = folded([5, 6, 7, 2], acts, seed=seed, weights=weights)
    x = rng.standard_normal((30, 5))
    truth = interpret.run(graph, x)
    for made in (by_range(graph), by_use(graph, interpret.trace(graph, x))):
        np.testing.assert_allclose(interpret.run(made, x), truth, rtol=1e-3, atol=1e-4 * np.abs(truth).max())
        assert (made.constants["fc1.weight"][:, 0] == 0).all()
    assert len(list(pairs(graph))) == sum(act != "Tanh" for act in acts[:2])


def uneven(seed: int = 1) -> tuple[Graph, np.ndarray]:
    """Channels of very different sizes, which one codebook and one format serve badly."""
    rng = np.random.default_rng(seed)
    sizes = 10 ** rng.uniform(-2, 2, 40)
    weights = [rng.standard_normal((40, 10)) * sizes[:, None], rng.standard_normal((5, 40)) / sizes]
    return folded([10, 40, 5], ["Relu", ""], weights=weights), rng.standard_normal((300, 10)).astype(np.float32)


@pytest.mark.parametrize("bits", [8, 16])
def test_equalising_is_done_where_it_helps_and_not_where_the_recipe_says_no(bits):
    graph, x = uneven()
    judge = Judge(x, Share(4), Calibrate(bits, data=x))
    done = Equalise(judge=judge)
    assert judge.of(graph).error(done.apply(graph)) < 0.2 * judge.of(graph).error(graph)
    assert done.notes.facts["between"] in ("ranges", "use")
    assert "a scale a channel between layers" in done.notes.did
    for off in (Equalise(equalise=False, judge=judge), Equalise()):
        assert off.apply(graph) is graph
        assert off.notes.did.startswith("skipped: ")


def test_kept_codebooks_get_no_wider():
    """Channels that their biases alone make uneven: a scale each would take the weights 1 and -1 apart."""
    rng = np.random.default_rng(2)
    biases = [10 ** rng.uniform(-2, 3, 30), np.zeros(3)]
    slope = rng.choice([-1.0, 1.0], (3, 30))
    graph = folded([6, 30, 3], weights=[rng.choice([-1.0, 1.0], (30, 6)), slope], biases=biases)
    x = rng.standard_normal((200, 6)).astype(np.float32)
    judge = Judge(x, Share(0), Calibrate(8, data=x))
    assert widest_codes(Equalise(judge=judge).apply(graph)) > widest_codes(graph) == 2
    assert widest_codes(Equalise(judge=judge, kept=True).apply(graph)) == 2


@pytest.mark.parametrize("bits", [8, 16])
def test_features_of_all_kinds_use_a_format_alike(bits):
    rng = np.random.default_rng(3)
    x = rng.standard_normal((500, 6)) * [1e5, 1e-5, 1, 1, 1, 1] + [1e6, 0, 0, 0, 0, 0]
    x[:, 2] = np.where(rng.random(500) < 0.3, x[:, 2], 0)
    x[:, 3] = 42.0
    x[:, 4] = 0.0
    x[:, 5] = np.exp(2 * x[:, 5])
    affine = of_inputs(x, bits)
    scaled = affine.enter(x)
    rms = np.sqrt(np.square(scaled).mean(axis=0))
    assert (np.abs(np.sort(np.abs(scaled), axis=0)[:-2]) <= {16: 8.01, 8: 4.01}[bits]).all()
    assert np.allclose(rms[:2], 1, atol=0.05)
    assert 0.5 < rms[2] <= 1.001
    assert (scaled[x[:, 2] == 0, 2] == 0).all()
    assert not scaled[:, 3:5].any()
    assert np.isfinite(affine.scale).all()
    assert (affine.scale > 0).all()


def test_a_recipe_switches_scales_off(tmp_path):
    source = loaded(tmp_path)
    graph = Fold().apply(source)
    assert Scale(source=source).apply(graph).affines
    assert not Scale(inputs="none", source=source).apply(graph).affines
    graph = folded([3, 2], biases=[np.array([1000.0, -1000.0])])
    assert set(Scale().apply(graph).affines) == {"z0"}
    assert not Scale(outputs=False).apply(graph).affines
    assert (
        not Scale().apply(graph.with_(host=(("ArgMax", {"axis": 1, "keepdims": 0, "select_last_index": 0}),))).affines
    )
    assert not Scale(classes=True).apply(graph).affines
