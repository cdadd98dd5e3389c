"""A memory of the array: what the report, the manifest and counts of block RAM are made of."""

from dataclasses import dataclass

LARGE_ROM = 4096
"""Bits above which a ROM is block RAM; emcc_rom's own."""


@dataclass(frozen=True)
class Memory:
    """A memory of the array, as often as it is there.

    Attributes:
        name: of it in the report; of a ROM's file without its PE and suffix.
        kind: "rom", "table" (a ROM of rows, as it stands in the RTL), "ram" (one write, one registered read), "spram"
            (one port, in memories of iCE40 UP that a bitstream cannot fill) or "fifo" (read without a register).
        depth, width: words, and bits a word.
        copies: how many there are: one a PE, two, or one.
        content: of a ROM: "pe" or "lane" (an image each) or "shared" (one image in all copies); "" in others.
        apart: whether it is block RAM however small, for a board's bitstream that is to be updated.
    """

    name: str
    kind: str
    depth: int
    width: int
    copies: int
    content: str = ""
    apart: bool = False

    @property
    def large(self) -> bool:
        """Whether it is a ROM that emcc_rom asks block RAM for."""
        return self.kind == "rom" and self.width * self.depth > LARGE_ROM

    @property
    def in_block(self) -> bool:
        """Whether block RAM is asked for it."""
        return self.large or self.apart

    @property
    def words(self) -> int:
        """Words that the RTL declares: a large ROM has one more, unless that took another bit of address."""
        return self.depth + (self.large and self.depth & (self.depth - 1) != 0)

    @property
    def bits(self) -> int:
        """Bits of all copies."""
        return self.depth * self.width * self.copies
