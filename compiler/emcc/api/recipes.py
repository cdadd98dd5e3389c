"""A recipe of Python values as a TOML file."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from emcc.base.errors import EmccError
from emcc.driver.recipe import HINT, check


def to_toml(sections: Mapping[str, Mapping[str, Any]]) -> str:
    """Write {"prune": {"sparsity": 0.8, "layers": {"fc1": 0.9}}} as TOML. The same values give the same text.

    Raises:
        EmccError: with all that is wrong in it.
    """
    table = _plain(sections)
    if not isinstance(table, dict):
        raise EmccError(f"the recipe is of type {type(sections).__name__}", hint="give a file, or sections: a dict")
    problems = check(table)
    if problems:
        raise EmccError("mistakes in the recipe", file="recipe", details=problems, hint=HINT)
    lines = []
    for section, values in table.items():
        nested = {key: value for key, value in values.items() if isinstance(value, dict)}
        lines += [f"[{section}]", *(_line(key, value) for key, value in values.items() if key not in nested)]
        for name, rows in nested.items():
            lines += [f"[{section}.{name}]", *(_line(key, value) for key, value in rows.items())]
    return "\n".join(lines) + "\n"


def _plain(value: Any) -> Any:
    """Return dicts with keys of text, and Python's numbers instead of numpy's."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    return value.item() if isinstance(value, np.generic) else value


def _line(key: str, value: bool | int | float | str) -> str:
    text = str(value).lower() if isinstance(value, bool) else _quoted(value) if isinstance(value, str) else repr(value)
    return f"{_quoted(key)} = {text}"


def _quoted(text: str) -> str:
    """Quote a basic string of TOML 1.0."""
    return '"' + "".join(c if c.isprintable() and c not in '"\\' else f"\\U{ord(c):08X}" for c in text) + '"'
