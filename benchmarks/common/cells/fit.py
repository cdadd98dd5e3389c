"""The factors of the model of cells, from counts of designs: non-negative least squares, a part at a time."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy.optimize import nnls

from emcc.eie.cells.features import PARTS
from emcc.eie.cells.model import KINDS, Factors, part

DIGITS = 3
_ALL = 0.98
FEW = 12
"""Designs below which a family has ECP5's factors, a part's times one number."""

KNOWN: Mapping[str, Mapping[str, float]] = {"lut": {"lut_ram": 4.0}}
"""By kind: factors that are not fitted. nextpnr makes four LUTs of a RAM of 16 x 4 bits."""

Designs = Mapping[str, Mapping[str, Any]]
"""By name: "quantities" and "parts", as `row` makes them, and what the whole takes by kind."""


def fitted(designs: Designs) -> dict[str, dict[str, dict[str, float]]]:
    """Return factors by kind, part and quantity; those that are 0 are left out.

    Each design counts the same: errors are shares of all that it takes.
    """
    result: dict[str, dict[str, dict[str, float]]] = {}
    for column, kind in enumerate(KINDS):
        result[kind] = {}
        for place in PARTS:
            quantities = [row["quantities"][place] for row in designs.values()]
            names = sorted({name for row in quantities for name in row})
            known = {name: value for name, value in KNOWN.get(kind, {}).items() if name in names}
            free = [name for name in names if name not in known]
            weights = np.array([1.0 / row[kind] for row in designs.values()])
            table = np.array([[row.get(name, 0.0) for name in free] for row in quantities])
            counts = np.array([row["parts"].get(place, [0, 0])[column] for row in designs.values()], float)
            counts -= [part(row, known) for row in quantities]
            factors, _ = nnls(table * weights[:, None], counts * weights)
            rounded = {name: float(f"{value:.{DIGITS}g}") for name, value in zip(free, factors, strict=True)}
            both = {**known, **rounded}
            result[kind][place] = {name: both[name] for name in names if both[name]}
    return result


def scaled(designs: Designs, by: Factors) -> dict[str, dict[str, dict[str, float]]]:
    """Return other factors by kind and part, each part's times the number that fits designs best.

    Where parts are not all of a design (nextpnr's cells have no flip-flops of their own on iCE40, and not all their
    names on Gowin), all have the same number.
    """
    result: dict[str, dict[str, dict[str, float]]] = {}
    for column, kind in enumerate(KINDS):
        said = {name: [part(row["quantities"][name], by[kind][name]) for row in designs.values()] for name in PARTS}
        real = {name: [row["parts"].get(name, [0, 0])[column] for row in designs.values()] for name in PARTS}
        totals = [row[kind] for row in designs.values()]
        whole = _times(np.sum([said[name] for name in PARTS], axis=0), totals, totals)
        known = bool(np.sum([real[name] for name in PARTS]) > _ALL * np.sum(totals))
        result[kind] = {}
        for name in PARTS:
            times = _times(said[name], real[name], totals) if known else whole
            factors = {quantity: float(f"{value * times:.{DIGITS}g}") for quantity, value in by[kind][name].items()}
            result[kind][name] = {quantity: value for quantity, value in factors.items() if value}
    return result


def _times(said: Any, real: Any, totals: Any) -> float:
    """Return the number that brings what was said nearest to what is real, as shares of the totals."""
    left, right = np.divide(said, totals), np.divide(real, totals)
    return float(left @ right / (left @ left)) if left.any() else 0.0


def model(designs: Designs, ecp5: Designs) -> tuple[dict[str, dict[str, dict[str, float]]], str]:
    """Return a family's factors and how they were got: its own, or, of FEW designs, ECP5's in proportion."""
    if len(designs) >= FEW:
        return fitted(designs), f"least squares over {len(designs)} designs"
    return scaled(designs, fitted(ecp5)), f"ECP5's, a part's times one number, by {len(designs)} designs"


def written(family: str, designs: Designs, ecp5: Designs, tools: str) -> str:
    """Return the model's file, for counts of a family and of ECP5."""
    factors, how = model(designs, ecp5)
    lines = [
        f"# Cells of the array on {family}: what a part of a design takes a unit of each quantity of",
        "# compiler/emcc/eie/cells/features.py. Written by `python benchmarks/resources.py --fit`:",
        f"# {how}, whose counts are in benchmarks/counts/{family}.json",
        f"# ({tools}).",
        "",
        f"fitted = {str(len(designs) >= FEW).lower()}",
    ]
    for kind, parts in factors.items():
        for place, values in parts.items():
            lines += ["", f"[{kind}.{place}]", *(f"{name} = {value:g}" for name, value in values.items())]
    return "\n".join(lines) + "\n"
