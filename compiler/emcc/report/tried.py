"""What `--search methods` tried: a row a combination, for the terminal and for pages."""

from collections.abc import Mapping
from typing import Any

from emcc.base.text import printable

HEAD = ("methods tried", "steps", "bytes", "quality", "lost", "")


def tried(manifest: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return "head", "rows" and "foot" of the table, and "taken", a flag a row; None where nothing was tried."""
    audition = manifest.get("audition")
    if not audition:
        return None
    return {
        "head": HEAD,
        "rows": [_cells(row) for row in audition["rows"]],
        "foot": (f"taken: {audition['methods']}", f"{audition['steps']:,} in all, at most", "", "", "", ""),
        "taken": [bool(row.get("taken")) for row in audition["rows"]],
    }


def _cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what a combination gave, or why it gave nothing."""
    name, steps = printable(row["methods"], 60), f"{row['steps']:,}"
    if "bytes" not in row:
        return name, steps, "", "", "", printable(row.get("why", ""), 200)
    figures = f"{row['bytes']:,}", f"{row['quality']:.2f} %", f"{row['lost']:.2f}"
    return name, steps, *figures, "taken" if row.get("taken") else ""
