"""The designs that fmax.py places: which part, how many PEs, which network."""

from collections.abc import Mapping
from dataclasses import dataclass

from benchmarks.common import pins
from benchmarks.common.networks import LENET_300_100, SMALL, Network
from emcc.eie.options import LowerOptions
from emcc.tools.nextpnr import Part

# Any pins of the package that are plain inputs and outputs: Gowin's nextpnr places no pin by itself.
_PG256 = ("H11", "T10", "T3", "T2", "D7", "C13", "A13", "N16", "N14", "L14", "L16", "C7")
_CST = "".join(f'IO_LOC "{port}" {pin};\n' for port, pin in zip(pins.PORTS, _PG256, strict=True))
CST = "pins.cst"


@dataclass(frozen=True)
class Design:
    """An array on a part.

    Attributes:
        freq: MHz that nextpnr aims at; target: MHz that half of the seeds must reach.
        lut4, dsp, bram: nextpnr's names for logic cells, multipliers and block RAMs, whose counts are summed.
        files: constraint files.
        real: a network of `common.real` in place of `network`.
        board: one with that part, of `boards/`: how many block RAMs there are says which memories are made of LUTs.
    """

    part: Part
    network: Network
    options: LowerOptions
    freq: float
    target: float
    lut4: tuple[str, ...]
    ff: tuple[str, ...]
    dsp: tuple[str, ...]
    bram: tuple[str, ...]
    arguments: tuple[str, ...] = ()
    files: Mapping[str, str] | None = None
    real: str = ""
    board: str = "ulx3s-85f"


def _ecp5(pes: int, real: str = "") -> Design:
    part = Part("ecp5", ("--85k", "--speed", "6", "--package", "CABGA756"))
    cells = {"lut4": ("TRELLIS_COMB",), "ff": ("TRELLIS_FF",), "dsp": ("MULT18X18D",), "bram": ("DP16KD",)}
    return Design(part, LENET_300_100, LowerOptions(pes=pes), freq=150, target=125, real=real, **cells)


DESIGNS: Mapping[str, Design] = {
    "ecp5-85f-16pe": _ecp5(16),
    "ecp5-85f-32pe": _ecp5(32),
    "lenet-dns-32pe": _ecp5(32, "lenet-dns"),
    "kws-32pe": _ecp5(32, "kws"),
    "ice40-up5k-4pe": Design(
        Part("ice40", ("--up5k", "--package", "sg48")),
        SMALL,
        LowerOptions(pes=4),
        freq=24,
        target=24,
        # An iCE40 logic cell is a LUT4 with its flip-flop; Yosys's count says how many have one.
        lut4=("ICESTORM_LC",),
        ff=(),
        dsp=("ICESTORM_DSP",),
        bram=("ICESTORM_RAM",),
        board="icebreaker",
    ),
    "gw2a-18-8pe": Design(
        Part("gowin", ("--device", "GW2A-LV18PG256C8/I7", "--vopt", "family=GW2A-18")),
        LENET_300_100,
        LowerOptions(pes=8),
        freq=75,
        target=0,
        lut4=("LUT4", "ALU"),
        ff=("DFF",),
        dsp=("MULT18X18",),
        bram=("BSRAM",),
        arguments=("--vopt", f"cst={CST}"),
        files={CST: _CST},
        board="tang-nano-20k",
    ),
}
