"""Lowering, with the choice that it leaves to the cycle model."""

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from emcc.base.errors import EmccError
from emcc.base.text import printable
from emcc.driver.emit import memory_of
from emcc.eie.budget import budget
from emcc.eie.groups import cycles
from emcc.eie.groups.choice import Choice, choose, shallow
from emcc.eie.groups.halves import halved
from emcc.eie.groups.schedule import plan
from emcc.eie.groups.transfer import transfer
from emcc.eie.lower import lower
from emcc.eie.options import LowerOptions
from emcc.ir.graph import Array, Graph
from emcc.ir.program import Program
from emcc.samples.sampling import by_input, quantised

COUNTED = 4
"""Samples on which the choices are compared."""


def lowered_to_fit(graph: Graph, options: LowerOptions, activity: Mapping[str, Array] | None, x: Array) -> Choice:
    """Lower as `lowered` does. EmccError where the result takes more memory than the target has."""
    choice = lowered(graph, options, activity, x)
    check_memory(choice.program, options)
    return choice


def check_memory(program: Program, options: LowerOptions) -> None:
    """Raise EmccError where a program takes more memory than the options allow."""
    most = budget(options.memory)
    if not most:
        return
    taken, alone = memory_of(program), replace(program, next_input=False)
    if program.next_input and most.missing(taken) and not most.missing(memory_of(alone)):
        raise EmccError(
            f"a design of {shape(program)} that receives the next input while this one runs takes "
            f"{most.missing(taken):,} {most.unit} more than there are (--memory {printable(options.memory)})",
            hint="without next_input in the recipe's [lower] it fits: its inputs' words are then others' as well",
        )
    most.check(taken, f"a design of {shape(program)}")


def shape(program: Program) -> str:
    """Say how many PEs in how many groups."""
    return f"{program.pes} PE{'s' * (program.pes > 1)}" + (
        f" in {program.groups} column groups" if program.groups > 1 else ""
    )


def lowered(
    graph: Graph,
    options: LowerOptions,
    activity: Mapping[str, Array] | None,
    x: Array,
    short: Callable[[Program], int] = lambda program: 0,
) -> Choice:
    """Lower a quantised graph; where the number of groups is open, for the one that takes fewest cycles.

    Where the depth of queues is open, they are shallow if that costs hardly any. Layers of one position are drained in
    two halves where that saves cycles.

    What is counted is running and transfer: with more groups an unrolled input is longer.

    Args:
        x: samples [n, ...] in the model's units, to count cycles on.
        short: says how much of something else than memory a program lacks; 0 where it fits.
        graph, options, activity: see eie.lower.
    """

    def count(program: Program) -> float:
        return counted(program, x)

    most = budget(options.memory)

    def missing(program: Program) -> int:
        return (most.missing(memory_of(program)) if most else 0) + short(program)

    if options.groups:
        choice = Choice(lower(graph, options, activity))
    else:
        choice = choose(
            options.fitting, lambda groups: lower(graph, replace(options, groups=groups), activity), count, missing
        )
    choice = choice if options.queue_depth else shallow(choice, count)
    return halved(choice, count, missing) if options.halves else choice


def counted(program: Program, x: Array) -> float:
    """Return the mean cycles of samples, running and transfer."""
    planned = plan(program)
    counts = cycles.count(program, by_input(program, quantised(program, x)), planned)
    return float(np.mean(counts.total)) + transfer(planned)
