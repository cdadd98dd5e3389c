"""Every memory of the array: what the ROM images, the RTL's parameters and the report are made of."""

from dataclasses import dataclass

from emcc.eie import descriptor
from emcc.eie.layout import Layout

WORD_QUEUE = 4
"""Words that LNZD's queue holds; emcc_lnzd's own."""

OUTPUT_QUEUE = 16
"""Words that the output's queue holds; emcc_array's default."""

LARGE_ROM = 4096
"""Bits above which a ROM is block RAM; emcc_rom's own."""

_GROUP, _GROUP_BITS = 16, 5
"""Lanes that LNZD counts together, and the bits of such a count; emcc_lnzd's own."""


@dataclass(frozen=True)
class Memory:
    """A memory of the array, as often as it is there.

    Attributes:
        name: of it in the report; of a ROM's file without its PE and suffix.
        kind: "rom", "table" (a ROM of rows, as it stands in the RTL), "ram" (one write, one registered read) or "fifo"
            (read without a register).
        depth, width: words, and bits a word.
        copies: how many there are: one a PE, two, or one.
        content: of a ROM: "pe" or "lane" (an image each) or "shared" (one image in all copies); "" in others.
    """

    name: str
    kind: str
    depth: int
    width: int
    copies: int
    content: str = ""

    @property
    def large(self) -> bool:
        """Whether it is a ROM that emcc_rom asks block RAM for."""
        return self.kind == "rom" and self.width * self.depth > LARGE_ROM

    @property
    def words(self) -> int:
        """Words that the RTL declares: a large ROM has one more, unless that took another bit of address."""
        return self.depth + (self.large and self.depth & (self.depth - 1) != 0)

    @property
    def bits(self) -> int:
        """Bits of all copies."""
        return self.depth * self.width * self.copies


def memories(layout: Layout) -> tuple[Memory, ...]:
    """Return every memory of the array that a Program asks for."""
    return tuple(row for row in table(layout).values() if row.copies)


def table(layout: Layout) -> dict[str, Memory]:
    """Return the memories by name, with those of function tables also where there are none: of one word, no copy."""
    program = layout.program
    pes, act_w = program.pes, program.act_w
    pointer = layout.start_bits + layout.count_bits
    tables = max(1, len(program.tables))
    lane_counts = -(-pes // _GROUP) * _GROUP_BITS
    rows = [
        Memory("layers", "rom", len(program.layers), descriptor.width(layout), 1, "shared"),
        Memory("codebook", "rom", layout.book_depth, 16, pes, "shared"),
        Memory("coarse", "rom", layout.coarse_size * tables, act_w, pes * bool(program.tables), "shared"),
        Memory("fine", "rom", layout.fine_size * tables, act_w, pes * bool(program.tables), "shared"),
        Memory("ptr", "rom", layout.columns, pointer, pes, "pe"),
        Memory("spmat", "rom", layout.spmat_depth, layout.entry_bits, pes, "pe"),
        Memory("bias", "rom", layout.biases, program.acc_w, pes, "pe"),
        Memory("activations", "ram", layout.act_words, pes * act_w, 1),
        Memory("non-zero flags", "ram", layout.act_words, pes, 1),
        Memory("accumulators", "ram", layout.rows, program.acc_w + 1, pes * (2 if program.overlap else 1)),
        Memory("activation queue", "fifo", program.queue_depth, act_w + pointer, pes),
        Memory("word queue", "fifo", WORD_QUEUE, lane_counts + pes + layout.act_addr_bits + layout.col_bits, 1),
        Memory("output queue", "fifo", OUTPUT_QUEUE, pes * act_w, 1),
    ]
    return {row.name: row for row in rows}
