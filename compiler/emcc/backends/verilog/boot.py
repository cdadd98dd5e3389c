"""The parameters of emcc_boot, as Verilog literals."""

from collections.abc import Mapping, Sequence
from typing import Any

from emcc.backends.rom import BootLayout, flash
from emcc.backends.rom.boot_layout import KINDS


def boot_numbers(layout: BootLayout, numbers: Mapping[str, int]) -> Mapping[str, Any]:
    """Return widths, what is compared, and vectors with a field a kind, by the names of the top's template.

    `numbers` are those of emcc_cfg_pkg.sv.
    """
    first = flash.head(layout)
    kinds = [layout.kind(kind) for kind in KINDS]
    ends = [sum(len(slots) for slots in kinds[: number + 1]) for number in range(len(kinds))]
    return {
        "numbers": {slot.name: number for number, slot in enumerate(layout.slots)},
        "sel_w": max(1, (len(layout.slots) - 1).bit_length()),
        "addr_w": max(numbers[name] for name in ("ColW", "StartW", "BiasAddrW", "ScaleAddrW")),
        "word_w": max(slot.coded for slot in layout.slots),
        "head": f"{8 * len(first)}'h{first[::-1].hex()}",
        "start": f"StartW'({layout.first})",
        "ends": _vector(16, ends),
        "lasts": _vector(24, [slots[0].depth - 1 if slots else 0 for slots in kinds]),
        "digits": _vector(4, [slots[0].digits - 1 if slots else 0 for slots in kinds]),
    }


def _vector(bits: int, fields: Sequence[int]) -> str:
    """Return fields as a concatenation, the first one lowest."""
    return "{" + ", ".join(f"{bits}'d{field}" for field in reversed(fields)) + "}"
