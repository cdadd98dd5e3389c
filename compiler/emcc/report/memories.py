"""What each memory of the array takes: bits, and block RAMs of the families that emcc knows."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from emcc.eie.blockram import FAMILIES, blocks
from emcc.eie.memory import Memory

HEAD = ("memory", "copies", "words x bits\nof each", "bits\nin all", *(f"block RAMs\n{name}" for name in FAMILIES))


def memory_rows(manifest: Mapping[str, Any]) -> tuple[list[list[str]], list[str]]:
    """Return (cells of a row a memory, cells of the total), with all copies in bits and block RAMs."""
    own = [field.name for field in fields(Memory)]
    memories = [Memory(**{name: row[name] for name in own}) for row in manifest["memory"]]
    taken = [[row.bits, *(blocks(row, family) * row.copies for family in FAMILIES)] for row in memories]
    rows = [
        [row.name, f"{row.copies}", f"{row.depth:,} x {row.width}", *(f"{count:,}" for count in counts)]
        for row, counts in zip(memories, taken, strict=True)
    ]
    return rows, ["total", "", "", *(f"{sum(column):,}" for column in zip(*taken, strict=True))]
