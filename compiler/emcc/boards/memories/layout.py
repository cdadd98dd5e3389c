"""Where Yosys puts each bit of a memory in the block RAMs that it makes of it, found by asking it.

A memory of a shape is synthesised many times side by side, each time with another content: once noise, and then that
noise with bit k of its own number turned over in each bit. What a bit of a block RAM holds over these copies is the
number of the memory's bit that it is.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from emcc.boards.memories.blocks import Format
from emcc.boards.memories.images import Shape, bits_of, hex_of, image_of, stand_in
from emcc.ir.graph import Array
from emcc.tools import yosys

TOP = "emcc_planes"
IN_BLOCKS = 'setattr -set rom_style "block" *emcc_rom*/m:*'
"""Makes block RAM of every emcc_rom, in Yosys, once the hierarchy is there."""

LIBRARY = "blackbox =A:whitebox"
"""Takes the insides of the family's library out, which has no place in a netlist."""

ZERO, ONE = -1, -2
_RAM = """\
module emcc_planes_ram #(parameter InitFile = "s0_0.hex") (
  input wire clk_i, input wire we_i, input wire [AW-1:0] waddr_i, input wire [WIDTH-1:0] wdata_i,
  input wire [AW-1:0] addr_i, output logic [WIDTH-1:0] data_o
);
  (* no_rw_check, ram_style = "block" *) logic [WIDTH-1:0] mem [0:DEPTH-1];
  initial $readmemh(InitFile, mem, FIRST, DEPTH-1);
  always_ff @(posedge clk_i) begin
    if (we_i) mem[waddr_i] <= wdata_i;
    data_o <= mem[addr_i];
  end
endmodule
"""


@dataclass(frozen=True)
class Layout:
    """The block RAMs of a memory.

    Attributes:
        source: of each bit of each block, in the order of Format, which bit of the memory it is, or ZERO, or ONE:
            int32 [blocks, bits].
    """

    source: Array

    def filled(self, bits: Array) -> Array:
        """Return the blocks of a memory with that content, uint8 [words, width]: uint8 [blocks, bits]."""
        flat = bits.reshape(-1)
        return np.where(self.source >= 0, flat[np.maximum(self.source, 0)], self.source == ONE).astype(np.uint8)


def layouts(shapes: Iterable[Shape], fmt: Format, synth: str, files: Mapping[str, bytes], work: Path) -> list[Layout]:
    """Return the layout of each shape.

    Args:
        synth: the family's synthesis command. files: the artefact's, with emcc_rom. work: an empty folder.

    Raises:
        ToolError: Yosys fails, or leaves a bit out.
    """
    wanted = list(shapes)
    names = ["rtl/emcc_rom.sv", "planes.sv"]
    (work / "rtl").mkdir()
    for name in ("rtl/emcc_rom.sv", "rtl/emcc_assert.svh"):
        (work / name).write_bytes(files[name])
    text, contents = [], {}
    for number, shape in enumerate(wanted):
        for plane, bits in enumerate(_planes(shape)):
            name = f"s{number}_{plane}"
            contents[f"{name}.hex"] = image_of(bits)
            text.append(_instance(name, shape))
    for name, content in hex_of(contents).items():
        (work / name).write_bytes(content)
    (work / "planes.sv").write_text(_module(wanted, text), "utf-8")
    settings = f"hierarchy -top {TOP}; {IN_BLOCKS}"
    yosys.synthesise(names, TOP, f"{synth} -run begin:map_ffram", cwd=work, settings=settings, pads=LIBRARY)
    cells = json.loads((work / "netlist.json").read_text("utf-8"))["modules"][TOP]["cells"]
    found = _by_instance(cells, fmt)
    return [
        _layout(shape, [found[f"s{number}_{plane}"] for plane in range(_copies(shape))])
        for number, shape in enumerate(wanted)
    ]


def _copies(shape: Shape) -> int:
    return 1 + (shape.words * shape.width).bit_length()


def _planes(shape: Shape) -> Iterable[Array]:
    """Yield the contents of the copies: noise, and noise with bit k of each bit's number, from 1, turned over."""
    noise = bits_of(stand_in("planes", shape))
    numbers = 1 + np.arange(noise.size).reshape(noise.shape)
    yield noise
    for k in range(_copies(shape) - 1):
        yield noise ^ (numbers >> k & 1).astype(np.uint8)


def _layout(shape: Shape, copies: list[dict[str, Array]]) -> Layout:
    """Take the numbers out of the copies, block by block."""
    blocks = sorted(copies[0])
    if any(sorted(copy) != blocks for copy in copies):
        raise yosys.ToolError("Yosys", 0, "", reason=f"makes different block RAMs of memories alike ({shape})")
    rows = []
    for block in blocks:
        noise = copies[0][block]
        number = np.zeros(noise.size, np.int32)
        for k, copy in enumerate(copies[1:]):
            number |= (copy[block] ^ noise).astype(np.int32) << k
        rows.append(np.where(number > 0, number - 1, np.where(noise, ONE, ZERO)).astype(np.int32))
    source = np.stack(rows) if rows else np.zeros((0, 0), np.int32)
    held = np.unique(source[source >= 0])
    if held.size != shape.words * shape.width:
        raise yosys.ToolError("Yosys", 0, "", reason=f"leaves bits of a memory out ({shape})")
    return Layout(source)


def _by_instance(cells: Mapping[str, Any], fmt: Format) -> dict[str, dict[str, Array]]:
    """Return the block RAMs' contents: by instance, and by what their name has behind it."""
    found: dict[str, dict[str, Array]] = defaultdict(dict)
    for name, cell in cells.items():
        if cell["type"] in fmt.cells:
            instance, _, rest = name.partition(".")
            found[instance.removeprefix("u_")][rest] = fmt.of_cell(cell["parameters"])
    return found


def _instance(name: str, shape: Shape) -> str:
    width, bits = shape.width, max(1, (shape.depth - 1).bit_length())
    ports = f".clk_i, .addr_i(addr_i[{bits - 1}:0]), .data_o(q_{name})"
    if shape.ram:
        ports += f", .we_i, .waddr_i(addr_i[{2 * bits - 1}:{bits}]), .wdata_i(data_i[{width - 1}:0])"
        head = f'emcc_planes_ram #(.InitFile("{name}.hex"))'
    else:
        head = f'emcc_rom #(.Width({width}), .Depth({shape.depth}), .AddrW({bits}), .InitFile("{name}.hex"))'
    return f"  wire [{width - 1}:0] q_{name};\n  {head} u_{name} ({ports});\n  assign q_o[{{}}] = ^q_{name};\n"


def _module(shapes: Iterable[Shape], instances: list[str]) -> str:
    rams = [shape for shape in shapes if shape.ram]
    text = ""
    for shape in rams[:1]:
        sizes = {"AW": max(1, (shape.depth - 1).bit_length()), "WIDTH": shape.width}
        text = _RAM.replace("FIRST", str(shape.first)).replace("DEPTH", str(shape.depth))
        for word, number in sizes.items():
            text = text.replace(word, str(number))
    text += f"module {TOP} (input wire clk_i, input wire we_i, input wire [63:0] addr_i, input wire [63:0] data_i,\n"
    text += f"  output wire [{len(instances) - 1}:0] q_o);\n"
    return text + "".join(one.format(number) for number, one in enumerate(instances)) + "endmodule\n"
