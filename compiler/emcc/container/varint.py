"""Numbers of any size, seven bits a byte."""

from emcc.container.bits import FormatError


def uint(value: int) -> bytes:
    """LEB128 of value >= 0."""
    if value < 0:
        raise ValueError(f"{value} is negative")
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def read_uint(data: bytes, at: int) -> tuple[int, int]:
    """(value, the byte after it); at most 12 bytes long."""
    value = 0
    for place in range(12):
        if at >= len(data):
            raise FormatError("ends within a number")
        value |= (data[at] & 127) << 7 * place
        at += 1
        if data[at - 1] < 128:
            return value, at
    raise FormatError("a number is too long")


def zigzag(value: int) -> int:
    """0, -1, 1, -2, ... as 0, 1, 2, 3, ..."""
    return value << 1 if value >= 0 else ~value << 1 | 1


def unzigzag(value: int) -> int:
    """The inverse of `zigzag`."""
    return ~(value >> 1) if value & 1 else value >> 1
