"""What runs after compiling: data files, the emitted design in a simulator, and a board."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from emcc.runtime.board.board import Board

__all__ = ["Board"]


def __getattr__(name: str) -> Any:
    """Load Board when it is asked for: the command line reads the list of engines and nothing more."""
    if name == "Board":
        from emcc.runtime.board.board import Board

        return Board
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
