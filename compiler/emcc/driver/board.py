"""The board that a design is asked for."""

from dataclasses import dataclass

from emcc.backends.options import EmitOptions
from emcc.base.errors import EmccError
from emcc.boards import catalogue
from emcc.boards.board import Board
from emcc.boards.pll import setting
from emcc.boards.top import clock_hz
from emcc.driver.recipe import Recipe
from emcc.driver.request import CompileOptions


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
    if options.updatable:
        if recipe.of(EmitOptions).weights == "boot":
            hint = 'leave out --updatable, or weights = "boot" in the recipe\'s [emit]'
            raise EmccError("weights that come as a stream are not of the bitstream that --updatable is of", hint=hint)
        from emcc.boards.memories.packed import check_family

        check_family(board)
    own = options.board.endswith(catalogue.SUFFIX)
    hz = clock_hz(board, setting(board, board.clock.core_hz))
    given = options.pes is not None or "pes" in recipe.chosen.get("lower", {})
    return Target(board, catalogue.label(options.board), own, hz, given)
