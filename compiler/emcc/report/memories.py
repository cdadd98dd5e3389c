"""What each memory of the array takes: bits, and block RAMs by family."""

from collections.abc import Mapping
from typing import Any

Cells = list[str]


def memory_rows(manifest: Mapping[str, Any]) -> tuple[Cells, list[Cells], Cells]:
    """Return (head, a row a memory, the total): all copies in bits and, where the manifest says so, in block RAMs."""
    memories = manifest["memory"]
    counted = [row.get("block_rams", {}) for row in memories]
    families = [family for family in (counted[0] if counted else {}) if all(family in row for row in counted)]
    taken = [[row["bits"], *(row["block_rams"][family] for family in families)] for row in memories]
    rows = [
        [row["name"], f"{row['copies']}", f"{row['depth']:,} x {row['width']}", *(f"{count:,}" for count in counts)]
        for row, counts in zip(memories, taken, strict=True)
    ]
    head = ["memory", "copies", "words x bits\nof each", "bits\nin all", *(f"block RAMs\n{name}" for name in families)]
    return head, rows, ["total", "", "", *(f"{sum(column):,}" for column in zip(*taken, strict=True))]
