"""Programs whose layers of one position are drained in halves that are drawn: any that are legal."""

import numpy as np

from emcc.eie.groups.halves import eligible, unit, with_half
from emcc.ir.program import Program


def halve(program: Program, seed: int) -> Program:
    """Give most of the steps that can have them any halves; none where the seed is 0."""
    rng = np.random.default_rng(seed)
    for index, row in list(eligible(program)) if seed else ():
        if rng.random() < 0.8:
            early = program.groups * int(rng.integers(1, (row.rows - 1) // program.groups + 1))
            again = unit(row) * int(rng.integers(1, len(row.taps) * row.words // unit(row) + 1))
            program = with_half(program, index, early, again)
    return program
