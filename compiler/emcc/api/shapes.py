"""Sizes of inputs, as a caller may give them."""

import operator
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from emcc.base.errors import EmccError
from emcc.base.text import printable
from emcc.driver.shapes import LARGEST, parsed
from emcc.frontend.report import ONLY, Sizes

Shape: TypeAlias = str | Sequence[int | None] | Mapping[str, Sequence[int | None]]
"""Sizes of the only input, the batch first, None where the file's stay; or of inputs by name; or as --shape has it."""


def sizes_of(shape: Shape | None) -> dict[str, Sizes]:
    """Return sizes by the inputs' names. EmccError where they are none."""
    if shape is None or isinstance(shape, str):
        return parsed(() if shape is None else (shape,))
    named = shape if isinstance(shape, Mapping) else {ONLY: shape}
    return {str(name): tuple(_size(size) for size in sizes) for name, sizes in named.items()}


def _size(value: Any) -> int | None:
    if value is None:
        return None
    try:
        size = operator.index(value)
    except TypeError:
        size = 0
    if not 1 <= size < LARGEST:
        raise EmccError(f"shape has {printable(repr(value), 60)} in it, not a size", hint="give (1, 3, 224, 224)")
    return size
