"""Checks of a Node's attributes, one value each."""

from collections.abc import Callable
from typing import Any

Check = Callable[[Any], bool]


def integer(value: Any) -> bool:
    """An int."""
    return isinstance(value, int)


def natural(value: Any) -> bool:
    """An int, 0 or more."""
    return isinstance(value, int) and value >= 0


def positive(value: Any) -> bool:
    """An int, 1 or more."""
    return isinstance(value, int) and value > 0


def number(value: Any) -> bool:
    """A finite number."""
    return isinstance(value, float | int) and abs(value) < float("inf")


def one_of(*allowed: Any) -> Check:
    """One of a few values."""
    return lambda value: value in allowed


def axes(value: Any) -> bool:
    """A tuple of ints, 0 or more each."""
    return isinstance(value, tuple) and all(map(natural, value))


def sizes(value: Any) -> bool:
    """A tuple of ints, 1 or more each."""
    return isinstance(value, tuple) and all(map(positive, value))


def pair(value: Any) -> bool:
    """Two sizes: height, width."""
    return sizes(value) and len(value) == 2


def pads(value: Any) -> bool:
    """Four widths: top, left, bottom, right."""
    return axes(value) and len(value) == 4


def integers(value: Any) -> bool:
    """A tuple of ints."""
    return isinstance(value, tuple) and all(map(integer, value))
