"""What a kernel is told, as tables of fields: the structs and their tables in the emitted C are made of them.

A field is as narrow as its values in a model allow.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

STEP: Mapping[str, str] = {
    "source": "where the source begins in mem",
    "pitch": "slots from a position of it to the next",
    "target": "where the target begins, and the same of it",
    "target_pitch": "",
    "in_h": "positions of the source, and of the target",
    "in_w": "",
    "out_h": "",
    "out_w": "",
    "slots": "of a position of the source",
    "rows": "slots of a position of the target",
    "kernel_y": "taps",
    "kernel_x": "",
    "stride_y": "from one output position's taps to the next one's",
    "stride_x": "",
    "step_y": "from a tap to the next",
    "step_x": "",
    "before_y": "the first output position's first tap lies so far before the map",
    "before_x": "",
    "top": "taps so far beyond the map count, where weights are by count",
    "left": "",
    "bottom": "",
    "right": "",
    "joined": "the taps of a row of a window are one run in mem",
    "sources": "how many there are",
    "more": "in emcc_places: (where, pitch) of each but the first",
    "by_slot": "a weight is a slot's",
    "by_count": "a weight is one by how many taps count",
    "form": "of weights: EMCC_BYTE, EMCC_WORD, EMCC_BOOK or EMCC_NIBBLE",
    "weights": "the first in emcc_codes or emcc_words",
    "book": "in emcc_books",
    "starts": "in emcc_starts: the first entry of each column",
    "runs": "in emcc_runs",
    "bias": "in emcc_biases, or -1",
    "scale": "in emcc_scales, or -1",
    "shift": "to the right",
    "function": "EMCC_IDENTITY, EMCC_RELU or EMCC_TABLE",
    "coarse": "in emcc_coarse",
    "fine": "in emcc_fine",
}
"""Of emcc_step: name and what it says; a field without words goes with the one before it."""

PORT: Mapping[str, str] = {
    "base": "where the tensor begins in mem",
    "pitch": "slots from a position to the next",
    "positions": "",
    "slots": "of a position",
    "first": "in x or y",
    "order": "in emcc_orders: the element of each slot, -1 for none; or -1",
    "by_position": "else the element of slot s of position p is p * by_position + s * by_slot",
    "by_slot": "",
}
"""Of emcc_port."""

Row = Mapping[str, int]


@dataclass(frozen=True)
class Typed:
    """A field as C declares it."""

    type: str
    name: str
    doc: str


def typed(fields: Mapping[str, str], rows: Sequence[Row]) -> list[Typed]:
    """Return each field with the narrowest signed type for all rows."""
    return [Typed(signed(row[name] for row in rows), name, doc) for name, doc in fields.items()]


def signed(values: Iterable[int]) -> str:
    """Return the narrowest signed type of 8, 16, 32 or 64 bits that holds all values."""
    held = [0, *values]
    bits = max(max(held).bit_length(), (min(held) + 1).bit_length()) + 1
    return f"int{next(width for width in (8, 16, 32, 64) if bits <= width)}_t"


def unsigned(largest: int) -> str:
    """Return the narrowest unsigned type of 8, 16 or 32 bits that holds 0 to `largest`."""
    return f"uint{next(width for width in (8, 16, 32) if largest < 1 << width)}_t"
