"""TensorProto -> NumPy array. Sizes are checked against the bytes that are there before anything is allocated."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto

from emcc.base.errors import EmccError
from emcc.base.text import printable
from emcc.frontend.external import external_bytes
from emcc.frontend.refusal import quoted
from emcc.ir.graph import Array

DAMAGED = "the file is damaged: export it again"
FLOATS = (TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.BFLOAT16, TensorProto.DOUBLE)
_STORED: dict[int, tuple[str, str]] = {
    TensorProto.FLOAT: ("<f4", "float_data"),
    TensorProto.DOUBLE: ("<f8", "double_data"),
    TensorProto.FLOAT16: ("<f2", "int32_data"),
    TensorProto.BFLOAT16: ("<u2", "int32_data"),
    TensorProto.INT64: ("<i8", "int64_data"),
    TensorProto.INT32: ("<i4", "int32_data"),
    TensorProto.INT16: ("<i2", "int32_data"),
    TensorProto.INT8: ("<i1", "int32_data"),
    TensorProto.UINT8: ("<u1", "int32_data"),
    TensorProto.UINT16: ("<u2", "int32_data"),
    TensorProto.BOOL: ("?", "int32_data"),
    TensorProto.UINT32: ("<u4", "uint64_data"),
    TensorProto.UINT64: ("<u8", "uint64_data"),
}
"""Type -> little-endian NumPy type of raw_data, and the field that holds it otherwise (onnx.proto, TensorProto)."""

_HALVED = {TensorProto.INT4: np.int8, TensorProto.UINT4: np.uint8}
"""Types of which a byte holds two, the first in its low half, and what they are read as."""

NUMBERS = frozenset({*_STORED, *_HALVED})
"""Types that emcc reads."""

MOST_AXES = 32
"""NumPy's, before its version 2."""


def type_name(data_type: int) -> str:
    """Return "FLOAT" for 1, and so on; the number where it has no name."""
    try:
        return str(TensorProto.DataType.Name(data_type))
    except ValueError:
        return f"type {data_type}"


def decode(tensor: onnx.TensorProto, path: Path) -> Array:
    """Return the tensor's value; bfloat16 as float32. `path` is the model's file."""
    dims = tuple(tensor.dims)
    if len(dims) > MOST_AXES or sum(size.bit_length() for size in dims) > 64:
        shown = printable(str(list(dims[:MOST_AXES])), 60)
        raise _error(
            tensor, path, f"has {len(dims)} axes of {shown}: more elements than there can be", "export it again"
        )
    if any(size < 0 for size in dims):
        raise _error(tensor, path, f"has a negative dimension: {list(dims)}", "export it again")
    if tensor.data_type not in NUMBERS:
        raise _error(
            tensor, path, f"holds {type_name(tensor.data_type)}, which emcc does not read", "store it as float32"
        )
    if tensor.HasField("segment"):
        raise _error(tensor, path, "is stored in segments", "export it again, whole")
    if tensor.data_type in _HALVED:
        return _halves(tensor, path).reshape(dims)
    dtype, field = np.dtype(_STORED[tensor.data_type][0]), _STORED[tensor.data_type][1]
    count = math.prod(dims)
    if tensor.data_location == TensorProto.EXTERNAL:
        flat = np.frombuffer(external_bytes(tensor, path, count * dtype.itemsize), dtype)
    elif tensor.HasField("raw_data"):
        if len(tensor.raw_data) != count * dtype.itemsize:
            size = f"is {list(dims)} of {type_name(tensor.data_type)}, {count * dtype.itemsize} bytes"
            raise _error(tensor, path, f"{size}, but {len(tensor.raw_data)} bytes are stored", DAMAGED)
        flat = np.frombuffer(tensor.raw_data, dtype)
    else:
        flat = _listed(tensor, path, field, dtype, count)
    if tensor.data_type == TensorProto.BFLOAT16:
        flat = (flat.astype(np.uint32) << np.uint32(16)).view(np.float32)
    return flat.reshape(dims)


def _halves(tensor: onnx.TensorProto, path: Path) -> Array:
    """Return the integers of a type of four bits."""
    count, kind = math.prod(tensor.dims), _HALVED[tensor.data_type]
    size = (count + 1) // 2
    if tensor.data_location == TensorProto.EXTERNAL:
        raw = np.frombuffer(external_bytes(tensor, path, size), np.uint8)
    elif tensor.HasField("raw_data"):
        raw = np.frombuffer(tensor.raw_data, np.uint8)
    else:
        raw = np.asarray(tensor.int32_data, np.int32).astype(np.uint8)
    if len(raw) != size:
        stored = f"is {list(tensor.dims)} of {type_name(tensor.data_type)}, {size} bytes, but {len(raw)} are stored"
        raise _error(tensor, path, stored, DAMAGED)
    both = np.stack([raw & 15, raw >> 4], axis=1).reshape(-1)[:count]
    return both if kind is np.uint8 else ((both.astype(np.int8) ^ 8) - 8).astype(np.int8)


def _listed(tensor: onnx.TensorProto, path: Path, field: str, dtype: np.dtype[Any], count: int) -> Array:
    """Return the values of float_data or another typed field."""
    values = getattr(tensor, field)
    if len(values) != count:
        size = f"is {list(tensor.dims)}, {count} elements"
        raise _error(tensor, path, f"{size}, but {len(values)} are stored", DAMAGED)
    if tensor.data_type == TensorProto.FLOAT16:
        return np.asarray(values, np.int32).astype(np.uint16).view(np.float16)
    wide = np.asarray(values, {"int32_data": np.int32, "uint64_data": np.uint64}.get(field, dtype))
    narrow = wide.astype(dtype)
    if wide.dtype.kind in "iu" and not np.array_equal(wide, narrow):
        raise _error(tensor, path, f"holds numbers beyond {type_name(tensor.data_type)}", "export it again")
    return narrow


def _error(tensor: onnx.TensorProto, path: Path, message: str, hint: str) -> EmccError:
    return EmccError(f"tensor {quoted(tensor.name)} {message}", file=path, hint=hint)
