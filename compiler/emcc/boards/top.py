"""The top of a board: oscillator, PLL, reset and pins around emcc_uart_top."""

from collections.abc import Mapping
from fractions import Fraction

from emcc.base.errors import EmccError
from emcc.boards.board import PROCESSOR, Board
from emcc.boards.pll import MHZ, Setting
from emcc.resources import template

TOP = "emcc_board_top"
_BAUD_OFF = 0.02
"""What a UART's two ends may differ by: half a bit in ten is 5 %, of which each end and the edges take some."""


def clock_hz(board: Board, setting: Setting | None) -> int:
    """Return the core's clock, in whole Hz."""
    return round(setting.hz) if setting else board.clock.hz


def check_baud(board: Board, hz: int) -> None:
    """Raise EmccError where a clock of `hz` cannot be divided to the board's baud rate within 2 %."""
    cycles = hz / board.uart.baud
    if cycles < 4 or abs(cycles / max(1, round(cycles)) - 1) > _BAUD_OFF:
        raise EmccError(
            f"{hz / MHZ:g} MHz is {cycles:.2f} cycles a bit at {board.uart.baud:,} baud: the UART cannot be that exact",
            hint="choose --freq as a multiple of the baud rate, or a slower baud rate in a board's file of your own",
        )


def board_top(board: Board, setting: Setting | None) -> bytes:
    """Return emcc_board_top.sv."""
    hz, clock = clock_hz(board, setting), board.clock
    source = f"{decimal(Fraction(clock.hz, MHZ))} MHz"
    if setting:
        says = (
            f"{decimal(setting.hz / MHZ)} MHz of {source}; the PLL's oscillator is at {decimal(setting.vco / MHZ)} MHz"
        )
    else:
        says = f"{source}, as the oscillator gives it"
    text: str = template("board/emcc_board_top.sv.j2").render(
        board=board.title,
        oscillator=clock.pin != PROCESSOR,
        oscillator_hz=f"{clock.hz:,}",
        mhz_in=decimal(Fraction(clock.hz, MHZ)),
        mhz=decimal(Fraction(hz, MHZ)),
        clock_says=says,
        button=board.reset and f"{'!' if board.reset.active == 'high' else ''}button_i",
        leds=_leds(board),
        pll=setting and {"kind": clock.pll, "parameters": parameters(board, setting)},
        hz=hz,
        baud=board.uart.baud,
    )
    return text.encode()


def _leds(board: Board) -> Mapping[str, str | bool] | None:
    """Return the range of the port, the bits it shows, the sign they take, and whether not all have an LED."""
    if board.leds is None:
        return None
    high, sign = len(board.leds.pins) - 1, "~" if board.leds.active == "low" else ""
    bits = f"[{high}:0]" if high else "[0]"
    return {"range": bits if high else "     ", "bits": bits, "sign": sign, "fewer": high < 3}


def parameters(board: Board, setting: Setting) -> list[tuple[str, str]]:
    """Return the PLL's parameters and their literals, for its dividers."""
    return list(_PARAMETERS[board.clock.pll](board, setting).items())


def decimal(value: Fraction) -> str:
    """Return a number with up to three digits behind the point, without zeros at the end."""
    return f"{float(value):.3f}".rstrip("0").rstrip(".")


def _ecp5(board: Board, setting: Setting) -> Mapping[str, str]:
    off = dict.fromkeys(("PLLRST_ENA", "INTFB_WAKE", "STDBY_ENABLE", "DPHASE_SOURCE"), '"DISABLED"')
    taps = {f"OUTDIVIDER_MUX{one}": f'"DIV{one}"' for one in "ABCD"}
    dividers = {"CLKI_DIV": setting.reference, "CLKFB_DIV": setting.feedback, "CLKOP_DIV": setting.divider}
    phase = {"CLKOP_CPHASE": max(0, setting.divider // 2 - 1), "CLKOP_FPHASE": 0}
    numbers = {name: str(value) for name, value in {**dividers, **phase}.items()}
    return {**off, **taps, "FEEDBK_PATH": '"CLKOP"', "CLKOP_ENABLE": '"ENABLED"', **numbers}


def _ice40(board: Board, setting: Setting) -> Mapping[str, str]:
    """FILTER_RANGE by the clock behind the reference divider, as Lattice's tool and icepll choose it."""
    bounds = (17, 26, 44, 66, 101)
    wide = 1 + sum(setting.pfd >= bound * MHZ for bound in bounds)
    return {
        "FEEDBACK_PATH": '"SIMPLE"',
        "DIVR": f"4'd{setting.reference - 1}",
        "DIVF": f"7'd{setting.feedback - 1}",
        "DIVQ": f"3'd{setting.divider.bit_length() - 1}",
        "FILTER_RANGE": f"3'd{wide}",
    }


def _gowin(board: Board, setting: Setting) -> Mapping[str, str]:
    return {
        "DEVICE": f'"{board.part.device}"',
        "FCLKIN": f'"{decimal(Fraction(board.clock.hz, MHZ))}"',
        "IDIV_SEL": str(setting.reference - 1),
        "FBDIV_SEL": str(setting.feedback - 1),
        "ODIV_SEL": str(setting.divider),
        **dict.fromkeys(("DYN_IDIV_SEL", "DYN_FBDIV_SEL", "DYN_ODIV_SEL"), '"false"'),
    }


def _xilinx(board: Board, setting: Setting) -> Mapping[str, str]:
    return {
        "CLKIN1_PERIOD": decimal(Fraction(1000 * MHZ, board.clock.hz)),
        "DIVCLK_DIVIDE": str(setting.reference),
        "CLKFBOUT_MULT_F": f"{setting.feedback}.000",
        "CLKOUT0_DIVIDE_F": f"{setting.divider}.000",
    }


_PARAMETERS = {
    "EHXPLLL": _ecp5,
    "SB_PLL40_PAD": _ice40,
    "rPLL": _gowin,
    "MMCME2_BASE": _xilinx,
    "MMCME4_BASE": _xilinx,
}
