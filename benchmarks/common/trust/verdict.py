"""What is said of the rows in the end."""

import math
from collections.abc import Iterator, Sequence
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from benchmarks.common.trust.rows import GOAL, rounded

Row = dict[str, Any]
HEAD = ("data", "mode", "metric", "before", "after", "lost", "+-", "worst lost", "kept", "cycles", "bytes", "warned")


def faults(rows: Sequence[Row]) -> list[str]:
    """Return a sentence for each row that emcc should not have given."""
    return [f"{row['data']}, {row['mode']}: {fault}" for row in rows for fault in _faults(row)]


def _faults(row: Row) -> Iterator[str]:
    if "error" in row:
        yield row["error"]
    if row.get("mismatches"):
        yield f"{row['mismatches']} outputs of the RTL are not the reference's"
    if "after" not in row:
        return
    beyond = list(_beyond(row))
    yield from beyond
    if _most(row) > GOAL and not row["warned"]:
        yield f"{_most(row):.2f} points lost without a warning{'' if beyond else ', within the interval'}"


def _beyond(row: Row) -> Iterator[str]:
    """Yield a sentence for each figure that loses more than the goal and its interval."""
    for name, part in _parts(row):
        if part["loss"] is None or part["interval"] is None:
            yield f"{name} has no loss or no interval: answers that are not finite, or one sample"
        elif part["loss"] > GOAL + part["interval"]:
            yield f"{name} loses {part['loss']:.2f} points, more than {GOAL:g} and its interval, {part['interval']:.2f}"


def _most(row: Row) -> float:
    """Return the most points that a figure of the row lost."""
    return max(math.inf if part["loss"] is None else part["loss"] for _, part in _parts(row))


def _parts(row: Row) -> list[tuple[str, Row]]:
    """Return the figures that decide: the whole, and the output that lost most."""
    worst = row.get("worst")
    return [("it", row), *([(f"output {worst['output']}", worst)] if worst else [])]


def table(rows: Sequence[Row]) -> Table:
    """Return the rows for a terminal."""
    table = Table(box=box.SIMPLE_HEAD)
    rtl = any(row.get("mismatches") is not None for row in rows)
    for place, name in enumerate((*HEAD, *(("mismatches",) if rtl else ()))):
        table.add_column(name, justify="left" if place < 3 else "right")
    for row in rows:
        table.add_row(*map(Text, [*_cells(row), *([_cell(row.get("mismatches"), "d")] if rtl else [])]))
    return table


def _cells(row: Row) -> list[str]:
    worst = row.get("worst", {}).get("loss")
    told = {True: "yes", False: "no", None: "-"}[row.get("warned")]
    figures = [_cell(row.get(name), ".2f") for name in ("before", "after", "loss", "interval")]
    costs = [_cell(row.get("kept"), ".1%"), _cell(row.get("cycles"), ",.0f"), _cell(row.get("bytes"), ",d")]
    return [row["data"], row["mode"], row["metric"], *figures, _cell(worst, ".2f"), *costs, told]


def _cell(value: float | None, form: str) -> str:
    return "-" if value is None else f"{value:{form}}"


def console() -> Console:
    """Return a console that is wide enough for the table where output is no terminal."""
    plain = Console(highlight=False)
    return plain if plain.is_terminal else Console(highlight=False, width=160)


def held(rows: Sequence[Row]) -> dict[str, dict[str, Any]]:
    """Count by data set: rows ("total"), rows that keep the promise ("held"), and by loss alone ("strictly").

    A row with an error keeps nothing. "lost" is the mean loss of the others, None where there are none.
    """
    counts: dict[str, dict[str, Any]] = {}
    for name in dict.fromkeys(row["data"] for row in rows):
        lost = [_most(row) for row in rows if row["data"] == name and "after" in row]
        mean = rounded(sum(lost) / len(lost)) if lost else None
        counts[name] = {"total": 0, "held": 0, "strictly": 0, "errors": 0, "lost": mean}
    for row in rows:
        count = counts[row["data"]]
        count["total"] += 1
        count["errors"] += "error" in row
        if "after" in row and "error" not in row:
            count["held"] += not row["breaks"]
            count["strictly"] += _most(row) <= GOAL
    return counts
