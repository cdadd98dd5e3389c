"""Options: dataclass fields that the recipe may set."""

from collections.abc import Sequence
from dataclasses import field
from typing import Any


def option(
    default: Any, doc: str, *, low: float | None = None, high: float | None = None, choices: Sequence[Any] | None = None
) -> Any:
    """A field of a pass that the recipe may set. `doc` is its comment in `emcc recipe`, the rest is checked."""
    metadata = {"doc": doc, "low": low, "high": high, "choices": tuple(choices) if choices else None}
    if isinstance(default, dict):
        return field(default_factory=lambda: dict(default), metadata=metadata)
    return field(default=default, metadata=metadata)
