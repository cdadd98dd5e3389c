"""emcc_boot for a few small memories, random words for them, boot images of these, and what must become of each."""

import json
import random
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from common.simulator import Design
from emcc.backends.rom import BootLayout, RomImage, digits, flash
from emcc.backends.verilog.boot import boot_numbers
from emcc.backends.verilog.library import library
from emcc.base.errors import EmccError
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


def images(rng: random.Random, kept: int | None = None) -> dict[str, RomImage]:
    """Words of all memories, of `kept` digits each, else some of one digit, some of any: pointers follow each other."""
    made = {}
    for name, (width, depth) in SIZES.items():
        words = _words(rng, width, depth, rng.choice((0, 1, 2, 16, 16)) if kept is None else kept)
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


@dataclass(frozen=True)
class Case:
    """A stream of bytes.

    Attributes:
        what: is wrong with it, or nothing. gaps: how often a byte has to wait. head: it must be refused at once.
        words: [memory, address, word] in order, as the reader has them; None where it refuses the stream.
        most: cycles that it may take, where no byte waits.
    """

    what: str
    stream: str
    gaps: float = 0.0
    head: bool = False
    words: list[list[int]] | None = None
    most: int = 0


def write(place: Path, kinds: tuple[str, ...] = ("whole", "damaged", "wrong")) -> None:
    """Write stimulus.json: the cases of those kinds, and where counts are in pointers."""
    found = [asdict(case) for kind in kinds for case in CASES[kind]()]
    slots = [[slot.coded, slot.kind == "ptr"] for slot in layout().slots]
    document = {"cases": found, "slots": slots, "count_w": NUMBERS["CountW"]}
    (place / "stimulus.json").write_text(json.dumps(document), encoding="utf-8")


def whole() -> list[Case]:
    """Good images, and bytes behind them that nobody takes."""
    cases = []
    for number, gaps in enumerate((0.0, 0.0, 0.0, 0.6)):
        data = image(number) if number else flash.write(layout(), images(random.Random(0), kept=16))
        cases.append(Case("", (data + b"more").hex(), gaps, words=words(data), most=most_cycles(data)))
    return cases


def damaged() -> list[Case]:
    """Flipped bits, lost and doubled bytes."""
    data, cases = image("damaged"), []
    for at in (*range(0, 18, 6), *range(19, len(data), len(data) // 8), *range(len(data) - 7, len(data), 2)):
        flipped = data[:at] + bytes([data[at] ^ 1 << at % 8]) + data[at + 1 :]
        cases.append(Case(f"a flipped bit in byte {at} of {len(data)}", flipped.hex(), head=at < 18))
    for at in (3, len(data) // 2, len(data) - 5):
        cases.append(Case(f"byte {at} is lost", (data[:at] + data[at + 1 :]).hex()))
        cases.append(Case(f"byte {at} comes twice", (data[: at + 1] + data[at:]).hex()))
    cases.append(Case("the last byte is lost", data[:-1].hex()))
    cases.append(Case("a part of an image in front", (data[:200] + data).hex()))
    assert all(words(bytes.fromhex(case.stream)) is None for case in cases)
    return cases


def wrong() -> list[Case]:
    """Images with a right CRC and wrong tables or codewords: the reader's verdict must be the hardware's."""
    cases = []
    for number in range(6):
        rng, data = random.Random(number), bytearray(image(number)[: -flash.END])
        begin = flash.HEAD + flash.SEGMENT if number % 2 else len(data) - 12
        data[min(begin + rng.randrange(12), len(data) - 1)] ^= 1 << rng.randrange(8)
        cases.append(_ended(f"wrong codes {number}", data))
    assert 0 < sum(case.words is None for case in cases) < len(cases)
    return cases + _hidden()


def _hidden() -> list[Case]:
    """Rows that no codeword uses, a last codeword that does not exist: nothing else of these streams is wrong."""
    data = flash.write(layout(), images(random.Random(0), kept=0))[: -flash.END]
    rows = flash.HEAD + flash.SEGMENT
    assert data[rows : rows + 2] == bytes([0x01, 0x00]), "a table of one symbol"
    cases = []
    for what, table in (("a row out of order", [0x01, 0x12, 0x21]), ("a row of another length", [0x09, 0x00])):
        cases.append(_ended(what, data[:rows] + bytes(table) + data[rows + 2 :]))
    for bit in range(24):
        flipped = bytearray(data)
        flipped[-1 - bit // 8] ^= 1 << bit % 8
        cases.append(_ended("the last codeword does not exist", flipped))
    refused = [case for case in cases if case.words is None]
    assert len(refused) > 3
    return refused[:2] + refused[-3:]


def _ended(what: str, data: bytes | bytearray) -> Case:
    """A stream with the length and CRC that it should have, and the reader's verdict."""
    stream = bytes(data) + len(data).to_bytes(4, "little")[:3]
    stream += zlib.crc32(stream).to_bytes(4, "little")
    return Case(what, stream.hex(), words=words(stream), most=10_000)


CASES = {"whole": whole, "damaged": damaged, "wrong": wrong}


def image(salt: object) -> bytes:
    """A boot image of random words."""
    return flash.write(layout(), images(random.Random(str(salt))))


def words(data: bytes) -> list[list[int]] | None:
    """[memory, address, word] of an image, by the reader; None where that refuses it."""
    try:
        memories = flash.read(data).memories
    except EmccError:
        return None
    return [[n, at, int(word)] for n, made in enumerate(memories) for at, word in enumerate(made.values)]


def most_cycles(data: bytes) -> int:
    """Cycles that an image takes where a byte is always there: a digit each, a row of a table each, seven a memory."""
    slots, at, cycles = layout().slots, flash.HEAD, flash.HEAD + flash.END + 4
    rows = np.zeros(0, np.uint8)
    for slot in slots:
        at, cycles = at + flash.SEGMENT, cycles + flash.SEGMENT + slot.depth * slot.digits + 7
        if data[at - 1]:
            found = digits.read_tables(data, at)
            assert found is not None
            cycles += digits.TABLES * digits.ROWS + found[1] - at
            rows, at = found
        decoded = digits.decode(data, at, np.tile(digits.tables_of(slot.digits), slot.depth), rows)
        assert decoded is not None
        at = decoded[1]
    return cycles
