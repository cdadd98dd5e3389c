"""The cycle count of the array of column groups, exactly: the walk, the groups' queues and the drain by cycles, the PEs by
events.

PE p's i-th entry, with c products, leaves its queue at pop[i] = max(seen[i], pop[i-1] + c[i-1]); a queue is near full in
cycle t if of the n entries seen by then number n - limit has not left: pop[n - limit] >= t.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from emcc.base.jit import compiled
from emcc.eie.groups import timing
from emcc.eie.groups.plan import Pass, Plan
from emcc.eie.groups.schedule import plan as planned
from emcc.eie.groups.where import Where, slots, where
from emcc.eie.reference import Memory
from emcc.ir.graph import Array
from emcc.ir.program import Program


@dataclass(frozen=True)
class Cycles:
    """Counts of a batch of n inferences.

    Attributes:
        total: int64 [n], cycles of all runs: each from its start, with the input in its buffer, to its last write.
        pass_done: int64 [n, passes], the cycle of each pass's last write, counted over all runs.
        broadcasts: int64 [n], emissions of all groups.
        stalls: int64 [n], cycles in which a group waited for a PE's queue, over all groups.
        products: int64 [n], entries processed by all PEs, padding zeros included.
    """

    total: Array
    pass_done: Array
    broadcasts: Array
    stalls: Array
    products: Array


def count(program: Program, inputs: Mapping[str, Array], plan: Plan | None = None) -> Cycles:
    """Return all counts of a batch.

    Args:
        inputs: integers [n, elements] by the input's name, the quantised inputs in the model's order.
        plan: of the program, where it is there already.
    """
    plan = plan or planned(program)
    memory = Memory(program, len(next(iter(inputs.values()))))
    for port in program.inputs:
        memory.write(port, np.asarray(inputs[port.name], np.int64))
    model = _Model(program, plan, len(next(iter(inputs.values()))))
    for port in program.inputs:
        model.written(port.buffer, memory)
    steps = memory.steps()
    for index, step in enumerate(program.steps):
        for part in program.parts:
            if part.before == index:
                pass
        next(steps)
        raise NotImplementedError(step)
    return model.result()
