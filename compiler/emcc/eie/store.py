"""program.npz: a Program as arrays and one JSON header.

The header is the Program's fields by name, nested as they are; the place of an array is empty, and the array is the
member of the file that is called after the way to it: "slices.0.code".
"""

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

import numpy as np

from emcc.base.errors import EmccError
from emcc.eie.program_check import problems
from emcc.files import door
from emcc.files.arrays import read_npz, write_npz
from emcc.files.texts import from_json
from emcc.ir.graph import Array
from emcc.ir.program import Program

VERSION = 5
_DTYPES: Mapping[str, type | None] = {
    **{"code": np.uint16, "run": np.uint16, "codes": np.uint16, "constants": None},
    **{"scale": np.float64, "offset": np.float64},
}
"""By field: what its arrays are; None for as they are, int64 where nothing is said."""

_LATER: Mapping[str, object] = {"next_input": False, "early": 0, "again": 0}
"""Fields that came later: they are not there where they are at this value."""

_AS_THEY_ARE = ("code", "codes")
"""uint8, or uint16 where codes are weights of 16 bits."""

_NARROW = (np.int8, np.int16, np.int32, np.int64)
_hints = cache(get_type_hints)


def save_program(program: Program) -> bytes:
    """Write the file: the same program is the same bytes."""
    arrays: dict[str, Array] = {}
    header = {"version": VERSION, **_packed(program, "", arrays)}
    text = json.dumps(header, sort_keys=True, separators=(",", ":")).encode()
    return write_npz({"header": np.frombuffer(text, np.uint8), **arrays})


def load_program(source: bytes | Path | str, *, file: object | None = None) -> Program:
    """Read the program of a file or its bytes. EmccError where it is not a whole and sound one."""
    if not isinstance(source, bytes):
        file = file or source
        try:
            source = door.read_inside(Path(source).parent, Path(source).name)
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
        raise EmccError("is not a program that an array can run", file=file, hint=hint, details=wrong[:10])
    return program


def _packed(value: Any, place: str, arrays: dict[str, Array]) -> Any:
    """Return a value as JSON, its arrays put into `arrays`."""
    if isinstance(value, np.ndarray):
        arrays[place] = _narrow(value)
        return None
    if is_dataclass(value):
        front = f"{place}." if place else ""
        held = {field.name: getattr(value, field.name) for field in fields(value)}
        some = {name: item for name, item in held.items() if name not in _LATER or item != _LATER[name]}
        return {name: _packed(item, front + name, arrays) for name, item in some.items()}
    if isinstance(value, tuple):
        return [_packed(item, f"{place}.{i}", arrays) for i, item in enumerate(value)]
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return value.item() if isinstance(value, np.generic) else value


def _narrow(array: Array) -> Array:
    """Take the narrowest signed type that holds it; others stay."""
    if array.dtype != np.int64:
        return array
    low, high = int(array.min(initial=0)), int(array.max(initial=0))
    return array.astype(next(t for t in _NARROW if np.iinfo(t).min <= low and high <= np.iinfo(t).max))


def _program(arrays: dict[str, Array]) -> Program:
    text = arrays.pop("header")
    if text.dtype != np.uint8:
        raise ValueError("the header is not text")
    header = from_json(text.tobytes())
    if not isinstance(header, dict) or header.pop("version", None) != VERSION:
        raise ValueError(f"it is not of version {VERSION}")
    program: Program = _unpacked(Program, header, "", arrays)
    if arrays:
        raise ValueError(f"it has more arrays: {sorted(arrays)[:3]}")
    return program


def _unpacked(hint: Any, value: Any, place: str, arrays: dict[str, Array]) -> Any:
    """Return JSON as a value of the type that `hint` says, its arrays taken out of `arrays`."""
    if hint == Array:
        _is(value, type(None))
        return _widen(arrays.pop(place), place)
    if is_dataclass(hint):
        kinds, front = _hints(hint), f"{place}." if place else ""  # type: ignore[arg-type]
        rest = {name: item for name, item in _LATER.items() if name in kinds} | _is(value, dict)
        made = {
            field.name: _unpacked(kinds[field.name], rest.pop(field.name), front + field.name, arrays)
            for field in fields(hint)
        }
        if rest:
            raise ValueError(f"it has more fields: {sorted(rest)[:3]}")
        return hint(**made)  # type: ignore[operator]
    if get_origin(hint) is tuple:
        kinds_of, items = get_args(hint), list(_is(value, list))
        of_items = kinds_of[:1] * len(items) if kinds_of[1:] == (...,) else kinds_of
        if len(of_items) != len(items):
            raise ValueError(f"{place} has {len(items)} items, not {len(of_items)}")
        return tuple(
            _unpacked(kind, item, f"{place}.{i}", arrays)
            for i, (kind, item) in enumerate(zip(of_items, items, strict=True))
        )
    if get_origin(hint) is not None:
        return {key: _attr(item) for key, item in _is(value, dict).items()}
    return _is(value, hint)


def _widen(array: Array, place: str) -> Array:
    names = [name for name in place.split(".") if not name.isdigit()]
    dtype = _DTYPES.get(names[-1], np.int64)
    if dtype is None and array.dtype.kind in "biuf":
        return array
    kind = np.dtype(dtype)
    if array.dtype.kind != kind.kind or array.dtype.itemsize > kind.itemsize:
        raise ValueError(f"the array {place!r} is of {array.dtype}")
    return array if names[-1] in _AS_THEY_ARE else array.astype(kind)


def _is(value: Any, kind: type) -> Any:
    if type(value) is not kind:
        raise ValueError(f"it has a {type(value).__name__} where a {kind.__name__} belongs")
    return value


def _plain(value: Any) -> Any:
    """Return attributes as JSON; what JSON has no word for becomes an object of one key."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return {"tuple": [_plain(item) for item in value]}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return {"bytes": value.hex()} if isinstance(value, bytes) else value


def _attr(value: Any) -> Any:
    if isinstance(value, list):
        return [_attr(item) for item in value]
    if isinstance(value, dict):
        [(key, item)] = value.items()
        return bytes.fromhex(_is(item, str)) if key == "bytes" else tuple(map(_attr, _is(item, list)))
    return value
