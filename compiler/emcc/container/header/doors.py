"""Values as msgpack has them: written as what it can hold, and read as what is not to be trusted.

Every reader raises FormatError.
"""

from typing import Any

from emcc.container.bits import FormatError
from emcc.container.header.values import DEEPEST, MOST_DIMENSIONS


def as_text(value: Any) -> str:
    """A name."""
    if not isinstance(value, str):
        raise FormatError("a name is no text")
    return value


def dimensions(value: Any) -> tuple[Any, ...]:
    """A shape, of no more dimensions than there may be."""
    if len(as_tuple(value)) > MOST_DIMENSIONS:
        raise FormatError(f"a shape of {len(value)} dimensions")
    return as_tuple(value)


def as_tuple(value: Any, size: int | None = None, at_least: int = 0) -> tuple[Any, ...]:
    """A list that msgpack had; its extension types are tuples too, of a class of their own."""
    if type(value) is not tuple or len(value) < at_least or (size is not None and len(value) != size):
        raise FormatError("a list is missing, or of another length")
    return value


def as_int(value: Any, high: int, low: int = 0) -> int:
    """An integer from `low` to `high`; True and False are none."""
    if type(value) is not int or not low <= value <= high:
        raise FormatError(f"{str(value)[:20]} where an integer from {low} to {high} belongs")
    return value


def plain_value(value: Any, depth: int = 0) -> Any:
    """An attribute: None, bool, int, float, str, bytes, or a tuple of such."""
    if isinstance(value, tuple) and depth < DEEPEST:
        return [plain_value(item, depth + 1) for item in value]
    if value is None or type(value) in (bool, int, float, str, bytes):
        return value
    raise TypeError(f"no attribute can hold a {type(value).__name__}")


def attribute(value: Any, depth: int = 0) -> Any:
    """The inverse of `plain_value`, of what is not to be trusted."""
    if type(value) is tuple and depth < DEEPEST:
        return tuple(attribute(item, depth + 1) for item in value)
    if value is None or type(value) in (bool, int, float, str, bytes):
        return value
    raise FormatError(f"no attribute is a {type(value).__name__}")
