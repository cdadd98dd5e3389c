"""A board's project: top, constraints and scripts, as files by name, for an artefact two folders up."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction

from emcc.boards.board import PROCESSOR, Board
from emcc.boards.chain import BITSTREAMS, ROUTED, chain
from emcc.boards.design import Design
from emcc.boards.lutram import lut_words
from emcc.boards.pins import constraints
from emcc.boards.pll import MHZ, Setting, setting
from emcc.boards.streamed import on_board
from emcc.boards.top import TOP, board_top, check_baud, clock_hz, decimal
from emcc.resources import template
from emcc.tools import nextpnr
from emcc.tools.yosys import synthesis_script

FOLDER = "boards"
"""Where in an artefact's folder the projects are, each in a folder of its board's name."""

NETLIST = "netlist.json"
TOP_FILE = f"{TOP}.sv"


@dataclass(frozen=True)
class Project:
    """What puts a design onto a board.

    Attributes:
        files: the project's own, by name; the design's are not among them.
        setting: of the PLL, None for the oscillator's clock. hz: the core's clock.
        lut_words: emcc_top's SumLutWords, None for the RTL's own. spram_bits: its SpramBits, 0 for none.
    """

    board: Board
    files: Mapping[str, bytes]
    setting: Setting | None
    hz: int
    lut_words: int | None = None
    spram_bits: int = 0

    def having(self, name: str, content: bytes) -> "Project":
        """Return it with another file."""
        return replace(self, files={**self.files, name: content})

    @property
    def settings(self) -> str:
        """The Yosys commands that set emcc_top's parameters."""
        words = "" if self.lut_words is None else nextpnr.lut_words(self.lut_words)
        return "; ".join(filter(None, [words, nextpnr.spram_bits(self.spram_bits) if self.spram_bits else ""]))


def project(board: Board, design: Design, label: str, hz: int | None = None, updatable: bool = False) -> Project:
    """Return the project of a design on a board, for a clock near `hz`, the board's own without one.

    `updatable`, as of `BuildOptions`, takes block RAMs from what else may have them.

    Raises:
        EmccError: the PLL cannot make the clock, the UART cannot divide it, or the tools do not know the part.
    """
    made = setting(board, hz or board.clock.core_hz)
    real = clock_hz(board, made)
    check_baud(board, real)
    name, pins = constraints(board)
    context = on_board(board, design.program, updatable, design.streamed)
    files = {TOP_FILE: board_top(board, made), name: pins}
    result = Project(board, files, made, real, lut_words(board, context), context.spram_bits)
    if board.xilinx:
        return result.having("build.tcl", _vivado(board, design, label, real))
    return result.having("build.sh", _script(result, design, label))


def _vivado(board: Board, design: Design, label: str, hz: int) -> bytes:
    text: str = template("board/vivado.tcl.j2").render(
        board=board.title,
        part=board.part.name,
        script=f"{FOLDER}/{label}/build.tcl",
        up="../..",
        oscillator=board.clock.pin != PROCESSOR,
        mhz_in=decimal(Fraction(board.clock.hz, MHZ)),
        mhz=decimal(Fraction(hz, MHZ)),
        sources=design.names,
        bitstream=BITSTREAMS[board.part.family],
    )
    return text.encode()


def _script(made: Project, design: Design, label: str) -> bytes:
    """Return what `emcc bitstream` does, for a shell; on ECP5 without the step that emcc has between the tools."""
    board, tools, family = made.board, chain(made.board), made.board.part.family
    text: str = template("board/build.sh.j2").render(
        board=board.title,
        out=f"{FOLDER}/{label}",
        yosys=synthesis_script(
            [*design.names, f"$out/{TOP_FILE}"],
            TOP,
            tools.synth,
            netlist=f"$out/{NETLIST}",
            settings=made.settings,
            pads=tools.pads,
        ),
        nextpnr=f"yowasp-{tools.part.of.package.replace('_', '-')}",
        part=tools.part.arguments,
        arguments=[word.replace("pins.", "$out/pins.").replace("routed.", "$out/routed.") for word in tools.arguments],
        netlist=NETLIST,
        mhz=decimal(Fraction(made.hz, MHZ)),
        packer=tools.packer,
        pack=tools.pack,
        routed=ROUTED[family],
        bitstream=BITSTREAMS[family],
        absorbs=family == "ecp5",
    )
    return text.encode()
