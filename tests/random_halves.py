"""Programs whose layers of one position are drained in halves that are drawn: any that are legal."""

import numpy as np
from qgraphs import inputs, quantised

from emcc.eie.groups.halves import eligible, unit, with_half
from emcc.ir.graph import Array, Graph
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


def chain(seed: int) -> tuple[Graph, dict[str, Array]]:
    """(Layers of a few to a hundred rows, three inputs [3, n]) of a seed: what can be halved."""
    rng = np.random.default_rng(seed)
    sizes = rng.integers(4, 100, rng.integers(2, 6)).tolist()
    how = {
        "functions": rng.choice(["relu", "relu", "identity", "table"], len(sizes) - 1).tolist(),
        "code_w": rng.choice([2, 4, 8], len(sizes) - 1).tolist(),
        "act_w": int(rng.choice([8, 16])),
        "density": float(rng.choice([0.05, 0.3, 0.8])),
    }
    high = 100 if how["act_w"] == 8 else 2000
    x = inputs(3, sizes[0], density=float(rng.choice([0.1, 0.5, 1.0])), seed=seed, high=high)
    return quantised(sizes, seed=seed, **how), {"x": x}
