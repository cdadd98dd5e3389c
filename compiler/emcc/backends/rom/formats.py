"""ROM images as files: $readmemh hex, Xilinx mem and coe, Quartus mif, raw bytes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from emcc.backends.rom.image import RomImage
from emcc.base.errors import EmccError
from emcc.base.text import for_comment
from emcc.ir.graph import Array

_DIGITS = np.frombuffer(b"0123456789abcdef", np.uint8)
_NOT_A_DIGIT = 255
_VALUE = np.full(256, _NOT_A_DIGIT, np.uint8)
_VALUE[_DIGITS] = np.arange(16)
_VALUE[np.frombuffer(b"ABCDEF", np.uint8)] = np.arange(10, 16)


@dataclass(frozen=True)
class RomFormat:
    """render(image) -> the file; parse(file, width) -> image (comments are not read back; raises EmccError)."""

    suffix: str
    render: Callable[[RomImage], bytes]
    parse: Callable[[bytes, int], RomImage]


def render(images: Mapping[str, RomImage], fmt: str = "hex") -> dict[str, bytes]:
    """Return a file "rom/<name>.<suffix>" for each image."""
    form = FORMATS[fmt]
    return {f"rom/{name}.{form.suffix}": form.render(images[name]) for name in sorted(images)}


def parse(data: bytes, fmt: str, width: int) -> RomImage:
    """Return the image of a file that `render` wrote; raise EmccError where it is not one."""
    return FORMATS[fmt].parse(data, width)


def to_hex(image: RomImage, end: bytes = b"\n", before: Array | None = None) -> bytes:
    """Return a word a line, every digit written, each after its row of `before` (uint8 [words, n])."""
    octets = image.array()[:, ::-1]
    digits = np.empty((len(octets), octets.shape[1] * 2), np.uint8)
    digits[:, 0::2], digits[:, 1::2] = _DIGITS[octets >> 4], _DIGITS[octets & 15]
    columns = [digits[:, digits.shape[1] - image.digits :]]
    columns.append(np.broadcast_to(np.frombuffer(end, np.uint8), (len(octets), len(end))))
    return np.hstack(columns if before is None else [before, *columns]).tobytes()


def of_hex(words: list[bytes], width: int) -> RomImage:
    """Return the image of words that `to_hex` wrote; raise EmccError where they are not such words."""
    digits = -(-width // 4)
    if not words:
        raise EmccError("the ROM image has no words")
    if set(map(len, words)) != {digits}:
        wrong = next(i for i, word in enumerate(words) if len(word) != digits)
        raise EmccError(f"word {wrong} of the ROM image has {len(words[wrong])} digits, not {digits}")
    values = _VALUE[np.frombuffer(b"".join(words), np.uint8).reshape(-1, digits)]
    if (values == _NOT_A_DIGIT).any():
        wrong = int(np.argmax((values == _NOT_A_DIGIT).any(1)))
        raise EmccError(f"word {wrong} of the ROM image is not hexadecimal")
    if width % 4 and (values[:, 0] >> (width % 4)).any():
        wrong = int(np.argmax(values[:, 0] >> (width % 4) > 0))
        raise EmccError(f"word {wrong} of the ROM image is beyond {width} bits")
    if digits % 2:
        values = np.hstack([np.zeros((len(values), 1), np.uint8), values])
    return RomImage.of_bytes(width, (values[:, 0::2] << 4 | values[:, 1::2])[:, ::-1])


def _comments(image: RomImage, mark: str) -> bytes:
    """Return comment lines in printable ASCII, so that no name can end its line."""
    return "".join(f"{mark} {for_comment(line)}".rstrip() + "\n" for line in image.comment).encode()


def _lines(data: bytes, mark: bytes) -> list[bytes]:
    """Return the lines that are neither comments nor blank."""
    return [line for line in data.splitlines() if line and not line.startswith(mark)]


def _render_hex(image: RomImage) -> bytes:
    return _comments(image, "//") + to_hex(image)


def _parse_hex(data: bytes, width: int) -> RomImage:
    return of_hex(_lines(data, b"//"), width)


def _render_mem(image: RomImage) -> bytes:
    return _comments(image, "//") + b"@0\n" + to_hex(image)


def _parse_mem(data: bytes, width: int) -> RomImage:
    lines = _lines(data, b"//")
    if not lines or lines[0] != b"@0":
        raise EmccError("the .mem file does not begin at address 0")
    return of_hex(lines[1:], width)


def _render_coe(image: RomImage) -> bytes:
    front = _comments(image, ";") + b"memory_initialization_radix=16;\nmemory_initialization_vector=\n"
    return front + to_hex(image, b",\n")[:-2] + b";\n"


def _parse_coe(data: bytes, width: int) -> RomImage:
    lines = _lines(data, b";")
    if lines[:2] != [b"memory_initialization_radix=16;", b"memory_initialization_vector="]:
        raise EmccError("the .coe file is not of radix 16")
    words = lines[2:]
    ends = {line[-1:] for line in words[:-1]} | {b","}
    if ends != {b","} or (words[-1:] and words[-1][-1:] != b";"):
        raise EmccError("the .coe file's words do not end in ',' and the last in ';'")
    return of_hex([line[:-1] for line in words], width)


def _render_mif(image: RomImage) -> bytes:
    address = RomImage(max((len(image) - 1).bit_length(), 1), np.arange(len(image)))
    before = np.frombuffer(to_hex(address, b" : "), np.uint8).reshape(len(image), -1)
    front = f"WIDTH={image.width};\nDEPTH={len(image)};\nADDRESS_RADIX=HEX;\nDATA_RADIX=HEX;\nCONTENT BEGIN\n"
    return _comments(image, "--") + front.encode() + to_hex(image, b";\n", before) + b"END;\n"


def _parse_mif(data: bytes, width: int) -> RomImage:
    lines = _lines(data, b"--")
    depth = max(len(lines) - 6, 0)
    front = f"WIDTH={width};\nDEPTH={depth};\nADDRESS_RADIX=HEX;\nDATA_RADIX=HEX;\nCONTENT BEGIN"
    if b"\n".join(lines[:5]) != front.encode() or lines[-1:] != [b"END;"]:
        raise EmccError(f"the .mif file is not one of {depth} words of {width} bits")
    parts = [line.removesuffix(b";").partition(b" : ") for line in lines[5:-1]]
    try:
        in_order = all(int(address, 16) == i for i, (address, _, _) in enumerate(parts))
    except ValueError:
        in_order = False
    if not in_order:
        raise EmccError("the .mif file's addresses do not count up from 0")
    return of_hex([word for _, _, word in parts], width)


def _render_bin(image: RomImage) -> bytes:
    return image.array().tobytes()


def _parse_bin(data: bytes, width: int) -> RomImage:
    size = -(-width // 8)
    if not data or len(data) % size:
        raise EmccError(f"{len(data)} bytes are not words of {size} bytes")
    words = np.frombuffer(data, np.uint8).reshape(-1, size)
    if width % 8 and (words[:, -1] >> (width % 8)).any():
        raise EmccError(f"a word of the ROM image is beyond {width} bits")
    return RomImage.of_bytes(width, words)


FORMATS: Mapping[str, RomFormat] = {
    "hex": RomFormat("hex", _render_hex, _parse_hex),
    "mem": RomFormat("mem", _render_mem, _parse_mem),
    "coe": RomFormat("coe", _render_coe, _parse_coe),
    "mif": RomFormat("mif", _render_mif, _parse_mif),
    "bin": RomFormat("bin", _render_bin, _parse_bin),
}
