"""The memory of activations as flags, not zero or zero, for the cycle model."""

import numpy as np

from emcc.eie.groups.plan import Pass, Plan
from emcc.eie.groups.where import slots, where
from emcc.ir.graph import Array
from emcc.ir.program import Program


class Image:
    """What is not zero, of a batch: `flags`, bool [n, words, pes]."""

    def __init__(self, program: Program, plan: Plan, n: int) -> None:
        self.program, self._bases = program, dict(plan.bases)
        self.flags = np.zeros((n, plan.act_words, program.pes), np.bool_)

    def put(self, buffer: int, values: Array) -> None:
        """Put a buffer's values where they lie: int64 [n, positions, slots]. Places without a slot are 0."""
        program, at = self.program, where(self.program, buffer)
        places = slots(at.words, program.lanes, program.groups).transpose(1, 0, 2).reshape(at.words, program.pes)
        there = places < at.slots
        held = (values != 0)[:, :, np.where(there, places, 0)] & there
        first = self._bases[at.root] + at.first
        for word in range(at.words):
            last = first + word + at.pitch * (values.shape[1] - 1)
            self.flags[:, first + word : last + 1 : at.pitch] = held[:, :, word]

    def copy(self, row: Pass) -> None:
        """Do what a pass does that copies its source."""
        y, x, word = np.ogrid[: row.height, : row.width, : row.words]
        source = row.a.base + row.taps[0].offset + y * row.a.row + x * row.a.x + word
        self.flags[:, row.dst + y * row.dst_row + x * row.dst_x + word] = self.flags[:, source]
