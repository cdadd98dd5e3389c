"""Data for calibrating, training, judging and simulating, in memory; `samples.load` reads it."""

from dataclasses import dataclass
from typing import Any

from emcc.ir.graph import Array

Labels = Array | tuple[Array | None, ...] | None
"""y of one output; of several one each, None where an output has none."""


@dataclass(frozen=True)
class Dataset:
    """Samples in the model's own units.

    Attributes:
        x: float32 [n, ...], of the model's input shape, int32 where rows of a table are picked by it; read-only, and
            mapped from the file where it allows that. Of several inputs float32 [n, elements], as ir.batch has them.
        y: int64 [n], class numbers; float32 [n, ...] of the output's shape, targets of a regression; or None. Of a
            model of several outputs a tuple of such.
        unread: names of what else is in the file, where nothing of it is y.
    """

    x: Array
    y: Labels = None
    unread: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.x)

    def first(self, count: int | None) -> "Dataset":
        """The first `count` samples, or all."""
        return self.taken(slice(count))

    def taken(self, rows: Any) -> "Dataset":
        """Some samples: a slice, a mask or row numbers."""
        y = tuple(None if own is None else own[rows] for own in self.y) if isinstance(self.y, tuple) else self.y
        return Dataset(self.x[rows], y[rows] if y is not None and not isinstance(y, tuple) else y, self.unread)

    def of(self, output: int) -> Array | None:
        """y of one output, by its place."""
        return self.y[output] if isinstance(self.y, tuple) else self.y

    @property
    def labelled(self) -> bool:
        """Whether an output has labels or targets."""
        return self.y is not None and (not isinstance(self.y, tuple) or any(own is not None for own in self.y))
