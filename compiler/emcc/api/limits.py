"""What numbers may be given: the command line's limits, which a test holds against it."""

import operator
from pathlib import Path
from typing import Any, Literal, overload

from emcc.api.inputs import Named
from emcc.base.errors import EmccError
from emcc.base.text import printable

WHOLE: dict[str, tuple[int, int | None]] = {"pes": (1, 256), "steps": (1, None)}
REAL: dict[str, tuple[float, float | None]] = {
    "max_drop": (0.0, 100.0),
    "target_sparsity": (0.0, 1.0),
    "minutes": (0.01, None),
}


@overload
def number(name: Literal["pes", "steps"], value: Any) -> int | None: ...
@overload
def number(name: Literal["max_drop", "target_sparsity", "minutes"], value: Any) -> float | None: ...
def number(name: str, value: Any) -> float | None:
    """Return an option's number as Python's own. EmccError where it is none, or beyond its limits."""
    if value is None:
        return None
    low, high = WHOLE[name] if name in WHOLE else REAL[name]
    try:
        plain = operator.index(value) if name in WHOLE else float(value)
    except (TypeError, ValueError):
        plain = None
    if plain is None or not low <= plain or not (high is None or plain <= high):
        allowed = f"at least {low:g}" if high is None else f"from {low:g} to {high:g}"
        kind = "a whole number" if name in WHOLE else "a number"
        raise EmccError(f"{name} is {printable(repr(value), 60)}, not {kind}, {allowed}")
    return plain


def path_of(name: Named | None) -> Path | None:
    """Return a path, or None."""
    return None if name is None else Path(name)
