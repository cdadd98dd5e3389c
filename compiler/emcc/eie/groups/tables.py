"""What the array reads, as tables of fields: the ROM images, emcc_cfg_pkg.sv and docs/array.md are made of them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from emcc.eie.groups.plan import HostRow, Pass, Plan, Tap
from emcc.eie.groups.sizes import code_sel, function, numbers, shift, taps
from emcc.ir.program import Program


@dataclass(frozen=True)
class Field:
    """One field of a row.

    Attributes:
        name: in the package as TableNameAt and TableNameW.
        width: the name of the number that it has as many bits as, or a number of bits.
        value: from a Context and what the row is of.
        doc: what it says; several fields in turn may share one, which the first has.
        signed: whether it is two's complement; wraps: whether the value counts modulo 2**width, as addresses do.
        splits: whether it is there only where some pass splits.
    """

    name: str
    width: str | int
    value: Callable[["Context", Any], int]
    doc: str = ""
    signed: bool = False
    wraps: bool = False
    splits: bool = False


class Context:
    """A Program and its Plan with what fields are computed from.

    `tables`: TABLES, with the fields that the design has. `updatable`: of a board's bitstream that is to be updated,
    for which every ROM of weights is block RAM. `streamed`: weights come as a boot image, so that their memories are
    RAM; of `spram_bits` or more (0: none) they have one port.
    """

    def __init__(
        self, program: Program, plan: Plan, updatable: bool = False, streamed: bool = False, spram_bits: int = 0
    ) -> None:
        self.program, self.plan, self.updatable = program, plan, updatable
        self.streamed, self.spram_bits = streamed, spram_bits
        self.numbers = numbers(program, plan)
        self.tap_bases = taps(plan)[1]
        self.tables = {
            name: tuple(field for field in fields if plan.splits or not field.splits) for name, fields in TABLES.items()
        }

    def bits(self, field: Field) -> int:
        """Return the bits of a field."""
        return field.width if isinstance(field.width, int) else self.numbers[field.width]

    def table_base(self, row: Pass, name: str) -> int:
        """Return where a pass's function table begins in the memory of "coarse" or of "fine" ones."""
        index = self.program.steps[row.step].table
        return 0 if row.plain or index < 0 else index * getattr(self.program.tables[index], name).size


def _of(name: str, less: int = 0) -> Callable[[Context, Any], int]:
    """Take an attribute of the row, which may be one of an attribute: "a.base"."""

    def value(_: Context, row: Any) -> int:
        for part in name.split("."):
            row = getattr(row, part)
        return int(row) - less

    return value


def _address(name: str, of: str, doc: str = "") -> Field:
    return Field(name, "AddrW", _of(of), doc, wraps=True)


def _coord(name: str, of: str, doc: str = "") -> Field:
    return Field(name, "CoordW", _of(of), doc, signed=True)


WALK = (
    Field("is_local", 1, _of("local"), "how words are used; direct implies local, largest implies direct"),
    Field("direct", 1, _of("direct")),
    Field("largest", 1, _of("largest")),
    Field("code_sel", 3, lambda _, row: code_sel(row), "log2 of the code width (0 to 4)"),
    Field("ident", 1, _of("ident"), "the code is the weight, signed"),
    Field("book_base", "BookAddrW", _of("book"), "the codebook's first entry, a multiple of 2**code_w"),
    Field("dep_a", 1, _of("depends_a"), "the source is what the pass before writes: wait for its words"),
    Field("dep_b", 1, _of("depends_b")),
    Field("stop", 1, _of("stop"), "the run ends when this pass is written"),
    _address("a_base", "a.base",
             "source A: address at output position (0, 0); how far it moves a position, and from a row to the next"),
    _address("a_x", "a.x"),
    _address("a_row", "a.row"),
    _address("b_base", "b.base", "the same of source B"),
    _address("b_x", "b.x"),
    _address("b_row", "b.row"),
    Field("out_w", "PosW", _of("width", 1), "the rectangle, less 1"),
    Field("out_h", "PosW", _of("height", 1)),
    _coord("y0", "y0", "map coordinates; a tap counts where 0 <= y < map_h, 0 <= x < map_w"),
    _coord("x0", "x0"),
    _coord("step_y", "step_y"),
    _coord("step_x", "step_x"),
    _coord("map_h", "map_height"),
    _coord("map_w", "map_width"),
    Field("tap_base", "TapW", lambda context, row: context.tap_bases[row.taps],
          "its rows of the table of taps; their number less 1"),
    Field("taps", "TapW", lambda _, row: len(row.taps) - 1),
    Field("words", "WordsW", _of("words", 1), "words of a position of the source, less 1"),
    Field("lanes", "LanesW", _of("lanes"), "slots in the last word, 1 to N: a lane beyond is not looked at"),
    Field("col_base", "ColW", _of("columns"),
          "broadcast: first column in the pointer memories; local: first address of the dense codes"),
    Field("tile", "TileW", _of("tile", 1), "positions of a tile, less 1"),
    Field("rows", "RowsW", _of("rows"), "K"),
    Field("split", "RowW", _of("split"),
          "where some pass splits: the row from which sums go to the other bank, or 0; the row that it begins at",
          splits=True),
    Field("first", "RowW", _of("first"), splits=True),
)  # fmt: skip

TAPS = (
    Field("sel", 1, _of("sel"), "it reads source B"),
    Field("load", 1, _of("load"), "its activation is kept: the weight of the next tap"),
    _coord("dy", "dy", "map coordinates beside the output position's"),
    _coord("dx", "dx"),
    _address("offset", "offset", "words beside the source's address"),
    Field("weight", "FactorW", _of("weight"), "of direct passes", signed=True),
)

DRAIN = (
    _address("dst", "dst",
             "the target: address at output position (0, 0); how far it moves a position, and from a row to the next"),
    _address("dst_x", "dst_x"),
    _address("dst_row", "dst_row"),
    Field("out_w", "PosW", _of("width", 1), "the rectangle, less 1"),
    Field("out_h", "PosW", _of("height", 1)),
    Field("tile", "TileW", _of("tile", 1), "positions of a tile, less 1"),
    Field("rows", "RowsW", _of("rows", 1), "K, less 1"),
    Field("full", "RowsW", lambda context, row: row.slots // context.plan.lanes,
          "slots in use, div and mod R: rows beyond `full`, and lanes from `lanes` on in row `full`, are written as 0"),
    Field("lanes", "LaneW", lambda context, row: row.slots % context.plan.lanes),
    Field("bias_base", "BiasAddrW", _of("bias"), "first words in the bias and multiplier memories"),
    Field("scale_base", "ScaleAddrW", lambda _, row: max(row.scale, 0)),
    Field("scaled", 1, lambda _, row: row.scale >= 0,
          "sums and bias are multiplied, and half of the last place is added, which else the bias has"),
    Field("shift", "ShiftW", lambda context, row: shift(context.program, row) - context.numbers["ShiftMin"],
          "what requantising shifts by beyond ShiftMin"),
    Field("relu", 1, lambda context, row: function(context.program, row) == "relu", "what follows"),
    Field("has_table", 1, lambda context, row: function(context.program, row) == "table"),
    Field("coarse_base", "CoarseAddrW", lambda context, row: context.table_base(row, "coarse"),
          "the function table's first entries"),
    Field("fine_base", "FineAddrW", lambda context, row: context.table_base(row, "fine")),
    Field("first", "RowW", _of("first"),
          "where some pass splits: the first row; its words can be read while the next pass writes the others",
          splits=True),
    Field("keep", 1, lambda _, row: row.split > 0, splits=True),
)  # fmt: skip

HOST = (
    Field("op", 2, _of("op"), "0 receive, 1 send, 2 run, 3 end: back to the first row"),
    _address("base", "base", "where the buffer lies, and words a position"),
    _address("pitch", "pitch"),
    Field("positions", "PosW", _of("positions", 1), "less 1, both"),
    Field("slots", "SlotW", _of("slots", 1)),
    Field("last", 1, _of("last"), "the inference's last word to send: tlast"),
)

TABLES: Mapping[str, tuple[Field, ...]] = {"walk": WALK, "tap": TAPS, "drain": DRAIN, "host": HOST}
"""By the names that the package has for them."""


def width(context: Context, fields: Sequence[Field]) -> int:
    """Return the bits of a row."""
    return sum(context.bits(field) for field in fields)


def places(context: Context, fields: Sequence[Field]) -> list[tuple[Field, int]]:
    """Return each field with its lowest bit in the word."""
    result, at = [], width(context, fields)
    for field in fields:
        at -= context.bits(field)
        result.append((field, at))
    return result


def packed(context: Context, fields: Sequence[Field], row: Pass | Tap | HostRow) -> int:
    """Return a row as a word, the first field in the highest bits. ValueError where a value does not fit."""
    word = 0
    for field in fields:
        bits, value = context.bits(field), int(field.value(context, row))
        low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if field.signed else (0, (1 << bits) - 1)
        if not field.wraps and not low <= value <= high:
            raise ValueError(f"{field.name} = {value} does not fit {bits} bits")
        word = word << bits | value & ((1 << bits) - 1)
    return word


def unpacked(context: Context, fields: Sequence[Field], word: int) -> dict[str, int]:
    """Return the fields of a word by name."""
    result = {}
    for field in reversed(fields):
        bits = context.bits(field)
        value = word & ((1 << bits) - 1)
        result[field.name] = value - (value >> bits - 1 << bits) if field.signed else value
        word >>= bits
    return result


def rows(plan: Plan) -> Mapping[str, Sequence[Pass | Tap | HostRow]]:
    """Return what the rows of each table are of."""
    return {"walk": plan.passes, "tap": taps(plan)[0], "drain": plan.passes, "host": plan.host}


def documented(fields: Sequence[Field]) -> list[str]:
    """Return the table of docs/array.md, a line each."""
    lines: list[tuple[list[str], str]] = []
    for field in fields:
        if field.doc:
            lines.append(([], field.doc))
        lines[-1][0].append(f"`{field.name}`")
    return ["| field | says |", "| --- | --- |", *(f"| {', '.join(names)} | {doc} |" for names, doc in lines)]
