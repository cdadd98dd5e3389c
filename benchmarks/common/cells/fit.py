"""The factors of the model of cells, from counts of designs: non-negative least squares, a part at a time."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy.optimize import nnls

from emcc.eie.cells.features import PARTS
from emcc.eie.cells.model import KINDS

DIGITS = 3
Designs = Mapping[str, Mapping[str, Any]]
"""By name: "quantities" and "parts", as `row` makes them, and what the whole takes by kind."""


def fitted(designs: Designs) -> dict[str, dict[str, dict[str, float]]]:
    """Return factors by kind, part and quantity; those that are 0 are left out.

    Each design counts the same: errors are shares of all that it takes.
    """
    result: dict[str, dict[str, dict[str, float]]] = {}
    for column, kind in enumerate(KINDS):
        result[kind] = {}
        for part in PARTS:
            names = sorted({name for row in designs.values() for name in row["quantities"][part]})
            weights = np.array([1.0 / row[kind] for row in designs.values()])
            table = np.array([[row["quantities"][part].get(name, 0.0) for name in names] for row in designs.values()])
            counts = np.array([row["parts"].get(part, [0, 0])[column] for row in designs.values()], float)
            factors, _ = nnls(table * weights[:, None], counts * weights)
            rounded = {name: float(f"{value:.{DIGITS}g}") for name, value in zip(names, factors, strict=True)}
            result[kind][part] = {name: value for name, value in rounded.items() if value}
    return result


def written(family: str, factors: Mapping[str, Mapping[str, Mapping[str, float]]], designs: int, tools: str) -> str:
    """Return the model's file."""
    lines = [
        f"# Cells of the array on {family}: what a part of a design takes a unit of each quantity of",
        "# compiler/emcc/eie/cells/features.py. Written by `python benchmarks/resources.py --fit`: least squares over",
        f"# {designs} designs, whose counts are in benchmarks/counts/{family}.json ({tools}).",
    ]
    for kind, parts in factors.items():
        for part, values in parts.items():
            lines += ["", f"[{kind}.{part}]", *(f"{name} = {value:g}" for name, value in values.items())]
    return "\n".join(lines) + "\n"
