"""Weights outside the chip, `--weights external`: one array of words of 32 bits, a call's after the other's."""

from collections.abc import Mapping

import numpy as np

from emcc.backends.hls.calls import Fetch

BITS: Mapping[str, int] = {"bytes": 8, "codes": 8, "words": 16, "runs": 8, "starts": 32}
"""The arrays that come from outside, and the bits of an element there; the first one is in a word's lowest bits."""


class External:
    """What comes from outside.

    Attributes:
        words: uint32 values, packed. sizes: elements of each array on the chip, whole words of them.
    """

    def __init__(self) -> None:
        self.words: list[int] = []
        self.sizes = {name: 32 // bits for name, bits in BITS.items()}

    def put(self, arrays: Mapping[str, list[int]]) -> tuple[Fetch, ...]:
        """Pack a call's arrays; return where they are."""
        fetches = []
        for name, bits in BITS.items():
            if values := arrays[name]:
                packed = _packed(values, bits)
                fetches.append(Fetch(name, len(self.words), len(packed)))
                self.words += packed
                self.sizes[name] = max(self.sizes[name], len(packed) * (32 // bits))
        return tuple(fetches)

    @property
    def file(self) -> bytes:
        """The words, the lowest byte of each first."""
        return np.array(self.words, "<u4").tobytes()


def _packed(values: list[int], bits: int) -> list[int]:
    """Return integers as words of 32 bits."""
    padded = values + [0] * (-len(values) % (32 // bits))
    found: list[int] = np.array(padded).astype(f"<i{bits // 8}" if bits < 32 else "<u4").view("<u4").tolist()
    return found
