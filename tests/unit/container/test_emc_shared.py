"""Graphs that are compressed but not quantised: any operators, weights in codebooks."""

from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from emc_models import Array, same
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from emcc.base.errors import EmccError
from emcc.container import arrays, decode, encode
from emcc.container.bits import FormatError
from emcc.ir.graph import Codebook, Format, Graph, Node, Tensor
from emcc.measure.sections import layer_sizes, sizes

FLOATS = st.one_of(st.floats(width=32), st.floats(), st.integers(-(2**40), 2**40).map(lambda v: v / 2**20))


def book(rng: np.random.Generator, shape: tuple[int, ...], density: float, code_w: int = 4) -> Codebook:
    values = np.concatenate([[0.0], np.sort(rng.normal(0, 0.1, (1 << code_w) - 1).astype(np.float32))])
    codes = rng.integers(1, 1 << code_w, shape) * (rng.random(shape) < density)
    return Codebook(values.astype(np.float64), codes.astype(np.uint8), code_w)


def convolutions(seed: int = 0, density: float = 0.2) -> Graph:
    """Two branches of convolutions, joined; a layer; constants of several kinds."""
    rng = np.random.default_rng(seed)
    books = {
        "a.w": book(rng, (6, 2, 5, 5), density),
        "b.w": book(rng, (6, 2, 1, 1), 1.0, 8),
        "fc.w": book(rng, (10, 12 * 16), density, 2),
    }
    constants: dict[str, Array] = {name: codebook.weights().astype(np.float32) for name, codebook in books.items()}
    constants |= {"a.b": np.zeros(6), "b.b": rng.normal(0, 1, 6).astype(np.float32)}
    constants |= {"fc.b": np.rint(rng.normal(0, 99, 10)) / 256, "k": np.array([3, -1])}
    window = {"dilations": (1, 1), "group": 1, "pads": (2, 2, 2, 2), "strides": (1, 1)}
    nodes = (
        Node("a", "Conv", ("x", "a.w", "a.b"), ("a.y",), window),
        Node("a.relu", "Relu", ("a.y",), ("a.z",)),
        Node("b", "Conv", ("x", "b.w", "b.b"), ("b.y",), {**window, "pads": (0, 0, 0, 0)}),
        Node("join", "Concat", ("a.z", "b.y"), ("j",), {"axis": 1}),
        Node("flat", "Reshape", ("j", "k"), ("f",), {"shape": (-1,), "odd": (1, None, 2.5)}),
        Node("fc", "Linear", ("f", "fc.w", "fc.b", ""), ("y",)),
    )
    shapes = {"x": (2, 4, 4), "a.y": (6, 4, 4), "a.z": (6, 4, 4), "b.y": (6, 4, 4), "j": (12, 4, 4), "f": (192,)}
    tensors = {name: Tensor(name, (None, *shape)) for name, shape in shapes.items()}
    tensors["y"] = Tensor("y", (None, 10), "float64", Format(16, 9))
    return Graph("net", ("x",), ("y", "a.z"), nodes, tensors, constants, books, (("Softmax", {"axis": -1}),))


def equal(a: Graph, b: Graph) -> bool:
    return same(a, b) and all(
        np.array_equal(a.codebooks[k].values, b.codebooks[k].values)
        and np.array_equal(a.codebooks[k].codes, b.codebooks[k].codes)
        and a.codebooks[k].code_w == b.codebooks[k].code_w
        for k in a.codebooks.keys() | b.codebooks.keys()
    )


@pytest.mark.parametrize("coding", ["huffman", "range", "auto"])
@settings(max_examples=12)
@given(seed=st.integers(0, 2**32), density=st.sampled_from([0.0, 0.05, 0.5, 1.0]))
def test_round_trip(coding: str, seed: int, density: float) -> None:
    graph = convolutions(seed, density)
    data = encode(graph, coding=coding)
    assert equal(decode(data), graph)
    assert encode(decode(data), coding=coding) == data
    assert sum(part.bytes for part in sizes(data)) == len(data)
    assert [(layer.name, layer.rows, layer.columns) for layer in layer_sizes(data)] == [
        ("a", 6, 50),
        ("b", 6, 2),
        ("fc", 10, 192),
    ]


def test_biases_are_counted_with_their_layers() -> None:
    rows = layer_sizes(encode(convolutions()))
    assert [row.bias.symbols for row in rows] == [6, 6, 10]
    assert rows[0].bias.bytes < 6 < 20 < rows[1].bias.bytes < 6 * 4 + 12


@given(values=hnp.arrays(st.sampled_from([np.float32, np.float64]), st.integers(0, 20), elements=st.floats(width=32)))
def test_floats(values: Array) -> None:
    data = arrays.write(values)
    decoded, end = arrays.read(b"-" + data + b"-", 1, len(values), str(values.dtype))
    assert end == len(data) + 1
    assert decoded.dtype == values.dtype
    assert decoded.tobytes() == values.tobytes()


@given(values=st.lists(FLOATS, max_size=20))
def test_doubles(values: list[float]) -> None:
    given = np.array(values, np.float64)
    decoded, _ = arrays.read(arrays.write(given), 0, len(values), "float64")
    assert decoded.tobytes() == given.tobytes()


@pytest.mark.parametrize("dtype", ["int64", "int32", "int16", "int8", "uint8", "bool"])
def test_integers(dtype: str) -> None:
    values = np.array([0, 1, 1, 0, 1]).astype(dtype) * np.array(1).astype(dtype)
    assert np.array_equal(arrays.read(arrays.write(values), 0, 5, dtype)[0], values)
    if dtype != "int64":
        with pytest.raises(FormatError, match="no " + dtype):
            arrays.read(arrays.write(np.array([1 << 40])), 0, 1, dtype)


def test_rounded_biases_are_small() -> None:
    rng = np.random.default_rng(0)
    exact = rng.normal(0, 0.1, 300)
    assert len(arrays.write(np.rint(exact * 256) / 256 + 0.0)) < 300
    assert len(arrays.write(exact.astype(np.float32).astype(np.float64))) < 300 * 4 + 2


@pytest.mark.parametrize(
    "change",
    [
        {"constants": {**convolutions().constants, "b.w": convolutions().constants["b.w"] + 1}},
        {"constants": {**convolutions().constants, "k": np.array(["text"])}},
        {"outputs": ("nothing",)},
    ],
)
def test_what_is_no_such_graph_is_a_bug(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"graph|constant|refers"):
        encode(convolutions().with_(**change))


DATA = encode(convolutions(), coding="range")


def test_flipped_bits() -> None:
    for bit in range(0, len(DATA) * 8, 5):
        damaged = bytearray(DATA)
        damaged[bit // 8] ^= 1 << bit % 8
        with pytest.raises(EmccError):
            decode(bytes(damaged))


def test_cut_short() -> None:
    for end in range(0, len(DATA), 3):
        with pytest.raises(EmccError):
            layer_sizes(DATA[:end])


@settings(max_examples=300)
@given(data=st.data())
def test_crafted_contents(data: st.DataObject) -> None:
    from test_emc_damage import header_fields, reseal, unframe

    _, sections = unframe(DATA)
    contents = {**sections, "header": header_fields(DATA)}
    section = data.draw(st.sampled_from(sorted(contents)))
    content = bytearray(contents[section])
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(content)))
        content[at : at + data.draw(st.integers(0, 2))] = data.draw(st.binary(max_size=4))
    with suppress(EmccError):
        decode(reseal(DATA, section, bytes(content)))
