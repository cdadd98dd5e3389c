"""A step as the kernels are called, and the read-only arrays that calls have places in."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from scipy.sparse import csr_array

from emcc.backends.hls.columns import Columns
from emcc.backends.hls.fields import Row
from emcc.backends.hls.weights import Pool
from emcc.ir.graph import Array

OTHERS = ("starts", "runs", "biases", "scales", "coarse", "fine", "places", "orders")
SUMMING = ("dense", "sparse", "local", "largest")
"""The kernels that keep a sum a row."""


@dataclass
class Arrays:
    """The read-only arrays, by their names without "emcc_", and what is in them already."""

    pool: Pool = field(default_factory=Pool)
    others: dict[str, list[int]] = field(default_factory=lambda: {name: [] for name in OTHERS})
    _kept: dict[tuple[str, bytes], int] = field(default_factory=dict)

    def put(self, name: str, values: Array) -> int:
        """Store int64 values; return where they begin, where they were if they were there."""
        key = name, np.ascontiguousarray(values, np.int64).tobytes()
        if key not in self._kept:
            self._kept[key] = len(self.others[name])
            self.others[name].extend(int(value) for value in values)
        return self._kept[key]

    @property
    def all(self) -> Mapping[str, list[int]]:
        """All of them."""
        pool = self.pool
        return {"bytes": pool.own, "words": pool.words, "codes": pool.codes, "books": pool.books, **self.others}


@dataclass(frozen=True)
class Fetch:
    """What a call's weights take from outside: array without "emcc_", first word of 32 bits, how many."""

    array: str
    first: int
    words: int


@dataclass(frozen=True)
class Call:
    """A kernel, its row of fields; macs: products that it computes at most.

    Attributes:
        weights: what it reads, int64 [n], or None; the row says where that is once all are known.
        step: the step that it is of. found, matrix: of "sparse", its weights by column and as they are.
        fetches: what comes from outside before it.
    """

    kernel: str
    row: Row
    macs: int
    weights: Array | None = None
    step: int = 0
    found: Columns | None = None
    matrix: csr_array | None = None
    fetches: tuple[Fetch, ...] = ()

    @property
    def formed(self) -> bool:
        """Whether its weights have a form: those by the number of taps are of 16 bits."""
        return self.weights is not None and not self.row["by_count"]

    @property
    def columns(self) -> int:
        """Values of a window."""
        return self.row["kernel_y"] * self.row["kernel_x"] * self.row["slots"]

    @property
    def whole(self) -> bool:
        """Whether it has one window, which lies in memory side by side."""
        row = self.row
        one = row["out_h"] * row["out_w"] == 1 and row["before_y"] == row["before_x"] == 0
        inside = row["kernel_y"] <= row["in_h"] and row["kernel_x"] <= row["in_w"]
        across = (row["kernel_x"] == row["in_w"] and row["step_y"] == 1) or row["kernel_y"] == 1
        return bool(one and inside and across and row["joined"])
