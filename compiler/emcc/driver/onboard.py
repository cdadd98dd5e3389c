"""What the manifest says of a design's board: what it takes there, how long an inference is, what was tried."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from emcc.boards.energy import energy
from emcc.boards.needs import there_is
from emcc.boards.streamed import spram_count
from emcc.driver.board import Target
from emcc.driver.sizing import Sized, Tried


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
        **({"spram": count} if (count := spram_count(sized.taken.needs.context)) else {}),
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
    large = {} if one.needs.placeable else {"large": True}
    how = {"lut_words": one.needs.lut_words, "run_bits": one.run_bits}
    return {"pes": one.pes, "groups": one.groups, **how, "cycles": one.cycles, **cells, **large}
