"""Options: dataclass fields that the recipe may set."""

from collections.abc import Callable, Sequence
from dataclasses import field
from typing import Any


def option(
    default: Any,
    doc: str,
    *,
    low: float | None = None,
    high: float | None = None,
    choices: Sequence[Any] | Callable[[], Sequence[Any]] = (),
    silent: bool = False,
) -> Any:
    """Return a field that the recipe may set. `doc` is its comment in `emcc recipe`, the rest is checked.

    `choices` may be a function, called when the choices are needed. A `silent` one is in emcc.json where it is set, and
    not at its default: one that came later changes no bytes of those who do not use it.
    """
    metadata = {"doc": doc, "low": low, "high": high, "choices": choices if callable(choices) else lambda: choices}
    metadata["silent"] = silent
    if isinstance(default, dict):
        return field(default_factory=lambda: dict(default), metadata=metadata)
    return field(default=default, metadata=metadata)
