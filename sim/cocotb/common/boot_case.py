"""emcc_boot for a few small memories, random words for them, and boot images of these."""

import random
from collections.abc import Mapping

import numpy as np

from common.simulator import Design
from emcc.backends.rom import BootLayout, RomImage, flash
from emcc.backends.verilog.boot import boot_numbers
from emcc.backends.verilog.library import library
from emcc.ir.graph import Array

NUMBERS = {"StartW": 9, "CountW": 6, "ColW": 6, "BiasAddrW": 5, "ScaleAddrW": 3}
SIZES = {
    **{f"pe{pe:03}_ptr": (NUMBERS["StartW"] + NUMBERS["CountW"], 37) for pe in range(2)},
    **{f"pe{pe:03}_spmat": (9, 101) for pe in range(2)},
    **{"lane000_bias": (22, 23), "lane000_scale": (16, 7)},
}
FIRST = 5

_TOP = """\
module emcc_boot_bench (
  input  logic clk_i, input logic rst_ni, input logic [7:0] tdata_i, input logic tvalid_i, output logic tready_o,
  output logic we_o, output logic [{sel_w}-1:0] sel_o, output logic [{addr_w}-1:0] addr_o,
  output logic [{start_w}-1:0] start_o, output logic [{word_w}-1:0] word_o, output logic done_o, output logic error_o
);
  localparam int StartW = {start_w};
  emcc_boot #(
    .SelBits({sel_w}), .AddrBits({addr_w}), .WordBits({word_w}), .StartBits(StartW), .CountBits({count_w}),
    .Head({head}), .Start({start}), .Ends({ends}), .Lasts({lasts}), .Digits({digits})
  ) u_boot (.*);
endmodule
"""


def images(rng: random.Random) -> dict[str, RomImage]:
    """Words of all memories, some of one kind of digit, some of any, most of few: pointers follow each other."""
    made = {}
    for name, (width, depth) in SIZES.items():
        kept = rng.choice((0, 1, 2, 16, 16))
        words = _words(rng, width, depth, kept)
        if name.endswith("_ptr"):
            counts = words & 63
            starts = (FIRST + np.cumsum(counts) - counts) & 511
            words = starts << 6 | counts
        made[name] = RomImage(width, words)
    return made


def _words(rng: random.Random, width: int, depth: int, kept: int) -> Array:
    """Words whose digits are of `kept` symbols (0: all are 0), the likeliest far more so than the last one."""
    symbols = rng.sample(range(16), kept) or [0]
    weights = [rng.choice((1.0, 0.5, 0.2)) ** n for n in range(len(symbols))]
    digits = -(-width // 4)
    words = [0] * depth
    for n in range(depth):
        for symbol in rng.choices(symbols, weights, k=digits):
            words[n] = words[n] << 4 | symbol
    return np.array([word & (1 << width) - 1 for word in words], np.int64)


def layout() -> BootLayout:
    """What the DUT is built for."""
    return BootLayout.of(NUMBERS, images(random.Random(0)))


def design(changed: Mapping[str, bytes] | None = None) -> Design:
    """The DUT; `changed` files take the place of the library's, or come before it."""
    made, changed = boot_numbers(layout(), NUMBERS), changed or {}
    text = _TOP.format(**made, start_w=NUMBERS["StartW"], count_w=NUMBERS["CountW"])
    files = {**library(("emcc_huffman", "emcc_boot")), "rtl/emcc_boot_bench.sv": text.encode()}
    first = {name: content for name, content in changed.items() if name not in files}
    return Design("emcc_boot_bench", {**first, **{name: changed.get(name, text) for name, text in files.items()}})


def image(rng: random.Random) -> bytes:
    """A boot image of random words."""
    return flash.write(layout(), images(rng))
