"""Energy of an inference, from published figures of a board's part; an estimate, for nothing was measured here."""

from dataclasses import dataclass

from emcc.boards.board import Board


@dataclass(frozen=True)
class Energy:
    """An estimate.

    Attributes:
        joules: of an inference. switching: whether it has what logic takes that works, or is of an idle part alone.
        source: of the figures.
    """

    joules: float
    switching: bool
    source: str


def energy(board: Board, hz: int, seconds: float) -> Energy | None:
    """Return the energy of `seconds` at a clock of `hz`; None where the board's file has no figures of its part."""
    power = board.power
    if power is None:
        return None
    milliwatts = power.idle_mw + (power.mw_a_mhz or 0.0) * hz / 1e6
    return Energy(milliwatts / 1e3 * seconds, power.mw_a_mhz is not None, power.source)
