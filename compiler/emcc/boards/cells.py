"""Resources of a design, from the cells that the tools count."""

from collections.abc import Mapping

from emcc.boards.chain import CELLS

XILINX_LUTS: Mapping[str, int] = {
    **{f"LUT{inputs}": 1 for inputs in range(1, 7)},
    **{"RAM32M": 4, "RAM64M": 4, "RAM32M16": 8, "RAM64M8": 8, "RAM32X1D": 2, "RAM64X1D": 2, "RAM128X1D": 4},
    **{"SRL16E": 1, "SRLC32E": 1},
}
"""LUTs of Xilinx parts that a cell of Yosys takes."""

SYNTHESISED: Mapping[str, Mapping[str, Mapping[str, int]]] = {
    "ecp5": {
        "lut": {"LUT4": 1, "CCU2C": 2, "TRELLIS_DPR16X4": 4},
        "ff": {"TRELLIS_FF": 1},
        "bram": {"DP16KD": 1, "PDPW16KD": 1},
        "dsp": {"MULT18X18D": 1},
    },
    "ice40": {
        "lut": {"SB_LUT4": 1},
        "bram": dict.fromkeys(("SB_RAM40_4K", "SB_RAM40_4KNR", "SB_RAM40_4KNW", "SB_RAM40_4KNRNW"), 1),
        "dsp": {"SB_MAC16": 1},
    },
    "gowin": {
        "lut": {"LUT1": 1, "LUT2": 1, "LUT3": 1, "LUT4": 1, "ALU": 1, "RAM16SDP4": 4},
        "bram": dict.fromkeys(("SP", "SPX9", "SDPB", "SDPX9B", "DPB", "DPX9B", "pROM", "pROMX9"), 1),
        "dsp": {"MULT18X18": 1, "MULT36X36": 4},
    },
}
"""What a cell of Yosys takes, by family and kind: at least, for nextpnr adds cells of its own."""

_HALF = ("RAMB18E1", "RAMB18E2")
_WHOLE = ("RAMB36E1", "RAMB36E2")
_DSP = ("DSP48E1", "DSP48E2")


def resources(family: str, cells: Mapping[str, int], used: Mapping[str, int]) -> dict[str, int]:
    """Return LUTs, flip-flops, block RAMs, single-port RAMs and multipliers.

    Args:
        cells: Yosys's, by type. used: nextpnr's, by type; empty for Xilinx parts, of which Yosys's are an estimate.
    """
    if family not in CELLS:
        return _xilinx(cells)
    names = CELLS[family]
    counts = {
        kind: sum(used.get(name, 0) for name in getattr(names, kind)) for kind in ("lut", "ff", "bram", "dsp", "spram")
    }
    if not names.ff:
        counts["ff"] = _flip_flops(cells)
    return counts


def synthesised(family: str, cells: Mapping[str, int]) -> dict[str, int]:
    """Return what Yosys's cells take at least, by kind."""
    return {
        kind: sum(each * cells.get(name, 0) for name, each in names.items())
        for kind, names in SYNTHESISED[family].items()
    }


def _xilinx(cells: Mapping[str, int]) -> dict[str, int]:
    return {
        "lut": sum(luts * cells.get(name, 0) for name, luts in XILINX_LUTS.items()),
        "ff": sum(cells.get(name, 0) for name in ("FDRE", "FDSE", "FDCE", "FDPE")),
        "bram": sum(cells.get(name, 0) for name in _WHOLE) - (-sum(cells.get(name, 0) for name in _HALF) // 2),
        "dsp": sum(cells.get(name, 0) for name in _DSP),
        "spram": 0,
    }


def _flip_flops(cells: Mapping[str, int]) -> int:
    return sum(count for name, count in cells.items() if "DFF" in name)
