"""A sparse matrix as columns of {weight, run of zeros before it}, or row by row without its zeros left out."""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csc_array, csr_array

from emcc.backends.hls.weights import size
from emcc.ir.graph import Array

RUN = 255
"""The longest run; a longer gap has entries of weight 0 in it."""


@dataclass(frozen=True)
class Columns:
    """Entries column by column: `starts` int64 [columns + 1], `runs` and `weights` int64 [entries]."""

    starts: Array
    runs: Array
    weights: Array

    @property
    def bytes(self) -> int:
        """What they take."""
        return self.runs.size + size(self.weights) + self.starts.size * (2 if self.runs.size < 1 << 16 else 4)


def columns(matrix: csr_array) -> Columns:
    """Return the non-zero weights of a matrix, int64 [rows, columns], column by column, rows ascending."""
    by_column = csc_array(matrix)
    by_column.sort_indices()
    counts = np.diff(by_column.indptr)
    rows = by_column.indices.astype(np.int64)
    before = np.full(rows.size, -1)
    first = by_column.indptr[:-1][counts > 0]
    before[1:] = rows[:-1]
    before[first] = -1
    gaps = rows - before - 1
    pads = gaps // (RUN + 1)
    at = np.arange(rows.size) + np.cumsum(pads)
    runs, weights = np.full(rows.size + int(pads.sum()), RUN), np.zeros(rows.size + int(pads.sum()), np.int64)
    runs[at], weights[at] = gaps % (RUN + 1), by_column.data
    column = np.repeat(np.arange(counts.size), counts)
    lengths = counts + np.bincount(column, pads, minlength=counts.size).astype(np.int64)
    return Columns(np.concatenate([[0], np.cumsum(lengths)]), runs, weights)


def is_sparse(found: Columns, dense: Array) -> bool:
    """Whether columns take fewer bytes than all weights, int64 [rows * columns]."""
    return found.bytes < size(dense)
