"""Where buffers lie in one memory: two share words where one is dead before the other is written."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Life:
    """A buffer's words, the step that writes it (-1: an input), and the last one that reads it; both included."""

    words: int
    written: int
    read: int


def allocate(lives: Sequence[Life]) -> tuple[list[int], int]:
    """Return (the base of each buffer, the depth of the memory).

    First fit, the largest first (of equal ones the earliest): Sekiyama et al., "Profile-guided memory optimization for
    deep neural networks", 2018. A step's result never overlaps its source, since both live in that step.
    """
    bases = [0] * len(lives)
    placed: list[int] = []
    for index in sorted(range(len(lives)), key=lambda i: (-lives[i].words, i)):
        own, base = lives[index], 0
        overlapping = (i for i in placed if lives[i].written <= own.read and own.written <= lives[i].read)
        for other in sorted(overlapping, key=lambda i: bases[i]):
            if base + own.words <= bases[other]:
                break
            base = max(base, bases[other] + lives[other].words)
        bases[index] = base
        placed.append(index)
    return bases, max(base + life.words for base, life in zip(bases, lives, strict=True))
