"""What a design's LUTs and flip-flops are in proportion to, a table a part of the design; `model.py` has the factors.

A quantity is a count or bits of the emitted design, of all copies of the part together: "sum", say, is the bits of a
sum, once a PE. Quantities are of the RTL: why each is there says the line behind it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from emcc.eie.blockram import FAMILIES, Family, blocks, rows
from emcc.eie.cells.varying import memories
from emcc.eie.groups.memory import STREAMED
from emcc.eie.groups.sizes import WEIGHT_W
from emcc.eie.groups.tables import TABLES, Context, width
from emcc.eie.memory import Memory

Quantities = Mapping[str, float]
PARTS = ("pe", "lane", "group", "memory", "rest", "added")
"""PEs; drains; scans; memories of constants and of activations; control, host and link; what nextpnr adds."""

_OWN = (*STREAMED, "activations")

_COUNTED = 8
"""Lanes that a scan counts, and chooses among, at once."""


@dataclass(frozen=True)
class Made:
    """A design whose cells are counted.

    Attributes:
        n: the numbers of emcc_cfg_pkg. memories: every memory, by name. family: its name. words: as for
            `blockram.blocks`.
    """

    n: Mapping[str, int]
    memories: Mapping[str, Memory]
    context: Context
    family: str
    words: int | None = None

    @classmethod
    def of(cls, context: Context, family: str, words: int | None = None) -> "Made":
        """Return the design of a context on a family."""
        return cls(context.numbers, {one.name: one for one in memories(context)}, context, family, words)

    @property
    def how(self) -> Family:
        """How the family maps memories."""
        return FAMILIES[self.family]

    def blocks(self, memory: Memory) -> int:
        """Return the block RAMs of one copy."""
        return blocks(memory, self.family, self.words)

    def in_logic(self, *names: str) -> float:
        """Return bits over 16, at least one a bit of a word, of those memories that no block holds: LUTs of a ROM."""
        rows_of = (row for row in self._named(names) if row.kind in ("rom", "table") and not self.blocks(row))
        return float(sum(_rom(row) * row.copies for row in rows_of))

    def lut_rams(self, *names: str) -> float:
        """Return RAMs of 16 x 4 bits that those memories are made of, where they are made of LUTs."""
        return float(sum(-(-row.depth // 16) * -(-row.width // 4) * row.copies for row in self._luts(names)))

    def deep(self, *names: str) -> float:
        """Return bits that are chosen among RAMs of 16 words one behind another."""
        return float(sum((-(-row.depth // 16) - 1) * row.width * row.copies for row in self._luts(names)))

    def _luts(self, names: Sequence[str]) -> list[Memory]:
        rams = (row for row in self._named(names) if row.kind in ("ram", "fifo"))
        return [row for row in rams if self.how.lut_ram and not self.blocks(row)]

    def _named(self, names: Sequence[str]) -> list[Memory]:
        return [self.memories[name] for name in names if name in self.memories]


def lut_rams(context: Context, family: str, words: int | None = None) -> int:
    """Return the RAMs of 16 x 4 bits that a design makes of LUTs."""
    made = Made.of(context, family, words)
    return int(
        made.lut_rams(
            "activation queue", "accumulators", "word queue", "word count", "word data", "activations", *STREAMED
        )
    )


def quantities(context: Context, family: str, words: int | None = None) -> Mapping[str, Quantities]:
    """Return what each part of PARTS is in proportion to."""
    made = Made.of(context, family, words)
    return {
        "pe": _pe(made),
        "lane": _lane(made),
        "group": _group(made),
        "memory": _memory(made),
        "rest": _rest(made),
        "added": _added(made),
    }


def _times(count: int, each: Quantities) -> Quantities:
    return {name: count * value for name, value in each.items()}


def _pe(made: Made) -> Quantities:
    n = made.n
    block, queue = made.blocks(made.memories["accumulators"]) > 0, made.memories["activation queue"]
    each = {
        "one": 1,
        "sum": n["AccW"],  # adder, operands, what drains
        "sum_in_block": n["AccW"] * block,  # younger sums are forwarded
        "queue_in_block": queue.width * (made.blocks(queue) > 0),  # what is written goes round it
        "activation": n["ActW"],
        "own": n["ActW"] * n["HasLocal"],  # its own lane's, or what is broadcast
        "largest": n["ActW"] * n["HasMax"] + n["AccW"] * n["HasMax"],  # a comparison, and another value
        "row": n["RowW"],
        "column": n["StartW"] + n["CountW"],  # address and entries left
        "entry": n["EntryW"] * (n["CodeWidths"].bit_count() - 1),  # where code and run part
        "direct": WEIGHT_W * n["HasDirect"] * max(n["HasIdent"], n["HasBook"]),  # another weight
        "factor": n["ActW"] * n["HasLoad"],
        "book_address": n["BookAddrW"] * n["HasBook"],  # a code and where its codebook begins
        "code": WEIGHT_W * n["HasIdent"] * n["HasBook"],  # the code is the weight, or the codebook's entry
        "code_widths": WEIGHT_W * max(0, n["IdentWidths"].bit_count() - 1),
    }
    return {
        **_times(n["Pes"], each),
        "book": made.in_logic("codebook"),
        "lut_ram": made.lut_rams("activation queue", "accumulators"),
        "deep": made.deep("activation queue", "accumulators"),
    }


def _lane(made: Made) -> Quantities:
    n = made.n
    each = {
        "one": 1,
        "sum": n["AccW"],  # bias, saturation
        "tree": n["AccW"] * (n["Groups"] - 1),
        "shift": n["ActW"] * ((1 << n["ShiftW"]) - 2),  # each bit is chosen among those that shifts reach
        "stage": n["ActW"] * (n["ShiftW"] - 1),
        "activation": n["ActW"],
        "scale": n["HasScale"],
        "scaled_sum": n["AccW"] * n["HasScale"],
        "table": n["ActW"] * n["HasTable"],
    }
    return {**_times(n["Lanes"], each), "function": made.in_logic("coarse", "fine")}


def _group(made: Made) -> Quantities:
    n = made.n
    eights = -(-n["Lanes"] // _COUNTED)
    each = {
        "one": 1,
        "column": n["InfoW"],
        "row": n["RowW"],
        "lane": n["Lanes"],  # flags, pending, counts
        "activation": n["Lanes"] * n["ActW"],  # is it 0; and the one that is chosen
        "eight": eights * n["ActW"],
        "own": n["Lanes"] * n["ActW"] * n["HasLocal"],
    }
    return {**_times(n["Groups"], each), "lut_ram": made.lut_rams("word queue", "word count", "word data")}


def _memory(made: Made) -> Quantities:
    n, own = made.n, [made.memories[name] for name in _OWN if name in made.memories]
    block = [row for row in own if made.blocks(row)]
    rams = ("activations", *STREAMED)
    return {
        "constant": made.in_logic(*STREAMED),
        "beside": float(sum((rows(row, made.family) - 1) * row.width * row.copies for row in block)),
        "lut_ram": made.lut_rams(*rams),
        "deep": made.deep(*rams),
        "activation": n["Pes"] * n["ActW"],
    }


def _rest(made: Made) -> Quantities:
    n = made.n
    return {
        "one": 1,  # link, serial port, PLL, states
        "address": n["AddrW"],
        "place": n["CoordW"] + n["PosW"],
        # Of a pass, a tap, a row of the host
        "field": sum(width(made.context, fields) for fields in made.context.tables.values()),
        "tables": made.in_logic(*TABLES),
        "pe": n["Pes"],
        "shown": n["Pes"] * n["ActW"],  # what the host reads
        "lane": n["Lanes"],
    }


def _added(made: Made) -> Quantities:
    n = made.n
    return {
        "one": 1,
        "pe": n["Pes"],
        "pe_largest": n["Pes"] * n["HasMax"],
        "lane": n["Lanes"],
        "tree": n["Lanes"] * (n["Groups"] - 1),
        "scale": n["Lanes"] * n["HasScale"],
    }


def _rom(memory: Memory) -> float:
    return memory.width * max(1.0, memory.depth / 16)
