"""Interleaved CSC: every weight is found again, padding zeros stand where a gap is too long."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from emcc.eie.balance import row_order
from emcc.eie.pack import pack, padding_zeros, positions, unpack_rows


@settings(max_examples=200)
@given(
    st.integers(1, 60), st.integers(1, 20), st.integers(1, 9), st.integers(1, 6),
    st.floats(0, 1), st.integers(0, 2**32 - 1),
)  # fmt: skip
def test_round_trip(rows: int, columns: int, pes: int, run_w: int, density: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    codes = (rng.integers(1, 16, (rows, columns)) * (rng.random((rows, columns)) < density)).astype(np.uint8)
    result = positions(codes, codes != 0, pes)
    slices = pack(result, run_w)
    got = np.zeros((rows, columns), np.uint8)
    at_row, at_column = unpack_rows(slices.count, slices.first, slices.run, pes)
    got[at_row, at_column] = slices.code
    np.testing.assert_array_equal(got, codes)
    assert slices.padding == padding_zeros(result, run_w) == slices.code.size - np.count_nonzero(codes)


def test_the_papers_example() -> None:
    """Deep Compression, figure 2: a gap of 11 with a 3-bit run takes one padding zero."""
    codes = np.zeros((16, 1), np.uint8)
    codes[[1, 4, 15], 0] = [3, 9, 1]
    slices = pack(positions(codes, codes != 0, 1), 3)
    assert slices.code.tolist() == [3, 9, 0, 1]
    assert slices.run.tolist() == [1, 2, 7, 2]
    assert slices.padding == 1


@given(st.lists(st.integers(0, 50), min_size=1, max_size=80), st.integers(1, 20))
def test_row_order_is_a_permutation(work: list[int], pes: int) -> None:
    order = row_order(np.array(work), pes)
    assert sorted(order) == list(range(len(work)))


def test_row_order_balances() -> None:
    work = np.array([100, 1, 1, 1, 100, 1, 1, 1])
    order = row_order(work, 4)
    assert max(work[order[pe::4]].sum() for pe in range(4)) == 101
