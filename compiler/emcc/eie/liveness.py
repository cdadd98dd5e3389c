"""Where buffers lie in one memory: two share words where one is dead before the other is written."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Life:
    """A buffer's words, the step that writes it (-1: an input), and the last one that reads it; both included."""

    words: int
    written: int
    read: int

    def meets(self, other: "Life") -> bool:
        """Whether both live in one step."""
        return self.written <= other.read and other.written <= self.read


def allocate(lives: Sequence[Life]) -> tuple[list[int], int]:
    """Return (the base of each buffer, the depth of the memory).

    A chain, in which each buffer meets the ones before and after it alone, lies at either end in turn, which is the
    least: the two largest neighbours. Else first fit, the largest first (of equal ones the earliest): Sekiyama et al.,
    "Profile-guided memory optimization for deep neural networks", 2018. A step's result never overlaps its source: both
    live in that step.
    """
    chained = all(not a.meets(b) for i, a in enumerate(lives) for b in lives[i + 2 :])
    bases = _ends(lives) if chained else _first_fit(lives)
    return bases, max(base + life.words for base, life in zip(bases, lives, strict=True))


def _ends(lives: Sequence[Life]) -> list[int]:
    words = [life.words for life in lives]
    depth = max(a + b for a, b in zip(words, [*words[1:], 0], strict=True))
    return [0 if i % 2 == 0 else depth - size for i, size in enumerate(words)]


def _first_fit(lives: Sequence[Life]) -> list[int]:
    bases = [0] * len(lives)
    placed: list[int] = []
    for index in sorted(range(len(lives)), key=lambda i: (-lives[i].words, i)):
        own, base = lives[index], 0
        for other in sorted((i for i in placed if own.meets(lives[i])), key=lambda i: bases[i]):
            if base + own.words <= bases[other]:
                break
            base = max(base, bases[other] + lives[other].words)
        bases[index] = base
        placed.append(index)
    return bases
