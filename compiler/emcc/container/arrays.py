"""Constants of any plain type, exactly: floats as integers of one scale where that is shorter than as they are."""

import numpy as np

from emcc.container import ints
from emcc.container.bits import FormatError, pack, read_sint, sint, unpack
from emcc.ir.graph import Array

DTYPES = ("float32", "float64", "int64", "int32", "int16", "int8", "uint8", "bool")
AS_IT_IS, SPLIT, SCALED = range(3)
_FRAC = 1100


def write(values: Array) -> bytes:
    """The elements in row-major order; dtype (one of DTYPES) and shape are for the caller to store."""
    flat = values.ravel()
    if flat.dtype.kind != "f":
        return ints.write(flat.astype(np.int64))
    choices = [bytes([AS_IT_IS]) + flat.astype(flat.dtype.newbyteorder("<")).tobytes()]
    with np.errstate(over="ignore", invalid="ignore"):
        single = flat.astype(np.float32)
    if np.array_equal(single.astype(flat.dtype).view(np.uint8), flat.view(np.uint8)):
        bits = single.view(np.uint32).astype(np.int64)
        rest = bits & 0x7FFFFF | bits >> 8 & 0x800000
        choices.append(bytes([SPLIT]) + ints.write_bytes(bits >> 23 & 255, 8) + pack(rest, np.full(len(flat), 24)))
    frac = _frac(flat.astype(np.float64))
    if frac is not None:
        scaled = np.ldexp(flat.astype(np.float64), frac).astype(np.int64)
        choices.append(bytes([SCALED]) + sint(frac) + ints.write(scaled))
    return min(choices, key=len)


def read(data: bytes, at: int, count: int, dtype: str) -> tuple[Array, int]:
    """(`count` elements, the byte after them)."""
    if np.dtype(dtype).kind != "f":
        values, at = ints.read(data, at, count)
        exact = values.astype(dtype)
        if not np.array_equal(exact.astype(np.int64), values):
            raise FormatError(f"integers that are no {dtype}")
        return exact, at
    if at >= len(data) or data[at] > SCALED:
        raise FormatError("floats of no known kind")
    if data[at] == SPLIT:
        return _read_split(data, at + 1, count, dtype)
    if data[at] != AS_IT_IS:
        return _read_scaled(data, at, count, dtype)
    own = np.dtype(dtype).newbyteorder("<")
    end = at + 1 + count * own.itemsize
    if end > len(data):
        raise FormatError("ends within the floats")
    return np.frombuffer(data[at + 1 : end], own).astype(dtype), end


def _read_split(data: bytes, at: int, count: int, dtype: str) -> tuple[Array, int]:
    """Float32 numbers: their exponents, then sign and fraction of each."""
    exponents, at = ints.read_bytes(data, at, count, 8)
    end = at + 3 * count
    rest = unpack(data[at:end], np.broadcast_to(np.int64(24), count)).astype(np.uint32)
    bits = (rest & 0x800000) << 8 | exponents.astype(np.uint32) << 23 | rest & 0x7FFFFF
    return bits.astype(np.uint32).view(np.float32).astype(dtype), end


def _read_scaled(data: bytes, at: int, count: int, dtype: str) -> tuple[Array, int]:
    frac, at = read_sint(data, at + 1)
    if abs(frac) > _FRAC:
        raise FormatError(f"floats of a scale of 2^{-frac}")
    values, at = ints.read(data, at, count)
    with np.errstate(over="ignore", under="ignore"):
        floats = np.ldexp(values.astype(np.float64), -frac).astype(dtype)
    return floats, at


def _frac(values: Array) -> int | None:
    """The least one with which values * 2**frac are integers below 2**62, and none is a negative zero; else None."""
    if not np.isfinite(values).all() or np.signbit(values[values == 0]).any():
        return None
    used = values[values != 0]
    if not len(used):
        return 0
    mantissas, exponents = np.frexp(used)
    whole = np.ldexp(mantissas, 53).astype(np.int64)
    zeros = np.frexp((whole & -whole).astype(np.float64))[1] - 1
    frac = int((53 - zeros - exponents).max())
    return frac if int(exponents.max()) + frac <= 62 and abs(frac) <= _FRAC else None
