"""Dividers of the boards' PLLs: within the parts' limits, and the nearest that those allow."""

from collections.abc import Iterator
from fractions import Fraction

import pytest

from emcc.base.errors import EmccError
from emcc.boards import catalogue
from emcc.boards.board import Board
from emcc.boards.pll import MHZ, Setting, setting
from emcc.boards.top import check_baud, clock_hz, parameters

NAMES = catalogue.names()

# MHz, from the parts' data sheets: behind the reference divider, the oscillator's, going out.
LIMITS = {
    "ecp5": ((3.125, 400), (400, 800), (3.125, 400)),
    "ice40": ((10, 133), (533, 1066), (16, 275)),
    "GW1N-9C": ((3, 400), (400, 1200), (3.125, 600)),
    "GW2A-18C": ((3, 500), (500, 1250), (3.90625, 625)),
    "xc7": ((10, 450), (600, 1200), (4.69, 800)),
    "xcup": ((10, 500), (800, 1600), (6.25, 725)),
}


def clocks(board: Board, made: Setting) -> tuple[Fraction, Fraction, Fraction]:
    """The three clocks, from the parameters that the Verilog has, as the parts' manuals define those."""
    values = {name: literal.split("'d")[-1] for name, literal in parameters(board, made)}
    source = Fraction(board.clock.hz)

    def number(name: str) -> Fraction:
        return Fraction(values[name])

    match board.part.family:
        case "ecp5":
            pfd = source / number("CLKI_DIV")
            return pfd, pfd * number("CLKFB_DIV") * number("CLKOP_DIV"), pfd * number("CLKFB_DIV")
        case "ice40":
            pfd = source / (number("DIVR") + 1)
            vco = pfd * (number("DIVF") + 1)
            return pfd, vco, vco / 2 ** int(number("DIVQ"))
        case "gowin":
            pfd = source / (number("IDIV_SEL") + 1)
            out = pfd * (number("FBDIV_SEL") + 1)
            return pfd, out * number("ODIV_SEL"), out
        case _:
            pfd = source / number("DIVCLK_DIVIDE")
            vco = pfd * number("CLKFBOUT_MULT_F")
            return pfd, vco, vco / number("CLKOUT0_DIVIDE_F")


@pytest.mark.parametrize("name", NAMES)
def test_every_clock_is_within_the_limits(name: str) -> None:
    board = catalogue.board(name)
    limits = LIMITS.get(board.part.device) or LIMITS[board.part.family]
    asked = [board.clock.core_hz, *(mhz * MHZ for mhz in (20, 25, 33, 50, 61, 75, 100, 133))]
    for hz in asked:
        made = setting(board, hz)
        if made is None:
            assert hz == board.clock.hz
            continue
        real = clocks(board, made)
        assert real == (made.pfd, made.vco, made.hz)
        for value, (low, high) in zip(real, limits, strict=True):
            assert low * MHZ <= value <= high * MHZ
        assert abs(made.hz - hz) <= hz * Fraction(1, 20)


def plain(board: Board, hz: int) -> Iterator[Fraction]:
    """Every clock of an iCE40's or a Gowin's PLL within its limits, by trying all dividers."""
    pfd_limits, vco_limits, out_limits = LIMITS.get(board.part.device) or LIMITS[board.part.family]
    ice40 = board.part.family == "ice40"
    dividers = (2, 4, 8, 16, 32, 64) if ice40 else (2, 4, 8, 16, 32, 48, 64, 80, 96, 112, 128)
    for reference in range(1, 17 if ice40 else 65):
        pfd = Fraction(board.clock.hz, reference)
        for feedback in range(1, 129 if ice40 else 65):
            for divider in dividers:
                vco = pfd * feedback * (1 if ice40 else divider)
                values = (pfd, vco, vco / divider)
                limits = (pfd_limits, vco_limits, out_limits)
                if all(low * MHZ <= one <= high * MHZ for one, (low, high) in zip(values, limits, strict=True)):
                    yield vco / divider


@pytest.mark.parametrize("name", ["icebreaker", "tang-nano-9k", "tang-nano-20k"])
def test_no_dividers_are_nearer(name: str) -> None:
    board = catalogue.board(name)
    every = set(plain(board, 0))
    for hz in (17_300_000, 24_000_000, 31_400_000, 55_555_555, 90_000_000):
        made = setting(board, hz)
        assert made
        assert abs(made.hz - hz) == min(abs(one - hz) for one in every)


def test_the_oscillator_itself_where_the_pll_cannot() -> None:
    board = catalogue.board("icebreaker")
    assert setting(board, 12_000_000) is None
    assert clock_hz(board, None) == 12_000_000


@pytest.mark.parametrize("mhz", [5, 300])
def test_a_clock_that_cannot_be(mhz: int) -> None:
    with pytest.raises(EmccError, match=rf"the PLL cannot make {mhz} MHz of 12 MHz.*\n.*between 16 and 275, or 12 for"):
        setting(catalogue.board("icebreaker"), mhz * MHZ)


def test_a_part_whose_pll_is_unknown() -> None:
    board = catalogue.board("tang-nano-9k")
    other = board.model_copy(update={"part": board.part.model_copy(update={"device": "GW1N-4"})})
    with pytest.raises(EmccError, match="no PLL of the part GW1N-4\n  hint: known are GW1N-9C, GW2A-18C"):
        setting(other, 30 * MHZ)


def test_a_baud_rate_that_the_clock_does_not_divide_to() -> None:
    board = catalogue.board("icebreaker")
    check_baud(board, 18_000_000)
    with pytest.raises(EmccError, match=r"17\.5 MHz is 17\.50 cycles a bit at 1,000,000 baud"):
        check_baud(board, 17_500_000)
    with pytest.raises(EmccError, match=r"3 MHz is 3\.00 cycles a bit"):
        check_baud(board, 3_000_000)
