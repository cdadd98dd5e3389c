"""Constraint files: which port of emcc_board_top is on which pin."""

from dataclasses import dataclass
from fractions import Fraction

from emcc.boards.board import PROCESSOR, Board
from emcc.boards.pll import MHZ
from emcc.boards.top import decimal
from emcc.resources import template

FILES = {"ecp5": "pins.lpf", "ice40": "pins.pcf", "gowin": "pins.cst", "xc7": "pins.xdc", "xcup": "pins.xdc"}
"""The constraint file of a family."""

_VIVADO_PULLS = {"UP": "PULLUP", "DOWN": "PULLDOWN"}


@dataclass(frozen=True)
class Pin:
    """A port of the top, the pin it is on, its standard, and its pull: UP, DOWN, NONE, or "" for the part's own."""

    port: str
    at: str
    io: str
    pull: str = ""


def pins(board: Board) -> list[Pin]:
    """Return the pins of emcc_board_top's ports."""
    result = [] if board.clock.pin == PROCESSOR else [Pin("clk_i", board.clock.pin, board.clock.io)]
    result += [Pin("rx_i", board.uart.rx, board.uart.io, "UP"), Pin("tx_o", board.uart.tx, board.uart.io)]
    if board.reset:
        result.append(Pin("button_i", board.reset.pin, board.reset.io, board.reset.pull.upper()))
    if board.leds:
        alone = len(board.leds.pins) == 1
        result += [Pin("led_o" if alone else f"led_o[{i}]", at, board.leds.io) for i, at in enumerate(board.leds.pins)]
    return result


def constraints(board: Board) -> tuple[str, bytes]:
    """Return the name of the board's constraint file, and its content."""
    name, ports = FILES[board.part.family], pins(board)
    if board.xilinx:
        ports = [Pin(pin.port, pin.at, pin.io, _VIVADO_PULLS.get(pin.pull, "")) for pin in ports]
    ways = {"rx_i": "from", "button_i": "from", "tx_o": "to", "led_o": "to", "led_o[*]": "to"}
    there = {pin.port.replace("[0]", "[*]") for pin in ports}
    text: str = template(f"board/{name}.j2").render(
        board=board.title,
        pins=ports,
        oscillator=board.clock.pin != PROCESSOR,
        mhz_in=decimal(Fraction(board.clock.hz, MHZ)),
        period_ns=decimal(Fraction(1000 * MHZ, board.clock.hz)),
        slow=[(port, way) for port, way in ways.items() if port in there],
    )
    return name, text.encode()
