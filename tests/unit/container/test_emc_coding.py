"""Huffman codes, matrices, integer arrays, names and bits on their own."""

import hashlib
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emcc.container import huffman, ints, mixing, ranged, runs
from emcc.container.bits import FormatError, pack, unpack
from emcc.measure.sections import entropy

COUNTS = st.lists(st.one_of(st.just(0), st.integers(0, 5), st.integers(0, 2**40)), min_size=2, max_size=300)


@given(counts=COUNTS)
def test_codes_are_complete_prefix_free_and_short(counts: list[int]) -> None:
    used = [i for i, count in enumerate(counts) if count]
    lengths = huffman.code_lengths(np.array(counts))
    assert lengths.max() <= huffman.LIMIT
    if len(used) < 2:
        assert not lengths.any()
        return
    assert np.array_equal(np.flatnonzero(lengths), used)
    assert sum(2.0 ** -int(n) for n in lengths[used]) == 1.0
    words = huffman.codewords(lengths)
    strings = sorted(f"{words[i]:0{lengths[i]}b}" for i in used)
    assert not any(b.startswith(a) for a, b in pairwise(strings))


@given(symbols=st.lists(st.integers(0, 30), min_size=2, max_size=2000))
def test_codes_take_less_than_a_bit_over_the_entropy(symbols: list[int]) -> None:
    array = np.array(symbols)
    lengths = huffman.code_lengths(np.bincount(array))
    least = entropy(np.bincount(array))
    assert least - 1e-9 <= lengths[array].mean() <= least + 1


def test_code_lengths_are_those_of_huffman_and_of_the_limit() -> None:
    counts = np.array([45, 13, 12, 16, 9, 5])
    assert huffman.code_lengths(counts).tolist() == [1, 3, 3, 3, 4, 4]
    fibonacci = np.array([1, 1, 2, 3, 5, 8, 13, 21])
    assert huffman.code_lengths(fibonacci).tolist() == [7, 7, 6, 5, 4, 3, 2, 1]
    assert huffman.code_lengths(fibonacci, 5).max() == 5
    assert (huffman.code_lengths(fibonacci, 3) == 3).all()
    with pytest.raises(ValueError, match="do not fit"):
        huffman.code_lengths(fibonacci, 2)


@settings(max_examples=60)
@given(st.lists(st.integers(0, 1 << 40) | st.integers(0, 3), max_size=44), st.integers(6, 15))
def test_few_symbols_have_the_same_lengths(counts: list[int], limit: int) -> None:
    """By lists as by NumPy: ties are broken alike, or files would differ."""
    array = np.array(counts, np.int64)
    lengths = huffman.code_lengths(array, limit)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(huffman, "_FEW", 0)
        assert huffman.code_lengths(array, limit).tolist() == lengths.tolist()


@given(values=st.lists(st.integers(-(2**63), 2**63 - 1), max_size=40), small=st.integers(0, 63))
def test_integers(values: list[int], small: int) -> None:
    array = np.array(values, np.int64) >> small
    for case in (array, np.sort(array), array << 5, np.cumsum(np.cumsum(array >> 8))):
        data = ints.write(case)
        back, end = ints.read(b"\0" + data + b"\0", 1, len(case))
        assert np.array_equal(back, case)
        assert end == len(data) + 1


def test_smooth_integers_are_small() -> None:
    tanh = np.rint(np.tanh(np.linspace(-4, 4, 2048)) * 32767).astype(np.int64)
    assert len(ints.write(tanh)) < 1000
    assert len(ints.write(np.full(5000, 1 << 40))) < 12
    assert len(ints.write(np.arange(5000) << 20)) < 12


@given(pairs=st.lists(st.tuples(st.integers(0, 2**64 - 1), st.integers(0, 64)), max_size=40))
def test_packing(pairs: list[tuple[int, int]]) -> None:
    values = np.array([value for value, _ in pairs], np.uint64)
    widths = np.array([width for _, width in pairs], np.int64)
    data = pack(values, widths)
    assert unpack(data, widths).tolist() == [value & ((1 << width) - 1) for value, width in pairs]
    with pytest.raises(FormatError):
        unpack(data + b"\0", widths)
    if sum(widths) % 8:
        with pytest.raises(FormatError):
            unpack(data[:-1] + bytes([data[-1] | 1]), widths)


@st.composite
def matrices(draw: st.DrawFn) -> np.ndarray[Any, Any]:
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    shape = draw(st.tuples(st.integers(1, 60), st.integers(1, 90)))
    density = draw(st.sampled_from([0.0, 0.0005, 0.01, 0.2, 0.9, 1.0]))
    return (rng.integers(1, draw(st.sampled_from([2, 16, 256])), shape) * (rng.random(shape) < density)).astype(
        np.uint8
    )


@given(codes=matrices())
def test_runs(codes: np.ndarray[Any, Any]) -> None:
    plan = runs.plan(codes, 8)
    data = runs.write(codes, plan)
    decoded, scanned = runs.read(data, *codes.shape, 8)
    assert np.array_equal(decoded, codes)
    assert len(data) == plan.size
    assert (scanned.run_w, scanned.by_columns) == (plan.run_w, plan.by_columns)
    assert np.array_equal(scanned.codes, plan.codes)
    assert np.array_equal(scanned.runs, plan.runs)
    assert plan.run_w <= runs.MAX_RUN_W


@given(codes=matrices(), data=st.data())
def test_range_coding(codes: np.ndarray[Any, Any], data: st.DataObject) -> None:
    rows, columns = codes.shape
    seed = data.draw(st.integers(0, 2**32))
    book = np.random.default_rng(seed).integers(-32768, 32768, 256)
    book[data.draw(st.integers(1, 256)) :] = 0
    sides = [(h, w) for h in (1, 2, 3, 5, 9) for w in (1, 2, 4, columns) if columns % (h * w) == 0]
    geometry, expected = data.draw(st.sampled_from(sides)), data.draw(st.sampled_from(sides))
    written = ranged.write(codes, book, geometry, expected)
    assert written is not None
    decoded, spent = ranged.read(written, rows, columns, book, expected)
    assert np.array_equal(decoded, codes)
    assert len(written) * 8 - 80 <= spent.places + spent.codes <= len(written) * 8
    assert ranged.write(codes, book, geometry, expected, limit=len(written)) == written
    if codes.any():
        assert ranged.write(codes, book, geometry, expected, limit=len(written) - 1) is None


def test_the_tables_are_the_same_everywhere() -> None:
    """No entry depends on how a machine rounds: all are far from a tie."""
    logits = np.arange(-mixing.LOGIT_TOP, mixing.LOGIT_TOP)
    for exact in (65536 / (1 + np.exp(-logits / 256)), 256 * np.log((s := np.arange(1, 65536)) / (65536 - s))):
        ties = np.abs(exact - np.floor(exact) - 0.5)
        assert ties[np.abs(exact) > 0.6].min() > 1e-7
    tables = mixing.SQUASH.astype("<i4").tobytes() + mixing.STRETCH.astype("<i2").tobytes()
    assert hashlib.sha256(tables).hexdigest()[:16] == "19c274093011655d"


def test_the_better_scan_order_is_taken() -> None:
    stripes = np.zeros((64, 64), np.uint8)
    stripes[:, ::9] = 3
    stripes[5, 5] = 1
    assert runs.plan(stripes, 2).by_columns
    assert not runs.plan(stripes.T, 2).by_columns


def test_a_skewed_binary_layer_takes_less_than_a_bit_a_weight() -> None:
    codes = (np.random.default_rng(0).random((200, 300)) < 0.97).astype(np.uint8)
    assert runs.plan(codes, 1).size * 8 > codes.size * 0.21
    data = ranged.write(codes, np.array([-5, 5]), (1, 1), (1, 1), None)
    assert data is not None
    assert len(data) * 8 < codes.size * 0.21


def test_an_image_is_seen_in_the_columns() -> None:
    """Codes that keep together in the image take fewer bytes if the coder knows its width."""
    rng = np.random.default_rng(0)
    y, x = np.indices((24, 24))
    centres = rng.integers(0, 24, (60, 2))
    codes = np.array([((y - a) ** 2 + (x - b) ** 2 < 12).ravel() for a, b in centres]).astype(np.uint8)
    flat, seen = (ranged.write(codes, np.array([0, 5]), size, (1, 1), None) for size in [(1, 1), (24, 24)])
    assert flat is not None
    assert seen is not None
    assert len(seen) < 0.7 * len(flat)
