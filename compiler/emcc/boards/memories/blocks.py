"""Block RAMs in the text that nextpnr leaves for a packer: their contents, taken out and put back."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np

from emcc.ir.graph import Array

_ECP5 = re.compile(r"^\.bram_init (\d+)\n((?:[0-9a-f]{3}[ \n]+)+)", re.MULTILINE)
_ICE40 = re.compile(r"^\.ram_data (\d+ \d+)\n((?:[0-9a-f]{64}\n)+)", re.MULTILINE)


@dataclass(frozen=True)
class Early:
    """Yosys's blocks as `memory_libmap` leaves them.

    Attributes:
        command: what makes them, of a design that synthesis has brought to its part map_ram. cell: their type.
        order: of each bit of a block's words which bit of the parameter INIT it is.
    """

    command: str
    cell: str
    order: Callable[[], Array]

    def of_cell(self, parameters: Mapping[str, str]) -> Array:
        """Return a cell's contents in the order of the text: uint8 [bits]."""
        bits: Array = (np.frombuffer(parameters["INIT"][::-1].encode(), np.uint8) == ord("1")).astype(np.uint8)
        return bits[self.order()]


@dataclass(frozen=True)
class Format:
    """How a family's text has block RAMs.

    Attributes:
        cells: Yosys's cells that are block RAMs. rows, width: of their parameters with initial contents.
        parameter: the name of parameter n.
        block: a block in the text: its name, its words. digits: hexadecimal ones of such a word.
        word_bits: of a word. a_line: words on a line.
        order: of each bit of a block's words, from the first word's lowest on, which bit of the parameters it is.
        early: how Yosys has the blocks before it makes `cells` of them, where that takes it a second a block.
    """

    cells: tuple[str, ...]
    rows: int
    width: int
    parameter: str
    block: re.Pattern[str]
    digits: int
    word_bits: int
    a_line: int
    order: Callable[[], Array]
    early: "Early | None" = None

    def of_cell(self, parameters: Mapping[str, str]) -> Array:
        """Return a cell's contents in the order of the text: uint8 [bits]."""
        rows = [parameters.get(self.parameter.format(row), "") for row in range(self.rows)]
        text = "".join(row.rjust(self.width, "0")[::-1] for row in rows)
        bits: Array = (np.frombuffer(text.encode(), np.uint8) == ord("1")).astype(np.uint8)
        return bits[self.order()]

    def parse(self, text: str) -> dict[str, Array]:
        """Return the blocks of a text by their names: uint8 [bits]; those of another size are left out."""
        found = {name: self._bits(words.split()) for name, words in self.block.findall(text)}
        return {name: bits for name, bits in found.items() if bits.size == self.order().size}

    def replace(self, text: str, blocks: Mapping[str, Array]) -> str:
        """Return the text with other contents in some of its blocks."""

        def put(match: re.Match[str]) -> str:
            name = match[1]
            if name not in blocks:
                return match[0]
            head, tail = match[0][: match.start(2) - match.start()], match[2][len(match[2].rstrip()) :]
            return head + self._text(blocks[name]) + tail

        return self.block.sub(put, text)

    def _bits(self, words: list[str]) -> Array:
        values = [int(word, 16) for word in words]
        octets = b"".join(value.to_bytes(self.word_bits // 8 + 1, "little") for value in values)
        bits = np.unpackbits(np.frombuffer(octets, np.uint8), bitorder="little")
        return bits.reshape(len(values), -1)[:, : self.word_bits].reshape(-1)

    def _text(self, bits: Array) -> str:
        octets = np.packbits(bits.reshape(-1, self.word_bits), axis=1, bitorder="little")
        words = [f"{int.from_bytes(row.tobytes(), 'little'):0{self.digits}x}" for row in octets]
        return "\n".join(" ".join(words[at : at + self.a_line]) for at in range(0, len(words), self.a_line))


@cache
def _of_ecp5() -> Array:
    """Return the order of ECP5: a parameter has 16 words of 20 bits, of which 18 are two words of the text."""
    word = np.arange(9)[None, :] + 9 * np.arange(2)[:, None]
    return (320 * np.arange(64)[:, None, None, None] + 20 * np.arange(16)[:, None, None] + word).reshape(-1)


@cache
def _of_ice40() -> Array:
    """Return the order of iCE40: a parameter is a line."""
    return np.arange(16 * 256)


@cache
def _of_ice40_early() -> Array:
    """Return the order of iCE40 before its cells: the lowest four bits of an index are turned round."""
    index = np.arange(16 * 256)
    low = sum((index >> bit & 1) << (3 - bit) for bit in range(4))
    return index & ~15 | low


_ICE40_EARLY = Early(
    "memory_libmap -lib +/ice40/brams.txt -lib +/ice40/spram.txt -no-auto-huge", "$__ICE40_RAM4K_", _of_ice40_early
)

_ICE40_RAMS = tuple(f"SB_RAM40_4K{edge}" for edge in ("", "NR", "NW", "NRNW"))

FORMATS: Mapping[str, Format] = {
    "ecp5": Format(("DP16KD",), 64, 320, "INITVAL_{:02X}", _ECP5, 3, 9, 8, _of_ecp5),
    "ice40": Format(_ICE40_RAMS, 16, 256, "INIT_{:X}", _ICE40, 64, 256, 1, _of_ice40, _ICE40_EARLY),
}
"""By family. Of Gowin's parts nothing here reads a bitstream's memories back."""
