"""The page of `emcc compare`: the table, and two plots as SVG; nothing fetched, nothing run, every name escaped."""

from math import log10
from typing import Any

from emcc.measure.comparison import EXPONENTS, Comparison, Row
from emcc.report.compared import HEAD, cells, label, sentences
from emcc.resources import template

TEMPLATE = "report/compare.html.j2"
LINE, LEFT, WIDE, TOP = 22, 260, 640, 26
"""Pixels: a row's height, the names' width, the plot's width, the axis's height."""

DECADES = (-6, 1)
"""Of the relative error, as powers of ten."""


def render_comparison(comparison: Comparison, model: str) -> bytes:
    """Return the page; `model` is the model file's name."""
    page: str = template(TEMPLATE, escape=True).render(
        title=f"{model}: float against fixed point",
        sentences=sentences(comparison),
        head=[title.replace("\n", " ") for title in HEAD],
        rows=[cells(row) for row in comparison.rows],
        errors=_errors(comparison),
        ranges=_ranges([row for row in comparison.rows if row.kind == "tensor"]),
    )
    return page.encode("utf-8")


def _errors(comparison: Comparison) -> dict[str, Any]:
    """Return the plot of relative errors, and of the output error of each row alone, on a logarithmic axis."""
    low, high = DECADES

    def place(part: float) -> float:
        """Return how far along the axis; what is below its begin lies there."""
        decades = log10(part) if part > 0 else low
        return round(WIDE * (min(max(decades, low), high) - low) / (high - low), 1)

    rows = [
        {
            "y": TOP + LINE * i,
            "name": _short(label(row)),
            "title": label(row),
            "relative": place(row.relative),
            "alone": LEFT + place(row.alone),
        }
        for i, row in enumerate(comparison.rows)
    ]
    ticks = [(LEFT + place(10.0**decade), f"{10.0 ** (decade + 2):g} %") for decade in range(low, high + 1)]
    return {**_frame(len(rows)), "rows": rows, "ticks": ticks, "threshold": LEFT + place(comparison.threshold)}


def _ranges(rows: list[Row]) -> dict[str, Any]:
    """Return the plot of magnitudes: a cell a power of two, and the magnitudes that the format has as a box."""
    cell = WIDE / len(EXPONENTS)

    def place(exponent: int) -> float:
        return round(LEFT + cell * (min(max(exponent, EXPONENTS.start), EXPONENTS.stop) - EXPONENTS.start), 1)

    drawn = []
    for i, row in enumerate(rows):
        most = max(row.magnitudes) or 1
        shares = zip(EXPONENTS, row.magnitudes, strict=True)
        shades = [(place(e), round(0.15 + 0.85 * count / most, 3)) for e, count in shares if count]
        # A half of the last place is the least that does not round to zero; 2**(width - 1) last places do not fit.
        box = (place(-row.fmt.frac_bits - 1), place(row.fmt.width - 1 - row.fmt.frac_bits)) if row.fmt else None
        line = {"y": TOP + LINE * i, "name": _short(row.name), "title": row.name, "cells": shades}
        drawn.append({**line, "box": box and (box[0], round(box[1] - box[0], 1))})
    ticks = [(place(e), f"2^{e}") for e in range(EXPONENTS.start, EXPONENTS.stop + 1, 4)]
    return {**_frame(len(rows)), "rows": drawn, "ticks": ticks, "cell": round(cell, 1)}


def _frame(rows: int) -> dict[str, int]:
    return {"width": LEFT + WIDE + 40, "height": TOP + LINE * rows + 6, "left": LEFT, "bottom": TOP + LINE * rows}


def _short(name: str) -> str:
    return name if len(name) <= 36 else name[:35] + "…"
