"""What the manifest says of a design's board: what it takes there, how long an inference is, what was tried."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from emcc.backends.options import EmitOptions
from emcc.base.errors import EmccError
from emcc.boards import catalogue
from emcc.boards.board import Board
from emcc.boards.energy import energy
from emcc.boards.memories.packed import check_family
from emcc.boards.needs import there_is
from emcc.boards.pll import setting
from emcc.boards.top import clock_hz
from emcc.driver.recipe import Recipe
from emcc.driver.request import CompileOptions
from emcc.driver.sizing import Sized, Tried


@dataclass(frozen=True)
class Target:
    """The board that is asked for.

    Attributes:
        name: of its folder. own: whether it is of a user's file. hz: the clock that `emcc bitstream` makes there.
        given: whether the number of PEs is the user's.
    """

    board: Board
    name: str
    own: bool
    hz: int
    given: bool


def target(options: CompileOptions, recipe: Recipe) -> Target | None:
    """Return the board that the options name, None where they name none.

    Raises:
        EmccError: there is no such board, its file is wrong, or no board takes a design as the recipe wants it.
    """
    if options.board is None:
        if options.updatable:
            raise EmccError("--updatable is of a board's bitstream", hint="name the board: --board BOARD")
        return None
    board = catalogue.board(options.board)
    if recipe.of(EmitOptions).weights == "boot":
        raise EmccError(
            "no board takes a design whose weights come as a stream",
            hint='leave out --board, or weights = "boot" in the recipe\'s [emit]',
        )
    if options.updatable:
        check_family(board)
    own = options.board.endswith(catalogue.SUFFIX)
    hz = clock_hz(board, setting(board, board.clock.core_hz))
    given = options.pes is not None or "pes" in recipe.chosen.get("lower", {})
    return Target(board, catalogue.label(options.board), own, hz, given)


def facts(target: Target, sized: Sized, totals: Mapping[str, Any]) -> dict[str, Any]:
    """Return it for the manifest, whose "totals" are at the board's clock."""
    board, taken = target.board, energy(target.board, target.hz, totals["seconds"])
    return {
        "name": target.name,
        "own": target.own,
        "title": board.title,
        "part": board.part.name,
        "clock_hz": target.hz,
        "chosen": not target.given,
        "updatable": sized.taken.needs.context.updatable,
        "cells": sized.taken.needs.cells.to_json(),
        "there": there_is(board),
        "model": sized.taken.needs.model,
        "lut_words": sized.taken.needs.lut_words,
        "seconds": totals["seconds"],
        "energy": taken and asdict(taken),
        "tried": [_row(one) for one in sized.tried],
    }


def lut_words(sized: Sized | None) -> dict[str, int]:
    """Return up to how many words memories are made of LUTs, by the board's family; {} without a choice."""
    needs = sized and sized.taken.needs
    return {needs.board.part.family: needs.lut_words} if needs and needs.lut_words is not None else {}


def _row(one: Tried) -> dict[str, Any]:
    cells = {**one.needs.cells.to_json(), "fits": one.fits}
    how = {"lut_words": one.needs.lut_words, "run_bits": one.run_bits}
    return {"pes": one.pes, "groups": one.groups, **how, "cycles": one.cycles, **cells}
