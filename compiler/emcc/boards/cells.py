"""Resources of a design, from the cells that the tools count."""

from collections.abc import Mapping

from emcc.boards.chain import CELLS

XILINX_LUTS: Mapping[str, int] = {
    **{f"LUT{inputs}": 1 for inputs in range(1, 7)},
    **{"RAM32M": 4, "RAM64M": 4, "RAM32M16": 8, "RAM64M8": 8, "RAM32X1D": 2, "RAM64X1D": 2, "RAM128X1D": 4},
    **{"SRL16E": 1, "SRLC32E": 1},
}
"""LUTs of Xilinx parts that a cell of Yosys takes."""

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
