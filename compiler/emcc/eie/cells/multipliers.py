"""Hard multipliers that a design takes on a family of parts: how Yosys maps the products of the RTL."""

from collections.abc import Mapping
from dataclasses import dataclass

from emcc.eie.groups.sizes import WEIGHT_W

_LOW_W = 17
"""Bits of a sum that emcc_sum multiplies at once, unsigned."""


@dataclass(frozen=True)
class Kind:
    """A family's multiplier: the widest operand, and the narrowest that Yosys puts into one."""

    widest: int
    narrowest: int


KINDS: Mapping[str, Kind] = {"ecp5": Kind(18, 2), "gowin": Kind(18, 4), "ice40": Kind(16, 2), "xilinx": Kind(25, 2)}


def multipliers(numbers: Mapping[str, int], family: str) -> int:
    """Return the multipliers of a design with those numbers: one a PE, and those of the lanes where sums are scaled."""
    kind = KINDS[family]
    pes = numbers["Pes"] * taken(kind, numbers["ActW"], WEIGHT_W)
    if not numbers["HasScale"]:
        return pes
    low = _LOW_W if numbers["AccW"] > _LOW_W + 1 else numbers["AccW"] - 1
    high = numbers["AccW"] - low
    return pes + numbers["Lanes"] * (taken(kind, low + 1, WEIGHT_W) + taken(kind, high, WEIGHT_W))


def taken(kind: Kind, left: int, right: int) -> int:
    """Return the multipliers of one product: an operand that is too wide is cut, and a narrow rest left to logic."""
    if min(left, right) < kind.narrowest:
        return 0
    if left > kind.widest:
        return taken(kind, kind.widest, right) + taken(kind, left - kind.widest, right)
    return 1 if right <= kind.widest else taken(kind, right, left)
