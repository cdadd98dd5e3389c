"""The file of benchmarks/methods.py: rows of several runs side by side, and the best of each model.

{"lenet300100": {"best": {"ratio", "error", "bytes", "methods"}, "methods": {NAME: {...}}}, "lenet5": ...}
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.common.methods import BEST, CLOSE, DENSE, FIGURES, MODELS, rows

Table = dict[str, dict[str, Any]]


def read(file: Path | None) -> Table:
    """Return the table of a file; of none, or one that is not there, a table without rows.

    Raises:
        ValueError: the file holds something else.
    """
    table: Table = {model: {"best": {}, "methods": {}} for model in MODELS}
    if file is None or not file.exists():
        return table
    try:
        found = json.loads(file.read_text())
        for model, parts in found.items():
            for name, figures in parts["methods"].items():
                put(table, model, name, {key: figures[key] for key in (*FIGURES, *figures)})
    except (ValueError, KeyError, TypeError, AttributeError, OSError):
        raise ValueError(f"{file}: not a file of benchmarks/methods.py, which adds its rows to what is there") from None
    return table


def put(table: Table, model: str, name: str, figures: Mapping[str, Any]) -> None:
    """Put a row in its place, over one of its name, and choose the best of its model anew."""
    places = [DENSE, *(row.name for row in rows() if row.model == model), BEST]
    methods = {**table[model]["methods"], name: dict(figures)}
    known = sorted(methods, key=lambda key: (places.index(key) if key in places else len(places), key))
    table[model] = {"best": best(methods), "methods": {key: methods[key] for key in known}}


def best(methods: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return the smallest file that errs no more than the dense network and CLOSE, where that is a row; {} for none."""
    most = methods[DENSE]["error"] + CLOSE if DENSE in methods else 100.0
    close = [name for name, row in methods.items() if name != DENSE and row["error"] <= most]
    if not close:
        return {}
    name = min(close, key=lambda key: methods[key]["bytes"])
    return {**{key: methods[name][key] for key in FIGURES}, "methods": name}


def write(table: Table, file: Path | None) -> None:
    """Write a table, if there is a file for it."""
    if file:
        file.write_text(json.dumps(table, indent=1) + "\n")
