"""Which steps are drained in two halves, and how: docs/adr/0052.

A layer of one position ends with the drain of its rows, in which nothing is multiplied. A step with `early` rows drains
these while the columns of the last `again` words are walked once more, for the other rows.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache

from emcc.eie.groups.plan import Pass
from emcc.eie.groups.schedule import plan
from emcc.ir.program import Program

WORTH = 0.01
"""Share of the cycles that all halves of a program must save together: what they need costs some LUTs a PE."""

LEAST = 0.002
"""Share of the cycles that a step's drain must have, so that it is tried."""

BETWEEN = 32
"""Cycles from a layer's last product to the next one's first, beside its rows: what a step can save at the most."""

EARLY = (0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875)
AGAIN = (0.03, 0.06, 0.09, 0.125, 0.19, 0.25, 0.375, 0.5, 0.75, 1.0)
"""Shares of a step's rows and words that are tried."""

Half = tuple[int, int]
"""(Step.early, Step.again)."""


def halved(
    program: Program, cycles: Callable[[Program], float], missing: Callable[[Program], int] = lambda program: 0
) -> Program:
    """Return the program with the halves that save cycles; as it is where they save too few, or do not fit.

    Args:
        cycles: says how many an inference takes.
        missing: says how much more memory a program takes than there is; 0 where it fits.
    """
    whole = least = cycles(program)
    made = program
    for index, row in _eligible(program):
        if row.rows + BETWEEN >= LEAST * whole:
            made, least = _best(made, index, row, cycles, least)
    return made if least <= (1 - WORTH) * whole and missing(made) <= missing(program) else program


def _eligible(program: Program) -> Iterator[tuple[int, Pass]]:
    """Yield the steps that can be halved, each with its pass: matrices of one position, of several rows a lane."""
    for row in plan(program).passes:
        step = program.steps[row.step]
        if step.kind == "broadcast" and row.positions == 1 and row.rows > program.groups and not step.early:
            yield row.step, row


def _best(
    program: Program, index: int, row: Pass, cycles: Callable[[Program], float], least: float
) -> tuple[Program, float]:
    """Return (the program with the best halves of a step, its cycles): from one to the best of its neighbours, on."""
    earlies = _of(EARLY, row.rows, program.groups, row.rows - 1)
    agains = _of(AGAIN, len(row.taps) * row.words, 1 if len(row.taps) == 1 else row.words, len(row.taps) * row.words)

    @cache
    def counted(early: int, again: int) -> float:
        return cycles(_with(program, index, (earlies[early], agains[again])))

    at = (len(earlies) // 2, len(agains) // 3)
    while True:
        near = [
            (early, again)
            for early in range(max(0, at[0] - 1), min(len(earlies), at[0] + 2))
            for again in range(max(0, at[1] - 1), min(len(agains), at[1] + 2))
        ]
        # Of equals what walks fewest words again
        best = min(near, key=lambda one: (counted(*one), one[1], one[0]))
        if counted(*best) >= counted(*at):
            break
        at = best
    if counted(*at) >= least:
        return program, least
    return _with(program, index, (earlies[at[0]], agains[at[1]])), counted(*at)


def _of(shares: tuple[float, ...], whole: int, unit: int, most: int) -> list[int]:
    """Return the multiples of `unit` that are nearest to shares of a whole, from one unit to `most`."""
    found = {min(max(1, round(share * whole / unit)) * unit, most // unit * unit) for share in shares}
    return sorted(found)


def _with(program: Program, index: int, half: Half) -> Program:
    step = replace(program.steps[index], early=half[0], again=half[1])
    return replace(program, steps=(*program.steps[:index], step, *program.steps[index + 1 :]))
