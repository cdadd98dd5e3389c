"""Memories as synthesis sees them: bits that are the same in all words of a table are no memory."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import reduce
from operator import and_, or_

from emcc.eie.blockram import WALKED, WALKED_BITS
from emcc.eie.groups.memory import core_memories
from emcc.eie.groups.tables import Context, packed, rows
from emcc.eie.memory import Memory


def memories(context: Context) -> tuple[Memory, ...]:
    """Return the memories of a design; tables of passes and of functions as wide as they have bits that vary.

    Pointers, entries and biases are as they are: what keeps Yosys from dropping their bits is in emcc_rom. So are
    functions' where memories are apart, for then they are placed with noise.
    """
    return tuple(_narrow(one, context) for one in core_memories(context))


def varying(words: Iterable[int]) -> int:
    """Return how many bits are not the same in all words."""
    found = list(words)
    return (reduce(or_, found) & ~reduce(and_, found)).bit_count()


def _narrow(memory: Memory, context: Context) -> Memory:
    if memory.apart or (memory.name in WALKED and memory.depth * memory.width > WALKED_BITS):
        return memory
    if memory.name in context.tables:
        words: Sequence[int] = [
            packed(context, context.tables[memory.name], row) for row in rows(context.plan)[memory.name]
        ]
    elif memory.name in ("coarse", "fine"):
        # One word more, of ones, where that takes no other bit of address.
        full = (1 << memory.width) - 1
        values = [int(value) & full for table in context.program.tables for value in getattr(table, memory.name)]
        words = [*values, full] if memory.words > memory.depth else values
    else:
        return memory
    return replace(memory, width=varying(words))
