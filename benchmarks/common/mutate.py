"""Changes to files that leave most of their structure: each takes a numpy Generator, so that a seed gives the same."""

import gzip
import io
import json
import re
import zipfile
import zlib
from typing import Any

import numpy as np
import onnx

from emcc.container.bits import read_uint
from emcc.container.file import BLOCKED, MAGIC, seal, unframe
from emcc.link.frames import Decoder, framed

Rng = np.random.Generator
NUMBERS = (
    0,
    1,
    -1,
    2,
    255,
    256,
    1 << 16,
    (1 << 31) - 1,
    1 << 31,
    1 << 33,
    1 << 40,
    (1 << 62) + 1,
    (1 << 63) - 1,
    -(1 << 63),
)
REALS = (0.0, -0.0, 1.0, -1.0, 1e-45, 3e38, -3e38, 1e300, float("inf"), float("-inf"), float("nan"))
TEXTS = ("", "x", "../x", "/dev/zero", "a\x1b[31mb", "a\0b", "\u202ea", "a" * 5000, "<script>", '"', "%s", "é")
OPERATORS = sorted({schema.name for schema in onnx.defs.get_all_schemas()})


def pick(rng: Rng, values: Any) -> Any:
    """Return one of a sequence."""
    return values[int(rng.integers(len(values)))]


def of_bytes(rng: Rng, data: bytes) -> bytes:
    """Flip, cut, copy, insert or remove bytes, once to three times."""
    out = bytearray(data)
    for _ in range(int(rng.integers(1, 4))):
        at, size = int(rng.integers(len(out) + 1)), int(rng.integers(1, 9))
        match int(rng.integers(5)):
            case 0 if at < len(out):
                out[at] ^= 1 << int(rng.integers(8))
            case 1:
                del out[at:]
            case 2:
                out[at:at] = out[:size]
            case 3:
                out[at:at] = rng.bytes(size)
            case _:
                del out[at : at + size]
    return bytes(out)


def of_value(rng: Rng, value: Any, depth: int = 0) -> Any:
    """Return JSON with one place of it changed: of another kind, out of range, missing, new, or far too deep."""
    if isinstance(value, dict | list) and value and (depth == 0 or rng.random() < 0.85):
        keys = list(value) if isinstance(value, dict) else list(range(len(value)))
        key, copy = pick(rng, keys), value.copy()
        match int(rng.integers(8)):
            case 0:
                del copy[key]
            case 1 if isinstance(copy, dict):
                copy[pick(rng, TEXTS)] = pick(rng, (None, 1, {}, []))
            case 1:
                copy.append(value[key])
            case _:
                copy[key] = of_value(rng, value[key], depth + 1)
        return copy
    deep: Any = []
    for _ in range(int(rng.integers(1, 60))):
        deep = [deep]
    odd = (None, True, {}, [], [None], deep, {"": deep}, *NUMBERS, *REALS, *TEXTS, 10**30, -(10**400))
    if type(value) is int and rng.random() < 0.4:
        return value + int(rng.integers(-3, 4))
    return pick(rng, odd)


def of_json(rng: Rng, data: bytes) -> bytes:
    """Return a JSON file with places changed, or now and then its bytes."""
    if rng.random() < 0.1:
        return pick(rng, (b"[" * 100_000, b'{"format": ' + b"9" * 5000 + b"}", b'{"format": 5}', of_bytes(rng, data)))
    value = json.loads(data)
    for _ in range(int(rng.integers(1, 4))):
        value = of_value(rng, value)
    return json.dumps(value).encode()


_LITERALS = (
    *(
        "inf",
        "nan",
        "1e999",
        "9" * 5000,
        "0x" + "f" * 5000,
        "-1",
        "0",
        "true",
        '""',
        "[]",
        "{}",
        "[" * 2000,
        "{a=" * 2000,
    ),
    *("1979-05-27", "'''", '"\\u0000"', '"\x1b"', "1.5", "[[1], [2]]", '"' + "a" * 3000 + '"'),
)


def of_toml(rng: Rng, data: bytes) -> bytes:
    """Return a TOML file with lines changed: values, keys, sections, far too many dots."""
    lines = [line for line in data.decode().split("\n") if not line.startswith("#")]
    for _ in range(int(rng.integers(1, 4))):
        at = int(rng.integers(len(lines)))
        match int(rng.integers(8)):
            case 0:
                del lines[at]
                lines = lines or [""]
            case 1:
                lines.insert(at, pick(rng, lines))
            case 2:
                lines.insert(at, ".".join(["a"] * int(rng.integers(1, 30_000))) + " = 1")
            case 3:
                return of_bytes(rng, data)
            case 4:
                lines.insert(at, f"[{pick(rng, ('a', 'lower', 'a.b', '[x]', chr(34) * 2))}]")
            case _:
                lines[at] = re.sub(r"=.*", lambda _: "= " + pick(rng, _LITERALS), lines[at])
    return "\n".join(lines).encode()


def of_message(rng: Rng, message: Any, names: list[str]) -> None:
    """Change one field of a protobuf message, or of one inside it."""
    fields = [(field, value) for field, value in message.ListFields() if _size(field, value)]
    if not fields:
        return
    field, value = pick(rng, fields)
    if field.is_repeated:
        at = int(rng.integers(len(value)))
        match int(rng.integers(6)):
            case 0:
                del value[at]
            case 1 if len(value) < 10_000:
                value.extend([value[at]])
            case _ if field.type == field.TYPE_MESSAGE:
                of_message(rng, value[at], names)
            case _:
                value[at] = _scalar(rng, field, value[at], names)
    elif field.type == field.TYPE_MESSAGE:
        if rng.random() < 0.1:
            message.ClearField(field.name)
        else:
            of_message(rng, value, names)
    elif rng.random() < 0.1:
        message.ClearField(field.name)
    else:
        setattr(message, field.name, _scalar(rng, field, value, names))


def _size(field: Any, value: Any) -> int:
    return len(value) if field.is_repeated else 1


def _scalar(rng: Rng, field: Any, value: Any, names: list[str]) -> Any:
    """Return another value of a field."""
    if field.type == field.TYPE_STRING:
        return pick(rng, OPERATORS) if field.name == "op_type" else pick(rng, names if rng.random() < 0.7 else TEXTS)
    if field.type == field.TYPE_BYTES:
        return of_bytes(rng, value)
    if field.type in (field.TYPE_FLOAT, field.TYPE_DOUBLE):
        return pick(rng, REALS)
    if field.type == field.TYPE_ENUM:
        return pick(rng, list(field.enum_type.values)).number
    narrow = field.type in (field.TYPE_INT32, field.TYPE_UINT32)
    number = value + int(rng.integers(-2, 3)) if rng.random() < 0.5 else pick(rng, NUMBERS)
    low = 0 if field.type in (field.TYPE_UINT32, field.TYPE_UINT64) else -(1 << (31 if narrow else 63))
    return min(max(number, low), (1 << (31 if narrow else 63)) - 1)


def of_onnx(rng: Rng, data: bytes) -> bytes:
    """Return a model with one to four fields changed; now and then its bytes."""
    if rng.random() < 0.05:
        return of_bytes(rng, data)
    model = onnx.load_from_string(data)
    names = [name for node in model.graph.node for name in (*node.input, *node.output)] + ["x"]
    for _ in range(int(rng.integers(1, 5))):
        of_message(rng, model.graph if rng.random() < 0.8 else model, names)
    return bytes(model.SerializeToString())


_HEADERS = ("()", "{[]: 1}", "[" * 50, "{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", "")


def of_npz(rng: Rng, data: bytes) -> bytes:
    """Return an npz file with a member's header, values, name or compression changed, or its directory's bytes."""
    if rng.random() < 0.4:
        at = data.rfind(b"PK\1\2") if rng.random() < 0.5 else int(rng.integers(len(data)))
        out = bytearray(data)
        for _ in range(int(rng.integers(1, 4))):
            out[min(at + int(rng.integers(48)), len(out) - 1)] = int(rng.integers(256))
        return bytes(out)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = [[name, archive.read(name)] for name in archive.namelist()]
    row = pick(rng, members)
    match int(rng.integers(6)):
        case 0:
            row[0] = pick(rng, ("x", "y.npy", "../x.npy", "a\x1b.npy", row[0].upper()))
        case 1:
            row[1] = of_bytes(rng, row[1])
        case 2:
            head = pick(rng, _HEADERS).encode()
            row[1] = b"\x93NUMPY\1\0" + len(head).to_bytes(2, "little") + head + row[1][-16:]
        case 3:
            numbers = rb"\d+"
            row[1] = (
                re.sub(numbers, lambda old: pick(rng, (b"0", b"1", b"4294967296", b"9" * 300, old[0])), row[1][:120])
                + row[1][120:]
            )
        case 4:
            row[1] = re.sub(rb"<f4|<i8|\|u1", pick(rng, (b"<f8", b"<u8", b"|b1", b">f4", b"<M8", b"<c8")), row[1])
        case _:
            members.remove(row)
    method = pick(
        rng, (zipfile.ZIP_STORED, zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2)
    )
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return out.getvalue()


def of_frames(rng: Rng, data: bytes) -> bytes:
    """Return frames of which one has another content and the CRC that belongs to it, or with bytes changed."""
    if rng.random() < 0.2:
        return of_bytes(rng, data)
    bodies = list(Decoder().feed(data))
    at = int(rng.integers(len(bodies)))
    bodies[at] = of_bytes(rng, bodies[at])
    return b"".join(map(framed, bodies))


def of_boot(rng: Rng, data: bytes) -> bytes:
    """Return a boot image with bytes changed and a length and CRC that are right, or with bytes changed."""
    if rng.random() < 0.2:
        return of_bytes(rng, data)
    body = of_bytes(rng, data[:-7])
    body += (len(body) & 0xFFFFFF).to_bytes(3, "little")
    return body + zlib.crc32(body).to_bytes(4, "little")


def of_emc(rng: Rng, data: bytes) -> bytes:
    """Return a model.emc with the content of a section changed and checksums that are right, or with bytes changed."""
    if rng.random() < 0.1:
        return of_bytes(rng, data)
    _, sections = unframe(data)
    size, begin = read_uint(data, len(MAGIC) + 1)
    count, at = read_uint(data, begin)
    for _ in range(count):
        _, at = read_uint(data, at)
        at += 4
    contents = {"": data[at : begin + size], **sections}
    name = pick(rng, sorted(contents))
    contents[name] = of_bytes(rng, contents[name])
    return seal(contents.pop(""), contents, data[len(MAGIC)] == BLOCKED)


def of_words(rng: Rng, data: bytes) -> bytes:
    """Return what somebody types: its bytes changed, repeated, or another's."""
    odd = (
        b"",
        b"x" * 5000,
        "é\u202e\U0001f600".encode(),
        b"\xff\xfe",
        b"a\x1b[31mb",
        b"../../x",
        b"-1",
        b"nan",
        b"1e999",
        b"inf",
    )
    match int(rng.integers(4)):
        case 0:
            return bytes(pick(rng, odd))
        case 1:
            return pick(rng, (b"x", b",", b"+", b":", b"")).join([data] * int(rng.integers(1, 40)))
        case 2:
            numbers = (b"0", b"-1", b"4294967296", b"9" * 30, b"9" * 5000, b"1e9", b"0x10", "\u0663".encode(), b"?")
            return re.sub(rb"\d+", lambda _: pick(rng, numbers), data)
    return of_bytes(rng, data)


def of_placed(rng: Rng, data: bytes) -> bytes:
    """Return what is kept of a placed design with its memories, its text or its layouts changed."""
    kept = json.loads(data)
    config, layouts = "placed/config.gz", "placed/layouts.npz"
    match int(rng.integers(5)):
        case 0:
            kept[config] = of_bytes(rng, bytes.fromhex(kept[config])).hex()
        case 1:
            text = of_bytes(rng, gzip.decompress(bytes.fromhex(kept[config])))
            kept[config] = gzip.compress(text, 6, mtime=0).hex()
        case 2:
            kept[layouts] = of_npz(rng, bytes.fromhex(kept[layouts])).hex()
        case 3:
            with np.load(io.BytesIO(bytes.fromhex(kept[layouts]))) as archive:
                arrays = {name: archive[name].copy() for name in archive.files}
            name = pick(rng, sorted(arrays))
            array = arrays[name].reshape(-1)
            array[int(rng.integers(array.size))] = pick(rng, (-1, -2, -3, 0, 127, 128, 1 << 30))
            out = io.BytesIO()
            np.savez_compressed(out, **arrays)
            kept[layouts] = out.getvalue().hex()
        case _:
            kept["memories"] = of_value(rng, kept["memories"])
    return json.dumps(kept).encode()
