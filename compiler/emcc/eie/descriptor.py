"""The descriptor: what the array reads of a step, as one table of fields.

The ROM image, `emcc_desc_pkg.sv`, the manifest's table and the one in docs/architecture.md are made of it.
"""

from collections.abc import Callable
from dataclasses import dataclass

from emcc.eie.layout import Layout


@dataclass(frozen=True)
class Field:
    """One field.

    Attributes:
        name: in the package as NameAt and NameW.
        width: its bits in an array's descriptors.
        value: of the step of that index, below 2**width.
        kinds: the kinds of steps that set it.
        doc: what it says.
    """

    name: str
    width: Callable[[Layout], int]
    value: Callable[[Layout, int], int]
    kinds: tuple[str, ...]
    doc: str


def _field(
    name: str, width: str | int, value: Callable[[Layout, int], int], doc: str, kinds: tuple[str, ...] = ("broadcast",)
) -> Field:
    """A field whose width is a property of Layout, or a number."""
    return Field(name, lambda layout: width if isinstance(width, int) else getattr(layout, width), value, kinds, doc)


def _place(name: str) -> Callable[[Layout, int], int]:
    return lambda layout, i: int(getattr(layout.placements[i], name))


FIELDS = (
    _field("in_words", "word_bits", _place("in_words"), "words of the source"),
    _field("in_last", "lane_count_bits", _place("in_last"), "lanes in use in the source's last word"),
    _field("src_base", "act_addr_bits", _place("src_base"), "where the source begins in the activation RAM"),
    _field("out_words", "word_bits", _place("out_words"), "words of the result"),
    _field("out_last", "lane_count_bits", _place("out_last"), "lanes in use in the result's last word"),
    _field("dst_base", "act_addr_bits", _place("dst_base"), "where the result begins in the activation RAM"),
    _field("col_base", "col_bits", _place("col_base"), "the first column in the pointer ROMs"),
    _field("bias_base", "bias_addr_bits", _place("bias_base"), "the first row in the bias ROMs"),
    _field("book_base", "book_addr_bits", _place("book_base"), "the codebook's first entry, a multiple of 2**code_w"),
    _field("code_sel", 2, _place("code_sel"), "log2 of the code width"),
    _field("shift", "shift_bits", lambda layout, i: layout.shift(i), "what requantising shifts by beyond ShiftMin"),
    _field("relu", 1, lambda layout, i: int(layout.program.layers[i].function == "relu"), "whether max(z, 0) follows"),
    _field("table", 1, lambda layout, i: int(layout.program.layers[i].table >= 0), "whether a function table follows"),
    _field("coarse_base", "coarse_addr_bits", lambda layout, i: layout.table_base(i, layout.coarse_size),
           "the function's first entry in the coarse ROM"),
    _field("fine_base", "fine_addr_bits", lambda layout, i: layout.table_base(i, layout.fine_size),
           "the function's first entry in the fine ROM"),
)  # fmt: skip
"""From the low end of the descriptor on."""


@dataclass(frozen=True)
class Place:
    """A field in an array's descriptors: its lowest bit, and its bits."""

    field: Field
    at: int
    width: int


def places(layout: Layout) -> list[Place]:
    """Return where the fields of an array's descriptors lie."""
    result, at = [], 0
    for field in FIELDS:
        width = field.width(layout)
        result.append(Place(field, at, width))
        at += width
    return result


def width(layout: Layout) -> int:
    """Return the bits of a descriptor."""
    return sum(field.width(layout) for field in FIELDS)


def values(layout: Layout, index: int) -> dict[str, int]:
    """Return a step's fields by name. ValueError where one does not fit its bits."""
    result = {}
    for field in FIELDS:
        value = field.value(layout, index)
        if value >> field.width(layout):
            raise ValueError(f"step {index}: {field.name} = {value} does not fit {field.width(layout)} bits")
        result[field.name] = value
    return result


def packed(layout: Layout, index: int) -> int:
    """Return a step's descriptor."""
    fields = values(layout, index)
    return sum(fields[place.field.name] << place.at for place in places(layout))


def table() -> list[str]:
    """Return the table of docs/architecture.md, a line each."""
    rows = [f"| `{field.name}` | {', '.join(field.kinds)} | {field.doc} |" for field in FIELDS]
    return ["| field | set by | says |", "| --- | --- | --- |", *rows]
