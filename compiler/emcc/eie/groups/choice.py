"""How many column groups a Program is lowered for, as many as take fewest cycles; and how deep the queues are."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from emcc.eie.options import SHALLOW
from emcc.ir.program import Program

COST = 0.01
"""Share of the cycles that shallow queues may cost: they save a sixth of a PE."""


@dataclass(frozen=True)
class Choice:
    """A Program, and what was tried for it: (groups, cycles) each; nothing where there was no choice.

    `cycles`: what the program takes, where that was counted.
    """

    program: Program
    tried: tuple[tuple[int, float], ...] = ()
    cycles: float | None = None


def choose(
    fitting: Iterable[int],
    lowered: Callable[[int], Program],
    cycles: Callable[[Program], float],
    missing: Callable[[Program], int] = lambda program: 0,
) -> Choice:
    """Lower for each number of groups and keep what takes fewest cycles, of equals what has fewest groups.

    What fits into the target's memory goes first; where nothing does, what comes nearest.

    Args:
        fitting: numbers of groups.
        lowered: gives the Program for a number of groups.
        cycles: says how many an inference takes.
        missing: says how much more memory it takes than there is; 0 where it fits.
    """
    programs = {groups: lowered(groups) for groups in sorted(fitting)}
    tried = {groups: cycles(program) for groups, program in programs.items()}
    best = min(tried, key=lambda groups: (missing(programs[groups]), tried[groups], groups))
    return Choice(programs[best], tuple(tried.items()), tried[best])


def shallow(choice: Choice, cycles: Callable[[Program], float]) -> Choice:
    """Give the Program shallow queues where they cost hardly any cycles.

    Args:
        choice: of a number of groups, as it was chosen or asked for.
        cycles: says how many an inference takes.
    """
    program = replace(choice.program, queue_depth=SHALLOW)
    deep = cycles(choice.program) if choice.cycles is None else choice.cycles
    taken = cycles(program)
    return (
        replace(choice, program=program, cycles=taken) if taken <= (1 + COST) * deep else replace(choice, cycles=deep)
    )
