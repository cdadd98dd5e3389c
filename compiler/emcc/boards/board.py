"""A board, as its TOML file describes it; no key may be missing, and none may be there that is not known."""

import re
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Family = Literal["ecp5", "ice40", "gowin", "xc7", "xcup"]
Level = Literal["high", "low"]
Hz = Annotated[int, Field(ge=1_000_000, le=1_000_000_000)]
Count = Annotated[int, Field(ge=0, le=10_000_000)]
Size = Annotated[int, Field(ge=1, le=1 << 40)]
Line = Annotated[str, Field(pattern=r"^[ -~]{1,120}$")]
Word = Annotated[str, Field(pattern=r"^[A-Za-z0-9_./-]{1,40}$")]

PROCESSOR = "PS"
"""The clock's pin where the processing system of a chip gives it."""

_GRID = re.compile(r"[A-Z]{1,2}[1-9]\d?")
_NUMBER = re.compile(r"[1-9]\d{0,2}")
_PINS = {"ecp5": _GRID, "ice40": _NUMBER, "gowin": re.compile(f"{_GRID.pattern}|{_NUMBER.pattern}")}
_PLLS = {"ecp5": "EHXPLLL", "ice40": "SB_PLL40_PAD", "gowin": "rPLL", "xc7": "MMCME2_BASE", "xcup": "MMCME4_BASE"}


class Table(BaseModel):
    """A table of the file: strict about types, and closed."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Part(Table):
    """The FPGA: `name` as it is ordered; device, package and speed as the tools say them."""

    family: Family
    name: Word
    device: Word
    package: Word
    speed: Word


class Clock(Table):
    """The oscillator, the PLL behind it, and the clock that emcc makes where the user asks for no other."""

    hz: Hz
    pin: str
    io: Word
    pll: str
    core_hz: Hz


class Uart(Table):
    """The serial port, as the FPGA sees it."""

    rx: str
    tx: str
    io: Word
    baud: Annotated[int, Field(ge=9600, le=12_000_000)]


class Reset(Table):
    """A button that resets."""

    pin: str
    io: Word
    active: Level
    pull: Literal["up", "down", "none"]


class Leds(Table):
    """Up to four LEDs."""

    pins: Annotated[list[str], Field(min_length=1, max_length=4)]
    io: Word
    active: Level


class Store(Table):
    """A flash or a memory beside the FPGA."""

    name: Line
    bytes: Size


class Limits(Table):
    """What the part has: LUTs, block RAMs, single-port RAMs of 32 kB (iCE40 UltraPlus), multipliers."""

    lut: Size
    bram: Count
    spram: Count
    dsp: Count


class Power(Table):
    """Published figures of what the part takes: idle, and a MHz of a design that fills it, where that is known."""

    idle_mw: Annotated[float, Field(gt=0, le=100_000)]
    mw_a_mhz: Annotated[float, Field(gt=0, le=1000)] | None = None
    source: Line


class Board(Table):
    """A board.

    Attributes:
        status: "built" where emcc makes a bitstream of it; "generated" where it makes the project only.
        source: where the pins are from.
        loader: openFPGALoader's name of it; None where that knows no such board.
        reset, leds, flash: None where there are none that the FPGA reaches.
        memory: memories outside the part, which emcc does not use yet.
        power: for estimates of energy; None where nothing is published.
    """

    title: Line
    status: Literal["built", "generated"]
    source: Line
    loader: Word | None = None
    part: Part
    clock: Clock
    uart: Uart
    reset: Reset | None = None
    leds: Leds | None = None
    flash: Store | None = None
    memory: list[Store] = []
    limits: Limits
    power: Power | None = None

    @property
    def pins(self) -> dict[str, str]:
        """Every pin by its key in the file."""
        result = {"clock.pin": self.clock.pin, "uart.rx": self.uart.rx, "uart.tx": self.uart.tx}
        if self.reset:
            result["reset.pin"] = self.reset.pin
        if self.leds:
            result |= {f"leds.pins[{i}]": pin for i, pin in enumerate(self.leds.pins)}
        return result

    @property
    def xilinx(self) -> bool:
        """Whether it needs Vivado."""
        return self.part.family in ("xc7", "xcup")

    @model_validator(mode="after")
    def _together(self) -> Self:
        """Refuse what does not go together."""
        wrong = [*self._bad_pins(), *self._bad_tools()]
        if wrong:
            raise ValueError("\n".join(wrong))
        return self

    def _bad_pins(self) -> list[str]:
        form, taken, wrong = _PINS.get(self.part.family, _GRID), dict[str, str](), []
        for key, pin in self.pins.items():
            processor = pin == PROCESSOR and key == "clock.pin" and self.part.family == "xcup"
            if not form.fullmatch(pin) and not processor:
                wrong.append(f"{key}: {pin!r} is not the name of a pin of this family")
            elif pin in taken:
                wrong.append(f"{key}: the pin {pin} is {taken[pin]} already")
            taken.setdefault(pin, key)
        return wrong

    def _bad_tools(self) -> list[str]:
        wrong, pll = [], _PLLS[self.part.family]
        if self.clock.pll != pll:
            wrong.append(f"clock.pll: the PLL of the family {self.part.family} is {pll!r}, not {self.clock.pll!r}")
        if self.xilinx == (self.status == "built"):
            wrong.append("status: Xilinx parts are 'generated', the others 'built'")
        return wrong
