"""A layer in tiles: calls of some rows each, whose weights fit a memory on the chip (`--weights external`)."""

from collections.abc import Callable, Iterator
from dataclasses import replace

from emcc.backends.hls.calls import Call
from emcc.backends.hls.columns import columns
from emcc.backends.hls.weights import size

HELD = 1 << 15
"""Bytes of weights that a tile has at most, or what four rows take."""
TOGETHER = 4
"""Rows that are computed together."""

Size = Callable[[int, int], int]


def tiles(call: Call) -> list[Call]:
    """Return calls that write what one does; one where its weights are a slot's or by the number of taps."""
    if call.matrix is None and call.kernel not in ("dense", "full"):
        return [call]
    return [_tile(call, begin, end) for begin, end in _cut(0, call.row["rows"], _sizes(call))]


def _sizes(call: Call) -> Size:
    """Return what says how many bytes the rows from one to another take, the starts of columns left out."""
    if call.matrix is None:
        weights, width = call.weights, call.columns
        assert weights is not None
        one = size(weights) / max(1, weights.size)
        return lambda begin, end: round((end - begin) * width * one)
    entries = call.matrix.indptr
    return lambda begin, end: 2 * int(entries[end] - entries[begin])


def _cut(begin: int, end: int, bytes_of: Size) -> Iterator[tuple[int, int]]:
    """Yield spans of rows in order, each within HELD; halves of halves, of whole blocks of rows."""
    if end - begin <= TOGETHER or bytes_of(begin, end) <= HELD:
        yield begin, end
        return
    half = begin + -(-(end - begin) // (2 * TOGETHER)) * TOGETHER
    yield from _cut(begin, half, bytes_of)
    yield from _cut(half, end, bytes_of)


def _tile(call: Call, begin: int, end: int) -> Call:
    """Return the call of some rows."""
    row, rows = call.row, end - begin
    moved = {name: row[name] + begin if row[name] >= 0 else -1 for name in ("bias", "scale")}
    own = {**row, **moved, "rows": rows, "target": row["target"] + begin}
    macs = call.macs * rows // row["rows"]
    if call.matrix is not None:
        found = columns(call.matrix[begin:end])
        return replace(call, row=own, macs=macs, weights=found.weights, found=found, matrix=None)
    assert call.weights is not None
    return replace(call, row=own, macs=macs, weights=call.weights[begin * call.columns : end * call.columns])
