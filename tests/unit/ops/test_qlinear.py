"""QLinear against the contract's formula in Python's own integers, one weight at a time."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emcc import ops
from emcc.ir.graph import Node
from emcc.ops import qlinear

I16 = st.integers(-(1 << 15), (1 << 15) - 1)


def by_hand(attrs: dict[str, object], x: list[int], codes: list[list[int]], book: list[int], bias: list[int],
            multiplier: list[int], coarse: list[int], fine: list[int]) -> list[int]:  # fmt: skip
    """The formula of the numeric contract."""
    width, shift = int(str(attrs["act_w"])), int(str(attrs["shift"]))
    low, high = -(1 << (width - 1)), (1 << (width - 1)) - 1
    out = []
    for row, start, by in zip(codes, bias, multiplier or [1] * len(bias), strict=True):
        acc = start + sum(book[code] * value for code, value in zip(row, x, strict=True))
        half = 1 << (shift - 1) if shift else 0
        z = min(high, max(low, (acc * by + half) >> shift))
        if attrs["function"] == "relu":
            z = max(z, 0)
        elif attrs["function"] == "table":
            lo, hi = int(str(attrs["lo_bits"])), int(str(attrs["hi_bits"]))
            u = z + (1 << (width - 1))
            j = ((u >> (width - hi)) << lo) | (u % (1 << lo))
            z = min(high, max(low, coarse[u >> lo] + fine[j]))
        out.append(z)
    return out


@given(st.data())
@settings(max_examples=150)
def test_is_the_contract(data: st.DataObject) -> None:
    width, code_w = data.draw(st.sampled_from([8, 16])), data.draw(st.sampled_from([1, 2, 4]))
    n_in, n_out = data.draw(st.integers(1, 6)), data.draw(st.integers(1, 4))
    function = data.draw(st.sampled_from(["identity", "relu", "table"]))
    attrs: dict[str, object] = {"act_w": width, "code_w": code_w, "function": function}
    attrs |= {"shift": data.draw(st.integers(0, 24)), "weight_frac": 8, "z_frac": 4}
    book = data.draw(st.lists(I16, min_size=1 << code_w, max_size=1 << code_w))
    row = st.lists(st.integers(0, (1 << code_w) - 1), min_size=n_in, max_size=n_in)
    codes = data.draw(st.lists(row, min_size=n_out, max_size=n_out))
    bias = data.draw(st.lists(st.integers(-(1 << 40), 1 << 40), min_size=n_out, max_size=n_out))
    act = st.integers(-(1 << (width - 1)), (1 << (width - 1)) - 1)
    x = data.draw(st.lists(act, min_size=n_in, max_size=n_in))
    rng = np.random.default_rng(data.draw(st.integers(0, 999)))
    tables: list[np.ndarray] = []
    if function == "table":
        lo = data.draw(st.integers(0, width - 2))
        hi = data.draw(st.integers(0, width - lo)) if lo else 0
        attrs |= {"lo_bits": lo, "hi_bits": hi}
        high = (1 << (width - 1)) - 1
        tables = [
            rng.integers(-high - 1, high + 1, 1 << (width - lo)),
            rng.integers(-high - 1, high + 1, 1 << (hi + lo)),
        ]
    multiplier = data.draw(st.none() | st.lists(I16, min_size=n_out, max_size=n_out))
    names = ("x", "codes", "book", "bias", "by" if multiplier else "", "coarse", "fine")[: 5 + len(tables)]
    node = Node("n", "QLinear", names, ("y",), attrs)
    module = ops.get("QLinear")
    by = None if multiplier is None else np.array(multiplier)
    values = [np.array([x]), np.array(codes, np.uint8), np.array(book), np.array(bias), by, *tables]
    result = module.evaluate(np, node, *values)
    assert result.dtype == np.int64
    lists = [table.tolist() for table in tables] or [[], []]
    assert result.tolist() == [by_hand(attrs, x, codes, book, bias, multiplier or [], *lists)]
    shapes = [None if value is None else value.shape for value in values[1:]]
    assert module.shape(node, (None, n_in), *shapes) == (None, n_out)


def test_beyond_float64_it_is_integers() -> None:
    """A sum that a float64 cannot hold is exact all the same."""
    codebook = np.array([0, (1 << 40) + 1], np.int64)
    x = np.array([[32767, 1, 0]])
    codes = np.array([[1, 1, 1], [0, 1, 0]], np.uint8)
    acc = qlinear.accumulate(x, codes, codebook, np.array([1, 2]))
    assert acc.tolist() == [[32768 * ((1 << 40) + 1) + 1, (1 << 40) + 3]]
    with pytest.raises(OverflowError, match="do not fit int64"):
        qlinear.accumulate(x, codes, codebook << 20, np.array([1, 2]))


def test_blocks_of_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Decoding a few rows at a time changes nothing."""
    rng = np.random.default_rng(0)
    x, codes = rng.integers(-9, 9, (5, 7)), rng.integers(0, 4, (11, 7)).astype(np.uint8)
    book, bias = rng.integers(-99, 99, 4), rng.integers(-99, 99, 11)
    whole = qlinear.accumulate(x, codes, book, bias)
    monkeypatch.setattr(qlinear, "BLOCK", 20)
    np.testing.assert_array_equal(qlinear.accumulate(x, codes, book, bias), whole)
    np.testing.assert_array_equal(whole, bias + x @ book[codes].T)
