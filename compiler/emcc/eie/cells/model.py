"""Cells that a design takes on a family, before any synthesis: LUTs and flip-flops by a model, the rest counted.

The factors of the model are in `cells/FAMILY.toml` of the resources, one a quantity of `features.py`. They are fitted
to counts of real synthesis, which `benchmarks/counts` keeps; `benchmarks/resources.py` makes both, and holds the model
against designs that it was not fitted to.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any

from emcc.eie.blockram import block_rams
from emcc.eie.cells.features import PARTS, Quantities, quantities
from emcc.eie.cells.multipliers import multipliers
from emcc.eie.cells.varying import memories
from emcc.eie.groups.tables import Context
from emcc.resources import folder

LINK_BLOCKS = 1
"""Block RAMs of the serial port's link: a memory of frames, 512 bytes."""

BOOT = {"lut": 517, "ff": 478, "bram": 1}
"""What takes a boot image apart and decodes it: LUTs as `benchmarks/huffman_decoder.py` has them placed on ECP5."""

SPLIT = {"lut": 1.1, "ff": 1.6}
"""Cells a PE and bit of a local row where a pass splits: what Yosys has for ECP5 more in two designs."""

KINDS = ("lut", "ff")
Factors = Mapping[str, Mapping[str, Mapping[str, float]]]
"""By kind, part and quantity."""


@dataclass(frozen=True)
class Cells:
    """What a design takes: LUTs and flip-flops as estimated, block RAMs and multipliers as counted."""

    lut: int
    ff: int
    bram: int
    dsp: int

    def to_json(self) -> dict[str, int]:
        """Return it by kind."""
        return asdict(self)


def cells(context: Context, family: str, words: int | None = None) -> Cells:
    """Return what a design takes with the serial port around it, on a family of `blockram.FAMILIES`.

    `words` as for `blockram.blocks`.
    """
    counts = estimate(quantities(context, family, words), factors(family))
    blocks = block_rams(memories(context), family, words) + LINK_BLOCKS
    boot = BOOT if context.streamed else dict.fromkeys(BOOT, 0)
    bits = context.numbers["Pes"] * context.numbers["RowW"] * context.plan.splits
    lut, ff = (counts[kind] + boot[kind] + round(SPLIT[kind] * bits) for kind in KINDS)
    return Cells(lut, ff, blocks + boot["bram"], multipliers(context.numbers, family))


def fitted(family: str) -> bool:
    """Return whether the family's factors are its own; else they are ECP5's in proportion, which is rougher."""
    return bool(_file(family)["fitted"])


def luts_of_pes(context: Context, family: str) -> float:
    """Return the LUTs of the PEs alone."""
    return part(quantities(context, family)["pe"], factors(family)["lut"]["pe"])


def estimate(of: Mapping[str, Quantities], by: Factors) -> dict[str, int]:
    """Return LUTs and flip-flops: every quantity times its factor, of all parts."""
    return {kind: round(sum(part(of[name], by[kind].get(name, {})) for name in PARTS)) for kind in KINDS}


def part(of: Quantities, by: Mapping[str, float]) -> float:
    """Return one part's cells."""
    return sum(value * by.get(name, 0.0) for name, value in of.items())


def factors(family: str) -> Factors:
    """Return a family's factors."""
    return {kind: _file(family)[kind] for kind in KINDS}


@cache
def _file(family: str) -> Mapping[str, Any]:
    return tomllib.loads((folder("cells") / f"{family}.toml").read_text("utf-8"))
