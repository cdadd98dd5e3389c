"""Channels that are tied together are found, and a graph without some gives what the whole one gives with them at 0."""

import numpy as np
import onnx
import pytest
from graphs import folded
from models import model, node, save
from small_convs import small_conv

from emcc.compress.channels.cut import cut
from emcc.compress.channels.families import Channels, channels
from emcc.compress.channels.tied import FIXED
from emcc.frontend import load
from emcc.ir.graph import Graph
from emcc.legal.verify import verify
from emcc.ops.interpret import run, trace
from emcc.passes.fold import Fold


def read(proto: onnx.ModelProto, folder) -> Graph:
    return Fold().apply(load(save(proto, folder / "m.onnx"), "test", None))


def weights(rng, **shapes: tuple[int, ...]) -> dict[str, np.ndarray]:
    return {name: rng.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()}


def branches() -> onnx.ModelProto:
    """A residual sum, a depthwise convolution of two a channel, a Concat, a free BatchNormalization, factors, a pad."""
    rng = np.random.default_rng(3)
    arrays = weights(
        rng, k1=(6, 2, 3, 3), k2=(6, 6, 3, 3), kd=(12, 1, 3, 3), k3=(4, 18, 1, 1), m=(6, 1, 1), w0=(9, 144), w1=(5, 9)
    )
    arrays |= weights(rng, scale=(18,), bias=(18,), mean=(18,)) | {"var": rng.random(18).astype(np.float32) + 0.5}
    nodes = [
        node("Conv", ["x", "k1"], "a", "conv1", pads=[1, 1, 1, 1]),
        node("Sigmoid", ["a"], "b"),
        node("Conv", ["b", "k2"], "c", "conv2", pads=[1, 1, 1, 1]),
        node("Add", ["b", "c"], "s"),
        node("Conv", ["s", "kd"], "d", "depthwise", pads=[1, 1, 1, 1], group=6),
        node("Tanh", ["s"], "t"),
        node("Mul", ["t", "m"], "u"),
        node("Concat", ["d", "u"], "j", axis=1),
        node("BatchNormalization", ["j", "scale", "bias", "mean", "var"], "n"),
        node("Relu", ["n"], "r"),
        node("Conv", ["r", "k3"], "e", "conv3"),
        node("MaxPool", ["e"], "p", kernel_shape=[2, 2], strides=[1, 1], pads=[0, 0, 1, 1]),
        node("Flatten", ["p"], "f", axis=1),
        node("Gemm", ["f", "w0"], "g", "fc0", transB=1),
        node("Elu", ["g"], "h"),
        node("Gemm", ["h", "w1"], "y", "fc1", transB=1),
    ]
    return model(nodes, ["n", 2, 6, 6], ["n", 5], arrays, name="branches")


def without(known: Channels, kept, x: np.ndarray) -> np.ndarray:
    """What the whole graph gives where every element of a channel that goes is 0."""
    gone = np.concatenate([family.units[~kept[family.name]] for family in known.families if family.name in kept])

    def through(name: str, value: np.ndarray) -> np.ndarray:
        return np.where(np.isin(known.of[name], gone), 0.0, value.reshape(len(value), *known.of[name].shape))

    graph = known.graph
    return trace(graph, x, through=through, keep=graph.outputs)[graph.outputs[0]]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("make", [branches, small_conv])
def test_what_is_left_gives_what_the_whole_gives_with_the_rest_at_0(make, seed, tmp_path):
    graph = read(make(), tmp_path)
    known, rng = channels(graph), np.random.default_rng(seed)
    kept = {}
    for family in known.families:
        kept[family.name] = rng.random(len(family)) < 0.6
        kept[family.name][0] = True
    smaller = cut(known, kept)
    verify(smaller, after="shrink")
    assert sum(a.size for a in smaller.constants.values()) < sum(a.size for a in graph.constants.values())
    x = rng.standard_normal((3, *graph.tensors["x"].shape[1:]))
    np.testing.assert_allclose(run(smaller, x), without(known, kept, x), atol=1e-12)


def test_the_families(tmp_path):
    known = channels(read(branches(), tmp_path))
    assert [(tuple(family.rows), len(family)) for family in known.families] == [
        (("conv1", "conv2"), 6),
        (("conv3",), 4),
        (("fc0",), 9),
    ]
    assert known.whole == (("fc1", "is an output"),)
    assert (known.of["x"] == FIXED).all()
    assert len(np.unique(known.of["f" if "f" in known.of else "p"])) == 4
    first = known.families[0]
    np.testing.assert_array_equal(first.summed({"conv1": np.arange(6.0), "conv2": np.ones(6)}), np.arange(6) + 1)


def shuffled(tie_to_input: bool = False) -> onnx.ModelProto:
    rng = np.random.default_rng(0)
    arrays = weights(rng, k1=(8, 4, 1, 1), k2=(8, 4, 3, 3), k3=(4, 8, 1, 1), k4=(3, 4, 1, 1))
    arrays["split"] = np.array([0, 2, 4, 4, 4], np.int64)
    arrays["back"] = np.array([0, 8, 4, 4], np.int64)
    nodes = [
        node("Conv", ["x", "k1"], "a", "expand"),
        node("Conv", ["a", "k2"], "b", "grouped", pads=[1, 1, 1, 1], group=2),
        node("Reshape", ["b", "split"], "c", "cut"),
        node("Transpose", ["c"], "d", "turn", perm=[0, 2, 1, 3, 4]),
        node("Reshape", ["d", "back"], "e", "join"),
        node("Conv", ["e", "k3"], "f", "narrow"),
        *([node("Add", ["f", "x"], "g", "sum")] * tie_to_input),
        node("Relu", ["g" if tie_to_input else "f"], "h"),
        node("Conv", ["h", "k4"], "y", "last"),
    ]
    return model(nodes, ["n", 4, 4, 4], ["n", 3, 4, 4], arrays, name="shuffled")


def test_what_is_not_followed_stays_whole_and_is_said(tmp_path):
    known = channels(read(shuffled(), tmp_path))
    assert [family.name for family in known.families] == ["narrow"]
    assert dict(known.whole) == {
        "expand": "its channels reach a node that is a convolution in 2 groups: grouped",
        "grouped": "is a convolution in 2 groups",
        "last": "is an output",
    }
    tied = channels(read(shuffled(tie_to_input=True), tmp_path))
    assert not tied.families
    assert dict(tied.whole)["narrow"] == "its channels reach a node that is joined with what stays: sum"


def test_a_weight_of_two_layers_stays(tmp_path):
    arrays = weights(np.random.default_rng(0), k=(4, 4, 1, 1), last=(2, 4, 1, 1))
    nodes = [
        node("Conv", ["x", "k"], "a", "first"),
        node("Relu", ["a"], "b"),
        node("Conv", ["b", "k"], "c", "second"),
        node("Relu", ["c"], "d"),
        node("Conv", ["d", "last"], "y", "last"),
    ]
    graph = read(model(nodes, ["n", 4, 3, 3], ["n", 2, 3, 3], arrays), tmp_path)
    shared = graph.with_(
        nodes=tuple(
            each.__class__(each.name, each.op, (each.inputs[0], *graph.nodes[0].inputs[1:]), each.outputs, each.attrs)
            if each.name == "second"
            else each
            for each in graph.nodes
        )
    )
    assert not channels(shared).families
    assert dict(channels(shared).whole)["first"] == "shares a constant with another node"


def test_a_chain_loses_neurons():
    graph = folded([5, 8, 6, 3], ["LeakyRelu", "Sigmoid", ""])
    known = channels(graph)
    assert [(family.name, len(family)) for family in known.families] == [("fc0", 8), ("fc1", 6)]
    kept = {"fc0": np.arange(8) < 3}
    smaller = cut(known, kept)
    assert {name: array.shape for name, array in smaller.constants.items() if "weight" in name} == {
        "fc0.weight": (3, 5),
        "fc1.weight": (6, 3),
        "fc2.weight": (3, 6),
    }
    x = np.random.default_rng(0).standard_normal((4, 5))
    np.testing.assert_allclose(run(smaller, x), without(known, kept, x), atol=1e-12)
