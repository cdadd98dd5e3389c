"""The boot stream's decoder on real parts: cells, block RAMs and clock of emcc_boot, by Yosys and nextpnr.

    python benchmarks/huffman_decoder.py [--json FILE] [--parts NAME...] [--seeds N...]

emcc_boot is built for the memories of a network of 8 PEs and placed behind few pins: inputs are registered, outputs
folded into one by XORs. Fails where there are more than 500 LUT4 or one block RAM, or a seed is slower than it must be.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emcc.backends.verilog.library import library
from emcc.tools.nextpnr import Part, Routed, place_and_route
from emcc.tools.yosys import synthesise

MOST_LUTS, MOST_RAMS = 500, 1

PINS = """\
module emcc_boot_pins (
  input  logic clk_i, input logic rst_ni, input logic [7:0] data_i, input logic valid_i,
  output logic ready_o, output logic done_o, output logic error_o, output logic fold_o
);
  logic rst_q, valid_q, ready, done, error, we;
  logic [7:0]  data_q;
  logic [4:0]  sel, fold1_q;
  logic [13:0] addr, start;
  logic [31:0] word;
  logic [67:0] all;
  logic [16:0] fold0_q;
  logic [1:0]  fold2_q;

  assign all = 68'({we, sel, addr, start, word});

  always_ff @(posedge clk_i) begin
    {rst_q, valid_q, data_q}   <= {rst_ni, valid_i, data_i};
    {ready_o, done_o, error_o} <= {ready, done, error};
    for (int i = 0; i < 17; i++) fold0_q[i] <= ^all[4*i +: 4];
    for (int i = 0; i < 4; i++) fold1_q[i] <= ^fold0_q[4*i +: 4];
    fold1_q[4] <= fold0_q[16];
    fold2_q    <= {fold1_q[4], ^fold1_q[3:0]};
    fold_o     <= ^fold2_q;
  end

  emcc_boot #(PARAMETERS) u_boot (
    .clk_i, .rst_ni(rst_q), .tdata_i(data_q), .tvalid_i(valid_q), .tready_o(ready), .we_o(we), .sel_o(sel),
    .addr_o(addr), .start_o(start), .word_o(word), .done_o(done), .error_o(error)
  );
endmodule
"""

PARAMETERS = """
    .SelBits(5), .AddrBits(14), .WordBits(32), .StartBits(14), .CountBits(6), .Start(14'd100),
    .Head(144'h0000640018_0123456789abcdef_01_42434d45), .Ends({16'd24, 16'd20, 16'd16, 16'd8}),
    .Lasts({24'd299, 24'd299, 24'd12003, 24'd1500}), .Digits({4'd3, 4'd7, 4'd2, 4'd1})
  """
"""8 PEs of 1,501 columns and 12,004 entries of 12 bits, 4 lanes of 300 biases of 32 bits and as many multipliers."""


@dataclass(frozen=True)
class Target:
    """A part: MHz that nextpnr aims at, MHz that must be reached; cells that count by Yosys, by nextpnr; block RAMs."""

    part: Part
    freq: float
    target: float
    lut4: str
    placed: str
    ram: str


TARGETS: Mapping[str, Target] = {
    "ecp5-85f": Target(
        Part("ecp5", ("--85k", "--speed", "6", "--package", "CABGA756")), 125, 100, "LUT4", "TRELLIS_COMB", "DP16KD"
    ),
    "ice40-up5k": Target(
        Part("ice40", ("--up5k", "--package", "sg48")), 60, 48, "SB_LUT4", "ICESTORM_LC", "ICESTORM_RAM"
    ),
}


def synthesised(target: Target, top: str, folder: Path) -> dict[str, int]:
    """Yosys's cells of a top: the pins, emcc_boot or emcc_huffman alone."""
    folder.mkdir()
    files = {name.removeprefix("rtl/"): data for name, data in library(("emcc_huffman", "emcc_boot")).items()}
    files["pins.sv"] = PINS.replace("PARAMETERS", PARAMETERS).encode()
    for name, data in files.items():
        (folder / name).write_bytes(data)
    names = [name for name in files if name.endswith(".sv")]
    return synthesise(names, top, target.part.of.synth, cwd=folder)


def measured(target: Target, seeds: Sequence[int], folder: Path) -> dict[str, Any]:
    """A part's row."""
    whole = synthesised(target, "emcc_boot_pins", folder / "whole")
    alone = synthesised(target, "emcc_huffman", folder / "alone")
    routed: list[Routed] = [
        place_and_route("netlist.json", target.part, cwd=folder / "whole", seed=seed, freq=target.freq, open_pins=True)
        for seed in seeds
    ]
    return {
        "fmax_mhz": [round(route.slowest, 2) for route in routed],
        "seeds": list(seeds),
        "target_mhz": target.target,
        "lut4": _luts(target, whole),
        "lut4_of_emcc_huffman": _luts(target, alone),
        "placed": routed[0].used[target.placed],
        "bram": routed[0].used[target.ram],
        "used": {name: number for name, number in routed[0].used.items() if number},
        "yosys_cells": whole,
    }


def _luts(target: Target, cells: Mapping[str, int]) -> int:
    """LUT4, two of each pair of carries among them where these are made of LUTs."""
    return cells.get(target.lut4, 0) + 2 * cells.get("CCU2C", 0)


def missed(rows: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Parts on which it is too large or too slow."""
    return [
        name
        for name, row in rows.items()
        if row["lut4"] > MOST_LUTS or row["bram"] > MOST_RAMS or min(row["fmax_mhz"]) < row["target_mhz"]
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """1 where it is larger or slower than it may be."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows there")
    parser.add_argument("--parts", nargs="+", default=list(TARGETS), choices=list(TARGETS), metavar="NAME")
    parser.add_argument("--seeds", nargs="+", type=int, default=[1, 2, 3], metavar="N")
    given = parser.parse_args(arguments)
    rows = {}
    with tempfile.TemporaryDirectory(prefix="emcc-huffman-") as scratch:
        for name in given.parts:
            (Path(scratch) / name).mkdir()
            rows[name] = measured(TARGETS[name], given.seeds, Path(scratch) / name)
    if given.json:
        given.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    print("| part | Fmax, MHz | LUT4 | of them emcc_huffman | cells placed | block RAMs |\n|" + " --- |" * 6)
    for name, row in rows.items():
        clocks = ", ".join(f"{clock:.1f}" for clock in row["fmax_mhz"])
        print(
            f"| {name} | {clocks} | {row['lut4']} | {row['lut4_of_emcc_huffman']} | {row['placed']} | {row['bram']} |"
        )
    return int(bool(missed(rows)))


if __name__ == "__main__":
    sys.exit(main())
