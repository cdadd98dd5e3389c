"""Codes that are the weights, of 8 and 16 bits, and scales a row, in a file."""

from typing import Any

import numpy as np
import pytest
from emc_models import same
from graphs import folded
from hypothesis import given
from hypothesis import strategies as st

from emcc.base.errors import EmccError
from emcc.container import decode, encode, wide
from emcc.container.bits import FormatError
from emcc.ir.graph import Array, Codebook, Graph, Node, Tensor
from emcc.measure.sections import layer_sizes, sizes

CODINGS = ["huffman", "range", "auto"]


def integers(seed: int, dtype: str, shape: tuple[int, ...], zeros: float, reach: int) -> Array:
    """Weights about 0, some of them 0."""
    rng = np.random.default_rng(seed)
    held = np.iinfo(dtype)
    codes = np.clip(np.rint(rng.standard_normal(shape) * reach), held.min, held.max).astype(dtype)
    codes[rng.random(shape) < zeros] = 0
    return codes


def float_graph(codes: Array, values: Array, scale: Array | None) -> Graph:
    """A layer with a codebook of its own."""
    book = Codebook(values, codes, {"uint8": 4, "int8": 8, "int16": 16}[codes.dtype.name], scale)
    graph = folded([codes.shape[1], len(codes)], seed=1)
    name = next(iter(graph.layers())).inputs[1]
    return graph.with_constants({name: book.weights().astype(np.float32)}).with_(codebooks={name: book})


def integer_graph(codes: Array) -> Graph:
    """A quantised layer, or convolution, without a codebook."""
    conv = codes.ndim == 4
    attrs = {"act_w": 16, "code_w": 8 * codes.dtype.itemsize, "function": "relu", "shift": 3, "z_frac": 2}
    nodes = (Node("one", "QConv" if conv else "QLinear", ("x", "codes", "", "bias"), ("y",), attrs),)
    tensors = {"x": Tensor("x", (None, codes.shape[1])), "y": Tensor("y", (None, len(codes)))}
    return Graph("g", ("x",), ("y",), nodes, tensors, {"codes": codes, "bias": np.arange(len(codes))})


@given(st.integers(0, 2**32), st.sampled_from(["int8", "int16"]), st.sampled_from(CODINGS), st.data())
def test_matrices_come_back(seed: int, dtype: str, coding: str, data: Any) -> None:
    shape = data.draw(st.sampled_from([(1, 1), (3, 50), (40, 7), (4, 3, 3, 3), (60, 90)]))
    reach = data.draw(st.sampled_from([1, 40, 9000, 90000]))
    codes = integers(seed, dtype, shape, data.draw(st.sampled_from([0.0, 0.6, 1.0])), reach)
    graph = integer_graph(codes)
    encoded = encode(graph, coding=coding)
    assert same(decode(encoded), graph)
    assert sum(part.bytes for part in sizes(encoded)) == len(encoded)
    (size,) = layer_sizes(encoded)
    assert size.kept == np.count_nonzero(codes)
    assert size.code_w == size.codes.width == 8 * codes.dtype.itemsize


@pytest.mark.parametrize("coding", CODINGS)
@pytest.mark.parametrize("scales", [None, 1, 20])
@pytest.mark.parametrize("kind", ["int8", "int16", "entries"])
def test_codebooks_of_their_own(coding: str, scales: int | None, kind: str) -> None:
    codes, values = integers(3, "int8" if kind == "entries" else kind, (20, 15), 0.3, 60), np.zeros(0)
    if kind == "entries":
        codes, values = (np.abs(codes) % 5).astype(np.uint8), np.array([0.0, -2, -1, 1, 3])
    scale = None if scales is None else np.random.default_rng(4).uniform(0.001, 1, scales)
    graph = float_graph(codes, values, scale)
    back = decode(encode(graph, coding=coding))
    assert same(back, graph)
    (book,), (held,) = back.codebooks.values(), graph.codebooks.values()
    assert book.codes.dtype == held.codes.dtype
    assert book.code_w == held.code_w
    np.testing.assert_array_equal(book.values, held.values)
    assert (book.scale is None) == (held.scale is None)
    assert held.scale is None or np.array_equal(book.scale, held.scale)  # type: ignore[arg-type]


def test_files_of_16_bits_take_what_their_weights_tell() -> None:
    """Sixteen bits a weight at most, a little more where all are random; sparse ones cost by what is left."""
    dense = integers(5, "int16", (100, 100), 0.0, 9000)
    size = len(encode(integer_graph(dense)))
    assert 100 * 100 * 2 * 0.9 < size < 100 * 100 * 2 * 1.01
    assert len(encode(integer_graph(integers(5, "int16", (100, 100), 0.9, 9000)))) < size * 0.2


@pytest.mark.parametrize("coding", ["huffman", "range"])
def test_damage_is_one_error(coding: str) -> None:
    """Any bit of the section: an error that names it, or weights of the same shape."""
    codes = integers(7, "int16", (6, 9), 0.4, 2000)
    data = wide.write(codes, (1, 1), 0, coding)
    np.testing.assert_array_equal(wide.read(data, 6, 9, (1, 1)).codes, codes)
    for at in range(8 * len(data)):
        wrong = bytearray(data)
        wrong[at // 8] ^= 1 << at % 8
        try:
            assert wide.read(bytes(wrong), 6, 9, (1, 1)).codes.shape == (6, 9)
        except FormatError:
            continue
    for end in range(len(data)):
        with pytest.raises(FormatError):
            wide.read(data[:end], 6, 9, (1, 1))


def test_codebooks_that_do_not_fit_are_bugs_or_damage() -> None:
    codes = integers(1, "int8", (4, 5), 0.0, 50)
    for wrong in (Codebook(np.zeros(0), codes.astype(np.int16), 8), Codebook(np.zeros(0), codes, 8, np.ones(3))):
        graph = float_graph(codes, np.zeros(0), None)
        name = next(iter(graph.codebooks))
        with pytest.raises(ValueError, match="malformed"):
            encode(graph.with_(codebooks={name: wrong}))
    from emcc.container.codec import _read_book
    from emcc.container.header import Constant

    for data, width in ((b"\0\5", 16), (b"\0\0", 4), (b"\0\0\3", 8)):
        with pytest.raises(FormatError):
            _read_book(data, Constant("w", "float32", (4, 5), width))
    with pytest.raises(EmccError):
        decode(encode(float_graph(codes, np.zeros(0), None))[:-1])
