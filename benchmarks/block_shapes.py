"""Block RAMs of single memories of any size: the model of eie/blockram.py against what Yosys makes of them.

    python benchmarks/block_shapes.py [--families NAME...] [--count N] [--seed S] [--json FILE]

Draws depths and widths of memories that are written and read, all in block RAM. Fails where a count differs.
"""

import argparse
import json
import random
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from emcc.eie.blockram import FAMILIES, blocks
from emcc.eie.memory import Memory
from emcc.tools import nextpnr
from emcc.tools.yosys import yosys

BLOCKS = {
    "ecp5": ("DP16KD",),
    "ice40": ("SB_RAM40_4K",),
    "gowin": ("SDPB", "SDPX9B", "DPB", "DPX9B"),
}
STATS = "stats.json"

MODULE = """\
(* keep_hierarchy *) module memory{i}(input clk, we, input [{a}:0] wa, ra, input [{w}:0] wd, output reg [{w}:0] y);
  (* no_rw_check, ram_style = "block" *) reg [{w}:0] mem [0:{d}];
  reg [{w}:0] q;
  always @(posedge clk) if (we) mem[wa] <= wd;
  always @(posedge clk) begin q <= mem[ra]; y <= q; end
endmodule
"""
TOP = """\
module top(input clk, we, input [13:0] wa, ra, input [47:0] wd, output [47:0] y);
{lines}  assign y = {sum};
endmodule
"""


def drawn(family: str, count: int, seed: int) -> list[Memory]:
    """Memories of more words than the widest block RAM has, of up to 48 bits."""
    rng, least = random.Random(seed), min(words for words, _ in FAMILIES[family].shapes)
    return [Memory("memory", "ram", rng.randint(least + 1, 7000), rng.randint(5, 48), 1) for _ in range(count)]


def taken(memories: Sequence[Memory], family: str, folder: Path) -> list[int]:
    """The block RAMs that Yosys makes of each."""
    text = lines = ""
    for i, memory in enumerate(memories):
        a, w = (memory.depth - 1).bit_length() - 1, memory.width - 1
        text += MODULE.format(i=i, a=a, w=w, d=memory.depth - 1)
        lines += f"  wire [{w}:0] y{i}; memory{i} u{i}(clk, we, wa[{a}:0], ra[{a}:0], wd[{w}:0], y{i});\n"
    summed = " ^ ".join(f"{{48'd0, y{i}}}" for i in range(len(memories)))
    (folder / "top.v").write_text(text + TOP.format(lines=lines, sum=summed), encoding="utf-8")
    script = f"read_verilog top.v; {nextpnr.FAMILIES[family].synth} -noflatten -top top -run begin:map_ffs"
    yosys(f"{script}; tee -q -o {STATS} stat -json", cwd=folder)
    found = json.loads((folder / STATS).read_text(encoding="utf-8"))["modules"]
    made = {name.lstrip("\\"): module["num_cells_by_type"] for name, module in found.items()}
    return [sum(made[f"memory{i}"].get(name, 0) for name in BLOCKS[family]) for i in range(len(memories))]


def main(arguments: Sequence[str] | None = None) -> int:
    """1 where a count is wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--families", nargs="+", default=list(FAMILIES), choices=FAMILIES)
    parser.add_argument("--count", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the counts there")
    given = parser.parse_args(arguments)
    rows: list[dict[str, Any]] = []
    for family in given.families:
        memories = drawn(family, given.count, given.seed)
        with tempfile.TemporaryDirectory(prefix="emcc-bench-") as folder:
            counts = taken(memories, family, Path(folder))
        for memory, count in zip(memories, counts, strict=True):
            row = {"family": family, "words": memory.depth, "bits": memory.width}
            rows.append({**row, "model": blocks(memory, family), "yosys": count})
        wrong = [row for row in rows if row["family"] == family and row["model"] != row["yosys"]]
        for row in wrong:
            print("{family}: {words} words of {bits} bits: {model}, Yosys {yosys}".format_map(row))
        print(f"{family}: {given.count} memories of seed {given.seed}, {len(wrong)} wrong", flush=True)
    if given.json:
        given.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    return int(any(row["model"] != row["yosys"] for row in rows))


if __name__ == "__main__":
    sys.exit(main())
