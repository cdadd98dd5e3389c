"""Constants of any plain type, exactly: floats as integers of one scale where that is shorter than as they are."""

import numpy as np

from emcc.container import ints
from emcc.container.bits import FormatError
from emcc.container.varint import read_uint, uint, unzigzag, zigzag
from emcc.ir.graph import Array

DTYPES = ("float32", "float64", "int64", "int32", "int16", "int8", "uint8", "bool")
AS_IT_IS, AS_FLOAT32, SCALED, SIGNED = range(4)
_FRAC = 1100


def write(values: Array, *, plain: bool = False) -> bytes:
    """The elements in row-major order; dtype (one of DTYPES) and shape are for the caller to store.

    plain: without the range coder.
    """
    flat = values.ravel()
    if flat.dtype.kind != "f":
        return ints.write(flat.astype(np.int64), plain=plain)
    choices = [bytes([AS_IT_IS]) + _raw(flat)]
    with np.errstate(over="ignore", invalid="ignore"):
        single = flat.astype(np.float32)
    if flat.dtype == np.float64 and np.array_equal(single.astype(np.float64).view(np.int64), flat.view(np.int64)):
        choices.append(bytes([AS_FLOAT32]) + _raw(single))
    frac = _frac(flat.astype(np.float64))
    if frac is not None:
        scaled = np.ldexp(flat.astype(np.float64), frac).astype(np.int64)
        negative = np.signbit(flat[flat == 0]).astype(np.int64)
        front = bytes([SIGNED if negative.any() else SCALED]) + uint(zigzag(frac)) + ints.write(scaled, plain=plain)
        choices.append(front + ints.write(negative, plain=plain) if negative.any() else front)
    return min(choices, key=len)


def read(data: bytes, at: int, count: int, dtype: str) -> tuple[Array, int]:
    """(`count` elements, the byte after them)."""
    if np.dtype(dtype).kind != "f":
        values, at = ints.read(data, at, count)
        exact = values.astype(dtype)
        if not np.array_equal(exact.astype(np.int64), values):
            raise FormatError(f"integers that are no {dtype}")
        return exact, at
    if at >= len(data) or data[at] > SIGNED:
        raise FormatError("floats of no known kind")
    if data[at] >= SCALED:
        return _read_scaled(data, at, count, dtype)
    own = np.dtype(dtype if data[at] == AS_IT_IS else "float32").newbyteorder("<")
    end = at + 1 + count * own.itemsize
    if end > len(data):
        raise FormatError("ends within the floats")
    return np.frombuffer(data[at + 1 : end], own).astype(dtype), end


def _read_scaled(data: bytes, at: int, count: int, dtype: str) -> tuple[Array, int]:
    kind = data[at]
    mark, at = read_uint(data, at + 1)
    frac = unzigzag(mark)
    if abs(frac) > _FRAC:
        raise FormatError(f"floats of a scale of 2^{-frac}")
    values, at = ints.read(data, at, count)
    with np.errstate(over="ignore", under="ignore"):
        floats = np.ldexp(values.astype(np.float64), -frac).astype(dtype)
    if kind == SIGNED:
        zeros = np.flatnonzero(floats == 0)
        negative, at = ints.read(data, at, len(zeros))
        floats[zeros[negative != 0]] = -0.0
    return floats, at


def _raw(values: Array) -> bytes:
    return values.astype(values.dtype.newbyteorder("<")).tobytes()


def _frac(values: Array) -> int | None:
    """The least one with which values * 2**frac are integers below 2**62; None if there is none."""
    if not np.isfinite(values).all():
        return None
    used = values[values != 0]
    if not len(used):
        return 0
    mantissas, exponents = np.frexp(used)
    whole = np.ldexp(mantissas, 53).astype(np.int64)
    zeros = np.frexp((whole & -whole).astype(np.float64))[1] - 1
    frac = int((53 - zeros - exponents).max())
    return frac if int(exponents.max()) + frac <= 62 and abs(frac) <= _FRAC else None
