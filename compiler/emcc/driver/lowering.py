"""Lowering, with the choice that it leaves to the cycle model."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from emcc.eie.groups import cycles
from emcc.eie.groups.choice import Choice, choose, shallow
from emcc.eie.groups.schedule import plan
from emcc.eie.groups.transfer import transfer
from emcc.eie.lower import lower
from emcc.eie.options import LowerOptions
from emcc.ir.graph import Array, Graph
from emcc.ir.program import Program
from emcc.samples.sampling import by_input, quantised

COUNTED = 4
"""Samples on which the choices are compared."""


def lowered(graph: Graph, options: LowerOptions, activity: Mapping[str, Array] | None, x: Array) -> Choice:
    """Lower a quantised graph; where the number of groups is open, for the one that takes fewest cycles.

    Where the depth of queues is open as well, they are shallow if that costs hardly any.

    What is counted is running and transfer: with more groups an unrolled input is longer.

    Args:
        x: samples [n, ...] in the model's units, to count cycles on.
        graph, options, activity: see eie.lower.
    """
    if options.groups:
        return Choice(lower(graph, options, activity))

    def count(program: Program) -> float:
        planned = plan(program)
        counts = cycles.count(program, by_input(program, quantised(program, x)), planned)
        return float(np.mean(counts.total)) + transfer(planned)

    choice = choose(options.fitting, lambda groups: lower(graph, replace(options, groups=groups), activity), count)
    return choice if options.queue_depth else shallow(choice, count)
