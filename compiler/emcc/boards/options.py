"""What the user asks of a bitstream."""

from dataclasses import dataclass


@dataclass(frozen=True)
class BuildOptions:
    """The choices of `emcc bitstream`.

    Attributes:
        board: a board's name, or its file.
        seed: of the placer, the first; seeds: how many are tried, this and those after it.
        hz: the clock that is asked for; None for the board's own.
        updatable: keep memories apart from logic, so that `update` can exchange them.
    """

    board: str
    seed: int = 1
    seeds: int = 1
    hz: int | None = None
    updatable: bool = False
