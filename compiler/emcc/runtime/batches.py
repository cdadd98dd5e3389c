"""Rows of the data in batches that fit into memory."""

from collections.abc import Iterator

ROWS, ELEMENTS = 4096, 1 << 22


def batches(rows: int, elements: int) -> Iterator[slice]:
    """Yield slices of `rows`, fewer rows where a row makes many elements."""
    most = max(1, min(ROWS, ELEMENTS // elements))
    for begin in range(0, rows, most):
        yield slice(begin, min(begin + most, rows))
