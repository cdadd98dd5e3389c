"""Quantised graph -> Program."""

from collections.abc import Mapping
from dataclasses import replace

from emcc.base.errors import EmccError
from emcc.eie.bounds import accumulators
from emcc.eie.draft import Draft
from emcc.eie.next_input import require
from emcc.eie.options import LowerOptions
from emcc.ir.graph import Array, Graph
from emcc.ir.program import MAX_ACC_W, Program


def lower(graph: Graph, options: LowerOptions | None = None, activity: Mapping[str, Array] | None = None) -> Program:
    """Deal the network to PEs.

    Args:
        graph: as the quantise pass leaves it.
        options: the recipe's [lower] section.
        activity: how often inputs are not zero, as `eie.activity` measures it; for balance "activity", which counts
            entries where this is None.

    Raises:
        EmccError: the accumulator of a step would need more than MAX_ACC_W bits, the groups do not divide the PEs, or
            there are no steps, or the next input cannot come while this one runs though it should.
    """
    options = options or LowerOptions()
    options.require_groups()
    draft = Draft(graph, options, activity or {})
    for node in graph.nodes:
        draft.add(node)
    program = draft.build()
    if not program.steps:
        message = "nothing of the model runs on the array: its operators are moves, or the host's"
        raise EmccError(message, hint="compile the part that has layers, pools or sums of tensors: --output NAME")
    require(program)
    width = program.act_w + 1
    for step, bits in accumulators(program):
        if bits > MAX_ACC_W:
            raise EmccError(
                f"the accumulator would need {bits} bits, more than the {MAX_ACC_W} that the array has",
                node=step.name,
                hint="scale the model's weights or biases, or use 8-bit activations ([calibrate] bits = 8)",
            )
        width = max(width, bits)
    return replace(program, acc_w=width)
