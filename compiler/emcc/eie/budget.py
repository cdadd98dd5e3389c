"""How much memory a target has, and the error where a design takes more."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from emcc.base.errors import EmccError
from emcc.base.text import printable
from emcc.eie.blockram import FAMILIES, blocks
from emcc.eie.memory import Memory

UNITS = {
    **{"bit": 1, "kbit": 10**3, "mbit": 10**6, "kibit": 1 << 10, "mibit": 1 << 20},
    **{"b": 8, "kb": 8 * 10**3, "mb": 8 * 10**6, "kib": 8 << 10, "mib": 8 << 20},
}
"""Bits of each unit; B are bytes."""

FORM = f"a number of block RAMs and their kind ({', '.join(FAMILIES)}), as 208xecp5, or a size, as 3.7Mbit or 460KB"

_ADVICE = {
    **dict.fromkeys(("spmat", "ptr"), "prune more (--target-sparsity), or take fewer PEs"),
    "codebook": "take fewer bits a code ([share] bits; kept_bits of kept weights), or fewer PEs: each has one",
    **dict.fromkeys(
        ("activations", "non-zero flags"), "take a smaller input, or 8-bit activations ([calibrate] bits = 8)"
    ),
    **dict.fromkeys(("coarse", "fine"), "take fewer PEs, or relu instead of functions that need tables"),
}
"""What makes a memory smaller."""
_ELSE = "take fewer PEs"


@dataclass(frozen=True)
class Budget:
    """What there is: bits in all, or block RAMs of a family.

    Attributes:
        text: as the user wrote it. most: bits, or block RAMs. family: of block RAMs; "" where bits are counted.
    """

    text: str
    most: int
    family: str = ""

    @property
    def unit(self) -> str:
        """What is counted."""
        return f"block RAMs of {self.family}" if self.family else "bits of memory"

    def taken(self, memory: Memory) -> int:
        """Return what all copies of a memory take."""
        return blocks(memory, self.family) * memory.copies if self.family else memory.bits

    def missing(self, memories: Sequence[Memory]) -> int:
        """Return how much more than there is the memories take; 0 where they fit."""
        return max(0, sum(map(self.taken, memories)) - self.most)

    def check(self, memories: Sequence[Memory], design: str) -> None:
        """Raise EmccError, with figures and what to change, where they do not fit. `design` names it in a sentence."""
        if not self.missing(memories):
            return
        most = sorted((row for row in memories if self.taken(row)), key=self.taken, reverse=True)
        raise EmccError(
            f"{design} takes {sum(map(self.taken, memories)):,} {self.unit}, and there are {self.most:,} "
            f"(--memory {printable(self.text)})",
            details=[self._line(row) for row in most],
            hint=f"most goes into {most[0].name}: {advice(most[0])}",
        )

    def _line(self, row: Memory) -> str:
        copies = "" if row.copies == 1 else f"{row.copies} of "
        return f"{row.name}: {self.taken(row):,}, for {copies}{row.depth:,} words of {row.width} bits"


def advice(memory: Memory) -> str:
    """Return what makes a memory smaller, as an imperative."""
    return _ADVICE.get(memory.name, _ELSE)


def budget(text: str) -> Budget | None:
    """Return what a user's `--memory` says, None of ""; EmccError where it says nothing known."""
    if not text:
        return None
    plain = text.strip().lower()
    of = re.fullmatch(r"([0-9]{1,9})\s*x\s*([a-z0-9]+)", plain)
    if of and of[2] in FAMILIES:
        return Budget(text, int(of[1]), of[2])
    size = re.fullmatch(r"([0-9]{1,15}(?:\.[0-9]{0,9})?)\s*([a-z]+)", plain)
    if of or not size or size[2] not in UNITS:
        raise EmccError(f"{printable(text)!r} is no amount of memory", hint=f"write {FORM}")
    return Budget(text, int(float(size[1]) * UNITS[size[2]]))
