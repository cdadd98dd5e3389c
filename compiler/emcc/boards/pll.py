"""Dividers of a board's PLL: the clock nearest to a wish that the part allows.

Frequencies are in Hz, as fractions. The limits are those of the parts' data sheets: Lattice FPGA-DS-02012 (ECP5) and
FPGA-DS-02008 (iCE40 UltraPlus), Gowin DS117 (GW1NR-9, C6/I5) and DS226 (GW2AR-18, C8/I7), AMD DS181, DS187 and DS925.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from emcc.base.errors import EmccError
from emcc.boards.board import Board

MHZ = 1_000_000
_FAR = Fraction(1, 20)
"""A clock may be this share away from what is asked for; beyond, nobody meant it."""


@dataclass(frozen=True)
class Kind:
    """A PLL: its limits in MHz, and the dividers it has.

    Attributes:
        pfd, vco, out: lowest and highest; pfd is of the clock behind the reference divider.
        inside: whether the output divider is inside the loop: then out = pfd * feedback and vco = out * divider, else
            vco = pfd * feedback and out = vco / divider.
    """

    pfd: tuple[float, float]
    vco: tuple[float, float]
    out: tuple[float, float]
    reference: Sequence[int]
    feedback: Sequence[int]
    divider: Sequence[int]
    inside: bool


_GOWIN_DIVIDERS = (2, 4, 8, 16, 32, 48, 64, 80, 96, 112, 128)
_SIX = range(1, 65)
KINDS: Mapping[str, Kind] = {
    "EHXPLLL": Kind((3.125, 400), (400, 800), (3.125, 400), range(1, 129), range(1, 81), range(1, 129), True),
    "SB_PLL40_PAD": Kind((10, 133), (533, 1066), (16, 275), range(1, 17), range(1, 129), (2, 4, 8, 16, 32, 64), False),
    "rPLL GW1N-9C": Kind((3, 400), (400, 1200), (3.125, 600), _SIX, _SIX, _GOWIN_DIVIDERS, True),
    "rPLL GW2A-18C": Kind((3, 500), (500, 1250), (3.90625, 625), _SIX, _SIX, _GOWIN_DIVIDERS, True),
    "MMCME2_BASE": Kind((10, 450), (600, 1200), (4.69, 800), range(1, 107), range(2, 65), range(1, 129), False),
    "MMCME4_BASE": Kind((10, 500), (800, 1600), (6.25, 725), range(1, 107), range(2, 129), range(1, 129), False),
}


@dataclass(frozen=True)
class Setting:
    """Dividers, and the clocks they make: behind the reference divider, of the oscillator in the PLL, going out."""

    reference: int
    feedback: int
    divider: int
    pfd: Fraction
    vco: Fraction
    hz: Fraction


def kind(board: Board) -> Kind:
    """Return the PLL of a board. Raise EmccError where its part is none that emcc knows the limits of."""
    name = board.clock.pll
    found = KINDS.get(name) or KINDS.get(f"{name} {board.part.device}")
    if found is None:
        known = [key.removeprefix("rPLL ") for key in KINDS if key.startswith(name)]
        raise EmccError(f"emcc knows no PLL of the part {board.part.device}", hint=f"known are {', '.join(known)}")
    return found


def setting(board: Board, hz: int) -> Setting | None:
    """Return the dividers for the clock nearest to `hz`; None for the oscillator itself, where the PLL cannot make it.

    Of several the smallest reference divider is taken, which jitters least, then the middle of the oscillator's range.

    Raises:
        EmccError: no clock that the part allows is within 5 % of `hz`.
    """
    of, source = kind(board), Fraction(board.clock.hz)
    middle = Fraction(sum(of.vco)) * MHZ / 2
    best = min(
        _candidates(of, source, Fraction(hz)),
        key=lambda one: (abs(one.hz - hz), one.reference, abs(one.vco - middle), one.divider),
        default=None,
    )
    if hz == board.clock.hz and (best is None or best.hz != hz):
        return None
    if best is None or abs(best.hz - hz) > hz * _FAR:
        low, high = of.out
        near = f"; the nearest is {float(best.hz) / MHZ:.2f} MHz" if best else ""
        raise EmccError(
            f"the PLL cannot make {hz / MHZ:g} MHz of {board.clock.hz / MHZ:g} MHz{near}",
            hint=f"--freq between {low:g} and {high:g}, or {board.clock.hz / MHZ:g} for the oscillator itself",
        )
    return best


def _candidates(of: Kind, source: Fraction, hz: Fraction) -> Iterator[Setting]:
    """Give settings within the limits: for each reference divider and output divider the nearest feedback divider."""
    for reference in of.reference:
        pfd = source / reference
        if not _within(pfd, of.pfd):
            continue
        for divider in of.divider:
            wanted = hz / pfd if of.inside else hz * divider / pfd
            for feedback in {int(wanted), int(wanted) + 1} & set(of.feedback):
                loop = pfd * feedback
                vco, out = (loop * divider, loop) if of.inside else (loop, loop / divider)
                if _within(vco, of.vco) and _within(out, of.out):
                    yield Setting(reference, feedback, divider, pfd, vco, out)


def _within(hz: Fraction, limits: tuple[float, float]) -> bool:
    return limits[0] * MHZ <= hz <= limits[1] * MHZ
