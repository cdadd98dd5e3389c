"""What a search may be told: its goal, and how hard it tries."""

import re
from dataclasses import dataclass, fields
from typing import ClassVar

from emcc.base.errors import EmccError
from emcc.base.options import option
from emcc.base.text import printable
from emcc.compress.helpers import Helpers
from emcc.compress.problem import Aim

UNITS = {"": 1, "b": 1, "k": 1000, "kb": 1000, "m": 10**6, "mb": 10**6, "kib": 1024, "mib": 1 << 20}
SCORES = ("auto", "magnitude", "scan", "lamp")
LEVELS = 16
"""Levels that --max-drop tries, about."""

AUGMENT = ("none", "shift", "warp")


def parse_size(text: str) -> int:
    """Bytes: a number, with B, KB, MB (thousands), KiB or MiB behind it, in any case. EmccError otherwise."""
    match = re.fullmatch(r"\s*([0-9]+(?:\.[0-9]*)?)\s*([a-z]*)\s*", text.lower())
    if not match or match[2] not in UNITS or not 1 <= float(match[1]) * UNITS[match[2]] < 1 << 60:
        raise EmccError(f"{printable(text, 60)!r} is not a size", hint="write 20KB, 1.5MB, 64KiB or a number of bytes")
    return int(float(match[1]) * UNITS[match[2]])


@dataclass(frozen=True)
class Goal:
    """When to stop. Exactly one is set.

    Attributes:
        max_drop: percentage points that the quality may lose in 19 cases of 20, see `samples.judge.Score.lost_at_most`.
        target_size: bytes that model.emc may have.
        target_sparsity: share of the weights to remove; exact.
        refuses: whether a drop that cannot be had is an error; else the result is the best there is.
    """

    max_drop: float | None = None
    target_size: int | None = None
    target_sparsity: float | None = None
    refuses: bool = True

    def __post_init__(self) -> None:
        if sum(value is not None for value in (self.max_drop, self.target_size, self.target_sparsity)) != 1:
            raise ValueError("not one goal")

    def check(self, keep_weights: bool) -> None:
        """EmccError where the goal cannot be had without pruning."""
        if keep_weights and self.target_sparsity is not None:
            raise EmccError("--keep-weights leaves the zero pattern as it is", hint="leave out --target-sparsity")


@dataclass(frozen=True)
class Search(Helpers):
    """How a search trains. Every option is in the recipe's [search]; those of Helpers too."""

    epochs: int = option(20, "passes over the data while the sparsity grows", low=1, high=10_000)
    settle: int = option(5, "passes with the zero pattern fixed", low=0, high=10_000)
    code_epochs: int = option(4, "passes in which weights move between codes", low=0, high=10_000)
    shared_epochs: int = option(3, "passes in which only codebooks and biases learn", low=0, high=10_000)
    learning_rate: float = option(2e-3, "of Adam; falls to zero along a cosine", low=0.0, high=1.0)
    shared_learning_rate: float = option(5e-4, "of Adam, once weights are shared", low=0.0, high=1.0)
    batch: int = option(256, "samples a step, at most", low=1, high=1_000_000)
    least_steps: int = option(40, "steps of a pass over small data, at least", low=1, high=1_000_000)
    steps: int = option(
        0, "of training in all, about; 0: what the passes take, or what --minutes allows", low=0, high=10**9
    )
    every: int = option(40, "steps between two choices of the zero pattern or the codes", low=1, high=1_000_000)
    regrow: float = option(0.2, "share of the weights given back where gradients are largest", low=0.0, high=0.9)
    distil: float = option(0.7, "share of the original model's outputs in the aim, beside labels", low=0.0, high=1.0)
    temperature: float = option(2.0, "of distilling", low=0.01, high=1000.0)
    dropout: float = option(0.0, "share of hidden activations that a step leaves out", low=0.0, high=0.9)
    input_dropout: float = option(0.0, "share of input values that a step leaves out", low=0.0, high=0.9)
    augment: str = option("none", "random changes of image inputs: shifts; or shifts and warps", choices=AUGMENT)
    holdout: float = option(0.1, "share of the data that decides and does not train", low=0.001, high=0.9)
    entries: int = option(15, "most entries of a codebook besides zero", low=1, high=255)
    score: str = option("auto", "what makes a weight matter, between layers", choices=SCORES)
    bias_bits: int = option(0, "fraction bits of biases; 0: as few as do no harm", low=0, high=30)
    threads: int = option(1, "processor threads; the last bits of the result depend on it", low=1, high=1024)
    seed: int = option(0, "of the order of the data and of augmentation", low=0, high=2**32 - 1)
    name: ClassVar[str] = "search"

    @property
    def level(self) -> tuple[int, int]:
        """Epochs of a level that --max-drop tries: while sparsity grows, and with the zero pattern fixed."""
        return max(1, self.epochs // 6), max(1, self.settle // 2)

    def passes(self, levels: bool) -> int:
        """Epochs of the whole search; where levels are tried, about as many as it takes."""
        grown = LEVELS * sum(self.level) if levels else self.epochs
        return grown + self.settle + self.code_epochs + self.shared_epochs

    def cap(self, levels: bool) -> int | None:
        """Most steps of an epoch; None: no limit."""
        return max(1, self.steps // self.passes(levels)) if self.steps else None

    @property
    def aim(self) -> Aim:
        """How the problem is set."""
        shared = {field.name: getattr(self, field.name) for field in fields(Aim) if field.name != "scores"}
        return Aim(**shared)
