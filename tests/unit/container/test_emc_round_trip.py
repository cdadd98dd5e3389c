"""decode(encode(graph)) is the graph."""

import hashlib
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from emc_models import in_blocks, lenet, quantised, random_layer, same
from hypothesis import given, settings
from hypothesis import strategies as st

from emcc.base.errors import EmccError
from emcc.container import decode, encode
from emcc.ir.graph import Format, Graph, Node, Tensor
from emcc.measure.sections import layer_sizes, sizes

GOLDEN = {
    "huffman": "b055bd83ba05ed0ebe98118a4ad57fe993c67ddf5d70cac71dce617e48ecc51d",
    "range": "dc5f54fc4008a9b7e4688510b4639241d730d5084a6a048016601ddeee733fcc",
}


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    """Chains of one to three layers: any density, empty rows and columns, one-entry and zero-less codebooks, tables."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    sizes = draw(st.lists(st.integers(1, 40), min_size=2, max_size=4))
    layers = []
    for columns, rows in pairwise(sizes):
        code_w = draw(st.sampled_from([1, 2, 4, 8]))
        density = draw(st.sampled_from([0.0, 0.02, 0.1, 0.5, 0.95, 1.0]))
        entries = draw(st.sampled_from([None, 0, 1]))
        layer = random_layer(rng, rows, columns, density, code_w, entries)
        if draw(st.booleans()):
            layer["codes"][rng.random(rows) < 0.5] = 0
            layer["codes"][:, rng.random(columns) < 0.5] = 0
        if draw(st.booleans()):
            layer["codebook"][:] = rng.integers(-32768, 32768, 1 << code_w)
            layer["codes"] = rng.integers(0, 1 << code_w, (rows, columns)).astype(np.uint8)
        if draw(st.booleans()):
            layer["bias"] = rng.integers(-(2**46), 2**46, rows) >> draw(st.integers(0, 46))
        if draw(st.booleans()):
            layer |= _table(draw(st.sampled_from([0, 3])))
        layer["function"] = draw(st.sampled_from(["relu", "identity"]))
        layers.append(layer)
    return quantised(layers, host=draw(st.sampled_from([(), (("Softmax", {"axis": -1}), ("ArgMax", {"keepdims": 0}))])))


def _table(lo_bits: int) -> dict[str, Any]:
    coarse = np.rint(np.tanh(np.linspace(-4, 4, 1 << 8 - lo_bits)) * 32767).astype(np.int64)
    fine = np.arange(1 << 2 + lo_bits) if lo_bits else np.zeros(1, np.int64)
    return {"coarse": coarse, "fine": fine, "lo_bits": lo_bits, "hi_bits": 2 if lo_bits else 0}


@given(st.integers(0, 2**32), st.sampled_from(["huffman", "range", "auto"]), st.booleans(), st.data())
def test_blocks_come_back(seed: int, coding: str, own: bool, data: Any) -> None:
    block, across = data.draw(st.integers(2, 9)), data.draw(st.integers(1, 12))
    entries, rows = data.draw(st.sampled_from([1, 2, 3, 17, 256])), data.draw(st.integers(1, 40))
    comes_back((in_blocks(rows, block * across, block, entries, across if own else 1, seed), coding))


CODED = st.tuples(graphs(), st.sampled_from(["huffman", "range", "auto"]))


def comes_back(case: tuple[Graph, str]) -> None:
    """Encode a graph, decode it to the same, and encode that to the same bytes."""
    graph, coding = case
    data = encode(graph, coding=coding)
    decoded = decode(data)
    assert same(decoded, graph)
    assert encode(decoded, coding=coding) == data
    assert sum(part.bytes for part in sizes(data)) == len(data)


@pytest.mark.parametrize("coding", ["huffman", "range", "auto"])
@settings(max_examples=25)
@given(graph=graphs())
def test_random_graphs(coding: str, graph: Graph) -> None:
    comes_back((graph, coding))


@settings(max_examples=12)
@given(graph=graphs())
def test_auto_takes_the_smaller_of_both(graph: Graph) -> None:
    huffman, ranged, auto = (encode(graph, coding=coding) for coding in ("huffman", "range", "auto"))
    assert len(auto) <= min(len(huffman), len(ranged))
    kinds = [{layer.coding for layer in layer_sizes(data)} for data in (huffman, ranged)]
    assert kinds == [{"huffman"}, {"range"}]


@given(names=st.lists(st.text(min_size=1, max_size=30), min_size=4, max_size=4, unique=True))
def test_names_are_kept(names: list[str]) -> None:
    model, x, y, node = names
    graph = quantised([random_layer(np.random.default_rng(0), 2, 3, 0.5)])
    codes, codebook, bias = graph.nodes[0].inputs[1:]
    renamed = replace(
        graph,
        name=model,
        inputs=(x,),
        outputs=(y,),
        nodes=(replace(graph.nodes[0], name=node, inputs=(x, y + "c", codebook, bias), outputs=(y,)),),
        tensors={x: replace(graph.tensors["image"], name=x), y: replace(graph.tensors["h1"], name=y)},
        constants={
            y + "c": graph.constants[codes], codebook: graph.constants[codebook], bias: graph.constants[bias]
        },
        host=(("Softmax", {name: name for name in names}),),
    )  # fmt: skip
    assert same(decode(encode(renamed)), renamed)


def test_attributes_and_formats_off_the_beaten_track() -> None:
    graph = quantised([random_layer(np.random.default_rng(0), 6, 3, 0.5)])
    [node] = graph.nodes
    attrs = {k: v for k, v in node.attrs.items() if k not in ("lo_bits", "hi_bits")}
    attrs |= {"act_w": 8, "shift": 5, "note": (1, (-2.5, "é"), None, True, b"\0", 2**60), "lo_bits": 3}
    y = Tensor("h1", (None, 2, 3), "int8", Format(8, -4))
    odd = replace(
        graph, nodes=(Node("ip1", "QLinear", node.inputs, ("h1",), attrs),), tensors={**graph.tensors, "h1": y}
    )
    assert same(decode(encode(odd)), odd)


def test_lenet_compresses_as_in_the_paper() -> None:
    graph = lenet(0.08)
    data = encode(graph)
    assert same(decode(data), graph)
    assert 266_610 * 4 / len(data) > 35
    assert 266_610 * 4 / len(encode(lenet(0.019), coding="auto")) > 100


def test_dense_layers_cost_no_runs() -> None:
    graph = quantised([random_layer(np.random.default_rng(0), 100, 100, 1.0)])
    assert len(encode(graph)) < 100 * 100 * 4 / 8 + 700


def test_constants_that_nodes_share_are_stored_once() -> None:
    rng = np.random.default_rng(0)
    graph = quantised([random_layer(rng, 40, 40, 0.5), random_layer(rng, 40, 40, 0.5)])
    first, second = graph.nodes
    tied = (first, replace(second, inputs=(second.inputs[0], *first.inputs[1:])))
    used = {name: value for name, value in graph.constants.items() if name in first.inputs}
    shared = replace(graph, nodes=tied, constants=used)
    assert same(decode(encode(shared)), shared)
    assert len(encode(shared)) < 0.6 * len(encode(graph))


def test_codes_that_are_used_otherwise_too_are_an_array() -> None:
    graph = quantised([random_layer(np.random.default_rng(0), 4, 3, 0.5)])
    odd = replace(graph, nodes=(*graph.nodes, Node("n", "Unknown", ("h1", "ip1.codes"), ("y",))), outputs=("y",),
                  tensors={**graph.tensors, "y": Tensor("y", (None, 4))})  # fmt: skip
    assert not layer_sizes(encode(odd))
    assert same(decode(encode(odd)), odd)


def test_a_refactor_shows_no_diff() -> None:
    """The writer's choices are no part of the format, but a change of them should be meant."""
    first = {
        "codes": np.array([[0, 1, 0], [3, 0, 0]], np.uint8),
        "codebook": np.array([0, -100, 0, 250]),
        "code_w": 2,
        "bias": np.array([1 << 20, -3 << 18]),
    }
    places = np.arange(60).reshape(30, 2)
    second = {
        "codes": (places * 7 % 16 * (places % 3 == 0)).astype(np.uint8),
        "codebook": np.arange(16) * 321 - 2000,
        "code_w": 4,
        "bias": np.arange(30) ** 3,
        "coarse": np.arange(-16, 16) ** 3,
        "fine": np.arange(32),
        "lo_bits": 3,
        "hi_bits": 2,
    }
    graph = quantised([first, second])
    assert {coding: hashlib.sha256(encode(graph, coding=coding)).hexdigest() for coding in GOLDEN} == GOLDEN


def test_a_coding_that_there_is_not() -> None:
    with pytest.raises(ValueError, match="no coding 'zip'"):
        encode(lenet(), coding="zip")


def test_large_layers_are_huffman_coded_unless_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    graph = quantised([random_layer(rng, *shape, 0.97, 1) for shape in ((60, 90), (20, 60))])

    def codings(coding: str) -> list[str]:
        return [layer.coding for layer in layer_sizes(encode(graph, coding=coding))]

    assert codings("auto") == ["range", "range"]
    monkeypatch.setattr("emcc.container.matrices._SMALL", 0)  # what was written before is not asked for
    monkeypatch.setattr("emcc.container.matrices.AUTO_LIMIT", 5000)
    assert codings("auto") == ["huffman", "range"]
    assert codings("range") == ["range", "range"]
    monkeypatch.setattr("emcc.container.ranged.MAX_COLUMNS", 80)
    assert codings("range") == ["huffman", "range"]


@pytest.mark.parametrize(
    "change",
    [
        {"constants": {}},
        {"outputs": ("other",)},
        {"tensors": {}},
        {
            "constants": {
                **quantised([random_layer(np.random.default_rng(0), 4, 3, 0.5)]).constants,
                "x": np.array(["a"]),
            }
        },
        {"host": (("Softmax", {"axis": [1]}),)},
    ],
)
def test_what_does_not_fit_together_is_a_bug(change: dict[str, Any]) -> None:
    graph = quantised([random_layer(np.random.default_rng(0), 4, 3, 0.5)])
    with pytest.raises((ValueError, KeyError, TypeError)):
        encode(replace(graph, **change))


def test_a_model_of_nothing_is_not_stored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("emcc.container.codec._BASE", 100)
    monkeypatch.setattr("emcc.container.codec._PER_BYTE", 1)
    with pytest.raises(EmccError, match="too empty"):
        encode(quantised([random_layer(np.random.default_rng(0), 40, 30, 0.0)]))
