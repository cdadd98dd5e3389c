"""Block RAMs that a design takes on a family of parts, from its table of memories: how Yosys maps them.

Yosys's memory_libmap weighs what a memory costs as block RAM, as RAM made of LUTs, and as logic, and takes the cheapest
that its style allows; the costs are those of the families' libraries. `benchmarks/block_rams.py` holds the counts
against what nextpnr packs: they are equal.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from emcc.eie.memory import Memory

_LUT_RAM_COST = 4
_LUT_RAM = (16, 4)
"""Words and bits of a RAM made of LUTs."""

WALKED, WALKED_BITS = ("walk", "tap"), 16384
"""Tables that are made of LUTs up to so many bits: emcc_walk's own."""

_ROM_BITS_A_UNIT = 16
"""A bit of a ROM in logic costs 1/16, one of a RAM 1."""

_MUX = 0.5
"""What memory_libmap counts for a bit that is chosen among two, and for an enable."""

ROMS = ("rom", "table")
"""Kinds of memories that nothing writes."""


@dataclass(frozen=True)
class Family:
    """How a family's memories are mapped.

    Attributes:
        shapes: (words, bits) that a block RAM can be; cost: of one.
        lut_ram: whether LUTs can be RAM.
        byte: bits of a block's word that are written together, where it is wider.
        lut_words: what emcc_top's SumLutWords may be, ascending: accumulators and activations of up to so many words
            are made of LUTs, deeper ones of blocks; 0 leaves it to Yosys. The first is taken where nothing is said.
    """

    shapes: tuple[tuple[int, int], ...]
    cost: int
    byte: int
    lut_ram: bool
    lut_words: tuple[int, ...]


_16K = ((16384, 1), (8192, 2), (4096, 4), (2048, 9), (1024, 18), (512, 36))
FAMILIES: Mapping[str, Family] = {
    "ecp5": Family(_16K, 128, 9, True, (16, 32, 64, 128)),
    "gowin": Family(_16K, 128, 9, True, (64, 128)),
    "ice40": Family(((2048, 2), (1024, 4), (512, 8), (256, 16)), 64, 1, False, (0,)),
}


def block_rams(memories: Iterable[Memory], family: str, words: int | None = None) -> int:
    """Return the block RAMs of all memories together; `words` as for `blocks`."""
    return sum(blocks(memory, family, words) * memory.copies for memory in memories)


def enough_words(memories: Iterable[Memory], family: str, most: int) -> int:
    """Return the smallest of a family's `lut_words` with at most `most` block RAMs, else the one with fewest."""
    rows = list(memories)
    over = {words: max(0, block_rams(rows, family, words) - most) for words in FAMILIES[family].lut_words}
    return min(over, key=lambda words: (over[words], words))


def blocks(memory: Memory, family: str, words: int | None = None) -> int:
    """Return the block RAMs of one copy; 0 where it is made of LUTs, registers or logic.

    `words` is one of the family's `lut_words`, None the first.
    """
    return blocks_of(memory, FAMILIES[family], words)


def blocks_of(memory: Memory, family: Family, words: int | None = None) -> int:
    """Return the block RAMs of one copy on a family that is described."""
    if memory.kind == "spram":
        return 0
    blocks, _ = _shaped(memory, family)
    most = family.lut_words[0] if words is None else words
    if memory.in_block:
        return blocks
    if memory.name in WALKED:
        return blocks if memory.depth * memory.width > WALKED_BITS else 0
    if memory.kind in ROMS:
        return 0 if memory.depth * memory.width / _ROM_BITS_A_UNIT <= blocks * family.cost else blocks
    if memory.name in ("accumulators", "activations") and most:
        return 0 if memory.depth <= most else blocks
    elsewhere = memory.depth * memory.width
    if family.lut_ram:
        deep, wide = _LUT_RAM
        elsewhere = min(elsewhere, -(-memory.depth // deep) * -(-memory.width // wide) * _LUT_RAM_COST)
    return 0 if elsewhere <= blocks * family.cost else blocks


def sprams(memory: Memory) -> int:
    """Return the single-port RAMs of iCE40 UP, 16,384 words of 16 bits, of one copy; 0 where it is made of none."""
    return -(-memory.depth // 16384) * -(-memory.width // 16) if memory.kind == "spram" else 0


def rows(memory: Memory, family: str) -> int:
    """Return how many words of one copy lie beside each other, for a multiplexer to choose, where it is block RAM."""
    return _shaped(memory, FAMILIES[family])[1]


def _shaped(memory: Memory, family: Family) -> tuple[int, int]:
    """Return (blocks, words beside each other) of the shape that costs least, of equals the deepest one.

    Words beyond a block's depth lie beside the first ones, in a wider word with a multiplexer behind, which counts
    too. Where they are written each of them has bytes of its own, and an enable.
    """

    def cost(shape: tuple[int, int]) -> float:
        blocks, beside = shape
        written = beside * (beside > 1 and memory.kind not in ROMS)
        return blocks * family.cost + _MUX * ((beside - 1) * memory.width + written)

    shapes = ((-(-memory.words // words), width) for words, width in family.shapes)
    return min(
        ((-(-beside * _taken(memory, family, beside, width) // width), beside) for beside, width in shapes), key=cost
    )


def _taken(memory: Memory, family: Family, beside: int, width: int) -> int:
    """Return the bits of a block's word of that width that a memory's word takes."""
    if beside == 1 or memory.kind in ROMS:
        return memory.width
    byte = min(family.byte, width)
    return -(-memory.width // byte) * byte
