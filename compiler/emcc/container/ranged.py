"""A matrix of codes with the range coder: the model of `significance`, and what it needs to know beforehand.

Stored: byte RANGED | own geometry; uint the highest code; with own geometry, uint height and uint width; the coder's
bytes, without zeros at the end.
"""

from dataclasses import dataclass

import numpy as np

from emcc.container.bits import FormatError, read_uint, uint
from emcc.ir.graph import Array

RANGED = 32
_OWN_GEOMETRY = 1
MAX_ROWS, MAX_COLUMNS = 1 << 20, 1 << 16


@dataclass(frozen=True)
class Spent:
    """What reading took of the model's information, in bits: where the non-zero codes are, and which."""

    places: float
    codes: float


def fits(rows: int, columns: int) -> bool:
    """Whether the coder's integers are wide enough."""
    return rows <= MAX_ROWS and columns <= MAX_COLUMNS


def write(
    codes: Array, codebook: Array, geometry: tuple[int, int], expected: tuple[int, int], limit: int | None = None
) -> bytes | None:
    """The bytes of uint8 `codes` [rows, columns]; None if they are more than `limit`.

    Args:
        codebook: int64, by code.
        geometry: (height, width) of the image or kernel that the columns of a channel are.
        expected: the geometry that the reader would take by itself.
    """
    from emcc.container.significance import code_matrix

    top = int(codes.max(initial=0))
    own = _OWN_GEOMETRY * (geometry != expected)
    front = bytes([RANGED | own]) + uint(top)
    front += b"".join(map(uint, geometry)) if own else b""
    if not top:
        return front
    room = max(0, limit - len(front)) + 5 if limit is not None else codes.size // 4 + 1024
    own_codes = np.array(codes, np.uint8, order="C")
    while True:
        data = np.zeros(room, np.uint8)
        size, *_ = code_matrix(True, data, own_codes, *geometry, *ranks(codebook, top))
        if limit is not None and not 0 <= size <= limit - len(front):
            return None
        if size >= 0:
            return front + data[:size].tobytes()
        room *= 4


def read(data: bytes, rows: int, columns: int, codebook: Array, expected: tuple[int, int]) -> tuple[Array, Spent]:
    """(the codes, uint8 [rows, columns], what they took)."""
    from emcc.container.significance import code_matrix

    flags = data[0] ^ RANGED
    if flags & ~_OWN_GEOMETRY or not fits(rows, columns):
        raise FormatError(f"a {rows} x {columns} matrix is coded in no known way")
    top, at = read_uint(data, 1)
    geometry = expected
    if flags & _OWN_GEOMETRY:
        height, at = read_uint(data, at)
        width, at = read_uint(data, at)
        geometry = height, width
    if top >= len(codebook) or not 0 < geometry[0] * geometry[1] <= columns or columns % (geometry[0] * geometry[1]):
        raise FormatError(f"codes up to {top}, columns of {geometry[0]} x {geometry[1]}")
    codes, used, spent = np.zeros((rows, columns), np.uint8), 0, Spent(0.0, 0.0)
    if top:
        rest = np.frombuffer(bytearray(data[at:]), np.uint8)
        used, places, which = code_matrix(False, rest, codes, *geometry, *ranks(codebook, top))
        spent = Spent(places / 2**20, which / 2**20)
    if used < 0:
        raise FormatError("a row has more codes than columns, or codes that are none")
    if used < len(data) - at:
        raise FormatError(f"{len(data) - at - used} bytes too many")
    return codes, spent


def ranks(codebook: Array, top: int) -> tuple[Array, Array]:
    """(rank, value), int64 [top + 1], of the codes: see `significance.code_matrix`.

    The codes of a sign are ranked by distance from zero, then number; codes whose entry is 0 come last, as positive.
    """
    book = codebook[: top + 1].astype(object)
    rank, value = np.zeros(top + 1, np.int64), np.zeros(top + 1, np.int64)
    total = max(1, int(abs(book[1:]).sum()))
    for first, sign in ((256, -1), (0, 1)):
        own = [code for code in range(1, top + 1) if (book[code] < 0) == (sign < 0)]
        for place, code in enumerate(sorted(own, key=lambda code: (book[code] == 0, abs(book[code]), code))):
            rank[code] = first + place
            value[code] = sign * (abs(book[code]) * 128 * top // total)
    return rank, value
