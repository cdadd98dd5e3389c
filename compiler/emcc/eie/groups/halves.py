"""Which steps are drained in two halves, and how: docs/adr/0052.

A layer of one position ends with the drain of its rows, in which nothing is multiplied. A step with `early` rows drains
these while the columns of the last `again` words are walked once more, for the other rows.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache

from emcc.eie.groups.choice import Choice
from emcc.eie.groups.plan import Pass
from emcc.eie.groups.schedule import plan
from emcc.ir.program import Program

WORTH = 0.01
"""Share of the cycles that all halves of a program must save together: what they need costs some LUTs a PE."""

LEAST = 0.002
"""Share of the cycles that a step's drain must have, so that it is tried."""

BETWEEN = 48
"""Cycles from a layer's last product to the next one's first, or fewer, beside its rows: a step cannot save more."""

EARLY = (0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875)
AGAIN = (0.03, 0.06, 0.09, 0.125, 0.19, 0.25, 0.375, 0.5, 0.75, 1.0)
"""Shares of a step's rows and words that are tried."""


def halved(
    choice: Choice, cycles: Callable[[Program], float], missing: Callable[[Program], int] = lambda program: 0
) -> Choice:
    """Give the Program the halves that save cycles; leave it as it is where they save too few, or do not fit.

    Args:
        choice: of groups and queues.
        cycles: says how many an inference takes.
        missing: says how much more memory a program takes than there is; 0 where it fits.
    """
    program = choice.program
    able = list(eligible(program))
    if not able:
        return choice
    whole = least = cycles(program) if choice.cycles is None else choice.cycles
    made = program
    if sum(row.rows + BETWEEN for _, row in able) < WORTH * whole:
        return replace(choice, cycles=whole)
    for index, row in able:
        if row.rows + BETWEEN >= LEAST * whole:
            made, least = _best(made, index, row, cycles, least)
    if least <= (1 - WORTH) * whole and missing(made) <= missing(program):
        return replace(choice, program=made, cycles=least)
    return replace(choice, cycles=whole)


def eligible(program: Program) -> Iterator[tuple[int, Pass]]:
    """Yield the steps that can be halved and are not, each with its pass: matrices of one position, of enough rows."""
    for row in plan(program).passes:
        step = program.steps[row.step]
        if step.kind == "broadcast" and row.positions == 1 and row.rows > program.groups and not step.early:
            yield row.step, row


def _best(
    program: Program, index: int, row: Pass, cycles: Callable[[Program], float], least: float
) -> tuple[Program, float]:
    """Return (the program with the best halves of a step, its cycles): from one to the best of its neighbours, on."""
    walked = len(row.taps) * row.words
    earlies = _of(EARLY, row.rows, program.groups, row.rows - 1)
    agains = _of(AGAIN, walked, unit(row), walked)

    @cache
    def counted(early: int, again: int) -> float:
        return cycles(with_half(program, index, earlies[early], agains[again]))

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
    return with_half(program, index, earlies[at[0]], agains[at[1]]), counted(*at)


def _of(shares: tuple[float, ...], whole: int, unit: int, most: int) -> list[int]:
    """Return the multiples of `unit` that are nearest to shares of a whole, from one unit to `most`."""
    found = {min(max(1, round(share * whole / unit)) * unit, most // unit * unit) for share in shares}
    return sorted(found)


def unit(row: Pass) -> int:
    """Return what Step.again is a multiple of: words, or whole taps where there are several."""
    return 1 if len(row.taps) == 1 else row.words


def with_half(program: Program, index: int, early: int, again: int) -> Program:
    """Return a program with halves of one step."""
    step = replace(program.steps[index], early=early, again=again)
    return replace(program, steps=(*program.steps[:index], step, *program.steps[index + 1 :]))
