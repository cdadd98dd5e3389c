"""Lint's designs of column groups as Programs and Plans, and inputs for them."""

import numpy as np

from emcc.eie.groups.plan import Plan
from emcc.eie.groups.schedule import plan as planned
from emcc.ir.graph import Array
from emcc.ir.program import Program
from emcc.lint.grouped import GROUPED


def specimen(name: str) -> tuple[Program, Plan]:
    """A specimen of lint's."""
    program = GROUPED[name].program()
    return program, planned(program)


def patterned(program: Program, seed: int = 0) -> dict[str, Array]:
    """For each input five samples: nothing, everything at both ends, a tenth, and two of a half of the elements."""
    rng, result = np.random.default_rng(seed), {}
    for port in program.inputs:
        fmt = program.buffers[port.buffer].fmt
        x = rng.integers(fmt.low, fmt.high, (5, int(np.prod(port.shape))), endpoint=True)
        x[1] = rng.choice([fmt.low, fmt.high], x[1].shape)
        kept = rng.random(x.shape) < np.array([0.0, 1.0, 0.1, 0.5, 0.5])[:, None]
        result[port.name] = x * kept
    return result
