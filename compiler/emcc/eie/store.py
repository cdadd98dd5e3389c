"""program.npz: a Program as arrays and one JSON header."""

import json
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, get_type_hints

import numpy as np

from emcc.base.errors import EmccError
from emcc.eie.program_check import problems
from emcc.files.arrays import read_npz, write_npz
from emcc.ir.graph import Array, Format
from emcc.ir.program import Layer, Program, Table

VERSION = 1
_ARRAY_DTYPES = {"code": np.uint8, "run": np.uint16}
_NARROW = (np.int8, np.int16, np.int32, np.int64)
_TYPES: dict[type, dict[str, Any]] = {kind: get_type_hints(kind) for kind in (Program, Layer, Table)}
_NESTED = ("layers", "tables", "host")


def save_program(program: Program) -> bytes:
    """Write the file: the same program is the same bytes."""
    header = {"version": VERSION, **_scalars(program), "host": [[op, _plain(dict(a))] for op, a in program.host]}
    header["layers"] = [_scalars(layer) for layer in program.layers]
    header["tables"] = [_scalars(table) for table in program.tables]
    text = json.dumps(header, sort_keys=True, separators=(",", ":")).encode()
    arrays = {"header": np.frombuffer(text, np.uint8), **_arrays(program, "")}
    for i, layer in enumerate(program.layers):
        arrays |= _arrays(layer, f"layer{i}_")
    for i, table in enumerate(program.tables):
        arrays |= _arrays(table, f"table{i}_")
    return write_npz(arrays)


def load_program(source: bytes | Path | str, *, file: object | None = None) -> Program:
    """Read the program of a file or its bytes. EmccError where it is not one that the array can run."""
    if not isinstance(source, bytes):
        file = file or source
        try:
            source = Path(source).read_bytes()
        except OSError as error:
            raise EmccError(f"cannot be read: {error.strerror}", file=file) from error
    arrays = read_npz(source, file)
    hint = "compile the model again, or fetch the file again"
    try:
        program = _program(arrays)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise EmccError(f"is not a program: {error}", file=file, hint=hint) from error
    wrong = problems(program)
    if wrong:
        raise EmccError("is not a program that the array can run", file=file, hint=hint, details=wrong[:10])
    return program


def _scalars(value: Any) -> dict[str, Any]:
    """Return the fields that are neither arrays nor nested."""
    kinds = _TYPES[type(value)]
    scalars: dict[str, Any] = {}
    for field in fields(value):
        kind, item = kinds[field.name], getattr(value, field.name)
        if kind is Format:
            scalars[field.name] = [int(item.width), int(item.frac_bits)]
        elif kind in (int, str, bool):
            scalars[field.name] = kind(item)
        elif kind == tuple[int, ...]:
            scalars[field.name] = [int(size) for size in item]
    return scalars


def _arrays(value: Any, prefix: str) -> dict[str, Array]:
    names = (field.name for field in fields(value) if _TYPES[type(value)][field.name] == Array)
    return {prefix + name: _narrow(np.asarray(getattr(value, name))) for name in names}


def _narrow(array: Array) -> Array:
    """Take the narrowest signed type that holds it; unsigned ones stay."""
    if array.dtype.kind != "i":
        return array
    low, high = int(array.min(initial=0)), int(array.max(initial=0))
    return array.astype(next(t for t in _NARROW if np.iinfo(t).min <= low and high <= np.iinfo(t).max))


def _program(arrays: dict[str, Array]) -> Program:
    text = arrays.pop("header")
    if text.dtype != np.uint8:
        raise ValueError("the header is not text")
    header = json.loads(text.tobytes())
    if not isinstance(header, dict) or header.pop("version", None) != VERSION:
        raise ValueError(f"it is not of version {VERSION}")
    parts: dict[str, Any] = {name: _list(header.pop(name)) for name in _NESTED}
    host = tuple((_is(op, str), _attrs(attrs)) for op, attrs in parts["host"])
    layers = tuple(_value(Layer, item, arrays, f"layer{i}_") for i, item in enumerate(parts["layers"]))
    tables = tuple(_value(Table, item, arrays, f"table{i}_") for i, item in enumerate(parts["tables"]))
    program: Program = _value(Program, header, arrays, "", layers=layers, tables=tables, host=host)
    if arrays:
        raise ValueError(f"it has more arrays: {sorted(arrays)[:3]}")
    return program


def _value(kind: type, scalars: Any, arrays: dict[str, Array], prefix: str, **given: Any) -> Any:
    """Make a dataclass of its scalars and arrays, which are taken out of `arrays`."""
    scalars, values = dict(_is(scalars, dict)), dict(given)
    for field in fields(kind):
        name, hint = field.name, _TYPES[kind][field.name]
        if name in values:
            continue
        if hint == Array:
            values[name] = _widen(arrays.pop(prefix + name), _ARRAY_DTYPES.get(name, np.int64), prefix + name)
        elif hint is Format:
            values[name] = Format(*(_is(number, int) for number in _list(scalars.pop(name))))
        elif hint in (int, str, bool):
            values[name] = _is(scalars.pop(name), hint)
        else:
            values[name] = tuple(_is(size, int) for size in _list(scalars.pop(name)))
    if scalars:
        raise ValueError(f"it has more fields: {sorted(scalars)[:3]}")
    return kind(**values)


def _widen(array: Array, dtype: type, name: str) -> Array:
    if array.dtype.kind != np.dtype(dtype).kind or array.dtype.itemsize > np.dtype(dtype).itemsize:
        raise ValueError(f"the array {name!r} is of {array.dtype}")
    return array.astype(dtype)


def _is(value: Any, kind: type) -> Any:
    if type(value) is not kind:
        raise ValueError(f"it has a {type(value).__name__} where a {kind.__name__} belongs")
    return value


def _list(value: Any) -> list[Any]:
    return list(_is(value, list))


def _plain(value: Any) -> Any:
    """Return attributes as JSON; what JSON has no word for becomes an object of one key."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return {"tuple": [_plain(item) for item in value]}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return {"bytes": value.hex()} if isinstance(value, bytes) else value


def _attrs(value: Any) -> Mapping[str, Any]:
    return {key: _attr(item) for key, item in _is(value, dict).items()}


def _attr(value: Any) -> Any:
    if isinstance(value, list):
        return [_attr(item) for item in value]
    if isinstance(value, dict):
        [(key, item)] = value.items()
        return bytes.fromhex(_is(item, str)) if key == "bytes" else tuple(map(_attr, _list(item)))
    return value
