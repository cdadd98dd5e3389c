"""docs/format.md and docs/range-coding.md are what the code writes."""

import re
from pathlib import Path

import msgpack
import numpy as np
import plain_reader as plain
import pytest
from emc_models import in_blocks, quantised, random_layer, same
from random_qgraphs import qgraphs
from test_emc_shared import convolutions

from emcc import ops
from emcc.container import decode, encode
from emcc.container.header import WORDS
from emcc.ir.graph import Affine, Graph

from hypothesis import given, settings  # isort: skip

PAGE = (Path(__file__).parents[3] / "docs" / "format.md").read_text()


def words() -> list[str]:
    return PAGE.partition("the texts' words after these:\n\n")[2].partition("\n\n")[0].split()


def test_the_example_is_right() -> None:
    file, _, fields = PAGE.partition("## Example")[2].partition("The fields are")
    data = bytes.fromhex(
        "".join(re.findall(r"^    ((?:[0-9a-f]{2}(?: {1,2}|$))+)", file, re.MULTILINE)).replace(" ", "")
    )
    layer = {
        "codes": np.array([[0, 1, 0], [3, 0, 0]], np.uint8),
        "codebook": np.array([0, -100, 0, 250]),
        "code_w": 2,
        "bias": np.array([1048576, -786432]),
    }
    graph = quantised([layer])
    assert encode(graph, coding="huffman") == data
    assert same(decode(data), graph)
    shown = "".join(line.strip() + " " for line in re.findall(r"^    (.*)", fields, re.MULTILINE))
    begin = data.index(b"\x99")
    assert str(msgpack.unpackb(data[begin : 5 + data[4]])) == shown.strip()
    [matrix] = re.findall(r"Range coded, the same matrix is `(.*)`", PAGE)
    assert encode(graph, coding="range").endswith(bytes.fromhex(matrix))


def test_the_words_are_of_the_vocabulary_alone() -> None:
    """No name and no size of anybody's network."""
    assert tuple(words()) == WORDS
    roles = {"codes", "codebook", "bias", "multiplier", "coarse", "fine", "weight", "kernel", "scale", "mean", "var"}
    known = set(ops.registry.OPERATORS) | {name for op in ops.registry.OPERATORS.values() for name in op.attrs}
    assert set(WORDS) - roles - known == {"beta"} - known
    assert len(set(WORDS)) == len(WORDS)


def graphs() -> dict[str, Graph]:
    rng = np.random.default_rng(0)
    ramp = {"coarse": np.arange(-128, 128) ** 2, "fine": np.array([0]), "lo_bits": 0, "hi_bits": 0}
    split = {"coarse": np.rint(np.tanh(np.linspace(-4, 4, 512)) * 32767).astype(np.int64), "fine": np.arange(32)}
    split |= {"lo_bits": 3, "hi_bits": 2}
    wild = {"bias": rng.integers(-(2**62), 2**62, 8), "codebook": rng.integers(-32768, 32768, 256)}
    layers = [random_layer(rng, 9, 7, 0.3), random_layer(rng, 8, 9, 0.6, 8) | wild]
    layers += [random_layer(rng, 5, 8, 0, 1) | ramp, random_layer(rng, 90, 5, 0.5, 2) | split]
    host = (("Softmax", {"axis": -1, "odd": (None, True, (2.5, b"\0\xff", "é"))}), ("ArgMax", {}))
    kernels = [random_layer(rng, 6, 2 * 4 * 5, 0.4), random_layer(rng, 20, 6, 1.0), random_layer(rng, 8, 20, 0.3, 8)]
    pixels = Affine(rng.normal(size=64).astype(np.float32).astype(float), np.zeros(1), "L2")
    ends = {"image": pixels, "h2": Affine(np.array([0.1]), rng.normal(size=10))}
    return {
        "scaled": quantised([random_layer(rng, 20, 64, 0.1), random_layer(rng, 10, 20, 0.3)]).with_(affines=ends),
        "image": quantised([random_layer(rng, 20, 64, 0.1), random_layer(rng, 10, 20, 0.3)], (1, 8, 8)),
        "mixed": quantised(layers, host=host),
        "convolved": quantised(kernels, (2, 4, 5)),
        "floats": convolutions(),
        "blocks": in_blocks(9, 24, 4, 20, 1),
        "a block's own": in_blocks(40, 12, 3, 2, 4),
    }


@pytest.mark.parametrize("coding", ["huffman", "range", "auto"])
@pytest.mark.parametrize("name", ["scaled", "image", "mixed", "convolved", "floats", "blocks", "a block's own"])
def test_a_reader_made_from_the_page_reads_the_same(name: str, coding: str) -> None:
    reads_the_same(graphs()[name], coding)


@settings(max_examples=25)
@given(case=qgraphs())
def test_a_reader_made_from_the_page_reads_integer_graphs(case: tuple[Graph, object]) -> None:
    reads_the_same(case[0], "huffman")


def reads_the_same(graph: Graph, coding: str) -> None:
    decoded = plain.read(encode(graph, coding=coding), words())
    assert decoded["name"] == graph.name
    assert decoded["ends"] == [graph.inputs, graph.outputs]
    assert decoded["tensors"] == {
        t.name: (t.shape, t.dtype, t.fmt and (t.fmt.width, t.fmt.frac_bits)) for t in graph.tensors.values()
    }
    assert decoded["nodes"] == [(n.name, n.op, n.inputs, n.outputs, n.attrs) for n in graph.nodes]
    assert decoded["host"] == list(graph.host)
    scales = {name: [affine.scale.tolist(), affine.offset.tolist()] for name, affine in graph.affines.items()}
    assert decoded["scales"] == scales
    assert decoded["norms"] == {name: affine.norm for name, affine in graph.affines.items() if affine.norm}
    for name, (values, codes) in decoded["layers"].items():
        if blocks := graph.blocks.get(name):
            assert values == blocks.values.ravel().tolist()
            assert np.array_equal(np.reshape(codes, blocks.shape), graph.constants[name])
            continue
        book = graph.codebooks.get(name)
        assert (values is None) == (book is None)
        assert book is None or values == book.values.tolist()
        exact = graph.constants[name] if book is None else book.codes
        assert np.array_equal(np.reshape(codes, exact.shape), exact)
    arrays = {name: value for name, value in graph.constants.items() if name not in decoded["layers"]}
    assert decoded["arrays"] == {name: (str(v.dtype), v.shape, v.ravel().tolist()) for name, v in arrays.items()}
