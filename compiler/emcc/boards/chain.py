"""The tools of each family: how a board's design is synthesised, placed, routed and packed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from emcc.base.errors import EmccError
from emcc.boards.board import Board
from emcc.boards.pins import FILES
from emcc.tools.nextpnr import FAMILIES, Part

ROUTED = {"ecp5": "routed.config", "ice40": "routed.asc", "gowin": "routed.json"}
"""What nextpnr leaves for the packer."""

BITSTREAMS = {"ecp5": "emcc.bit", "ice40": "emcc.bin", "gowin": "emcc.fs", "xc7": "emcc.bit", "xcup": "emcc.bit"}
"""The file that a board loads."""


@dataclass(frozen=True)
class Cells:
    """What nextpnr calls the cells of each kind, whose numbers are summed."""

    lut: tuple[str, ...]
    ff: tuple[str, ...]
    bram: tuple[str, ...]
    dsp: tuple[str, ...]
    spram: tuple[str, ...] = ()


CELLS: Mapping[str, Cells] = {
    "ecp5": Cells(("TRELLIS_COMB",), ("TRELLIS_FF",), ("DP16KD",), ("MULT18X18D",)),
    # A logic cell is a LUT4 with its flip-flop; Yosys's count says how many have one.
    "ice40": Cells(("ICESTORM_LC",), (), ("ICESTORM_RAM",), ("ICESTORM_DSP",), ("ICESTORM_SPRAM",)),
    "gowin": Cells(("LUT4", "ALU"), ("DFF",), ("BSRAM",), ("MULT18X18",)),
}

_DEVICES = {"ecp5": ("12k", "25k", "45k", "85k"), "ice40": ("up5k",), "gowin": ("GW1N-9C", "GW2A-18C")}


@dataclass(frozen=True)
class Chain:
    """What the tools are told.

    Attributes:
        synth, pads: for `emcc.tools.yosys.synthesise`.
        part, arguments: for `emcc.tools.nextpnr.place_and_route`; the arguments name the constraints, and ROUTED.
        packer: the packer's name in `emcc.tools.packer`; pack: its arguments before the two files.
    """

    synth: str
    pads: str
    part: Part
    arguments: tuple[str, ...]
    packer: str
    pack: tuple[str, ...]


def chain(board: Board) -> Chain:
    """Return a board's tools. Raise EmccError where nextpnr has no such device."""
    family, device = board.part.family, board.part.device
    if device not in _DEVICES[family]:
        known = ", ".join(_DEVICES[family])
        raise EmccError(f"part.device: the tools of the family {family} have no {device!r}", hint=f"they have {known}")
    return _CHAINS[family](board)


def _chain(
    board: Board, synth: str, part: tuple[str, ...], arguments: tuple[str, ...], packer: str, pack: tuple[str, ...]
) -> Chain:
    family = board.part.family
    return Chain(synth, FAMILIES[family].pads, Part(family, part), arguments, packer, pack)


def _ecp5(board: Board) -> Chain:
    part = board.part
    where = (f"--{part.device}", "--package", part.package, "--speed", part.speed)
    arguments = ("--lpf", FILES["ecp5"], "--textcfg", ROUTED["ecp5"])
    return _chain(board, FAMILIES["ecp5"].synth, where, arguments, "ecppack", ("--compress",))


def _ice40(board: Board) -> Chain:
    where = (f"--{board.part.device}", "--package", board.part.package)
    arguments = ("--pcf", FILES["ice40"], "--asc", ROUTED["ice40"])
    return _chain(board, FAMILIES["ice40"].synth, where, arguments, "icepack", ())


def _gowin(board: Board) -> Chain:
    device = board.part.device
    where = ("--device", board.part.name, "--vopt", f"family={device}")
    arguments = ("--vopt", f"cst={FILES['gowin']}", "--write", ROUTED["gowin"])
    synth = f"synth_gowin -family {device[:4].lower()} -noiopads"
    return _chain(board, synth, where, arguments, "gowin_pack", ("-d", device))


_CHAINS: Mapping[str, Callable[[Board], Chain]] = {"ecp5": _ecp5, "ice40": _ice40, "gowin": _gowin}
