"""Data files (.npz) that are damaged, far larger than they look, or of another kind."""

import io
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common.doors.row import Row

from models import mlp, save  # type: ignore[import-not-found]  # isort: skip

Build = Callable[[Path], object]
DATA = ("compile", "m.onnx", "--keep-weights", "--quiet", "--out", "out", "--data", "d.npz")
X = np.zeros((5, 4), np.float32)
HEADER = "{'descr': '<f4', 'fortran_order': False, 'shape': (5, 4), }"


def npy(array: Any) -> bytes:
    """An array as numpy writes it."""
    out = io.BytesIO()
    np.save(out, array, allow_pickle=True)
    return out.getvalue()


def titled(header: str, rest: bytes = bytes(80)) -> bytes:
    """A member with that header."""
    return b"\x93NUMPY\1\0" + len(header).to_bytes(2, "little") + header.encode() + rest


def with_members(members: dict[str, bytes], method: int = zipfile.ZIP_STORED, change: Any = None) -> Build:
    """A good model and d.npz of these members; `change` alters its bytes."""

    def build(folder: Path) -> None:
        save(mlp((4, 3)), folder / "m.onnx")
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", method) as archive:
            for name, content in members.items():
                archive.writestr(name, content)
        data = out.getvalue()
        (folder / "d.npz").write_bytes(change(data) if change else data)

    return build


def with_arrays(**arrays: Any) -> Build:
    """The same of arrays."""
    return with_members({f"{name}.npy": npy(array) for name, array in arrays.items()})


def damaged(data: bytes) -> bytes:
    """Its first member's content with bytes turned over."""
    return data[:60] + bytes(byte ^ 0x55 for byte in data[60:70]) + data[70:]


def lying(size: int, field: int) -> Callable[[bytes], bytes]:
    """Its directory with another size (20: compressed, 24: of the content, 42: where it begins)."""

    def change(data: bytes) -> bytes:
        at = data.index(b"PK\1\2") + field
        return data[:at] + size.to_bytes(4, "little") + data[at + 4 :]

    return change


def unnamed(data: bytes) -> bytes:
    """Its member's name taken for an extra field."""
    out, at = bytearray(data), data.index(b"PK\1\2")
    for place in (26, at + 28):
        out[place : place + 4] = bytes([0, 0, 5, 0])
    return bytes(out)


def many(count: int) -> Build:
    """So many members."""
    return with_members({"x.npy": npy(X), **{f"{i}.npy": b"" for i in range(count)}})


def placed(make: Callable[[Path], object]) -> Build:
    """A good model, and something else where the data is."""

    def build(folder: Path) -> None:
        save(mlp((4, 3)), folder / "m.onnx")
        make(folder / "d.npz")

    return build


def bomb(method: int, size: int) -> Build:
    """x of zeros, of so many bytes."""

    def build(folder: Path) -> None:
        save(mlp((4, 3)), folder / "m.onnx")
        with (
            zipfile.ZipFile(folder / "d.npz", "w", method) as archive,
            archive.open("x.npy", "w", force_zip64=True) as file,
        ):
            file.write(titled(HEADER.replace("5, 4", f"{size // 16}, 4"), b""))
            for _ in range(size >> 20):
                file.write(bytes(1 << 20))

    return build


NONE = "is not an array"
ROWS = (
    Row("npz: LZMA, damaged", with_members({"x.npy": npy(X)}, zipfile.ZIP_LZMA, damaged), DATA, "d.npz"),
    Row("npz: bzip2, damaged", with_members({"x.npy": npy(X)}, zipfile.ZIP_BZIP2, damaged), DATA, "d.npz"),
    Row("npz: LZMA", with_members({"x.npy": npy(X)}, zipfile.ZIP_LZMA), DATA, "compressed in a way"),
    Row("npz: bzip2", with_members({"x.npy": npy(X)}, zipfile.ZIP_BZIP2), DATA, "compressed in a way"),
    Row("npz: deflate, damaged", with_members({"x.npy": npy(X)}, zipfile.ZIP_DEFLATED, damaged), DATA, "d.npz"),
    Row("npz: a bomb of 300 MB by LZMA", bomb(zipfile.ZIP_LZMA, 300 << 20), DATA, "compressed in a way", cheap=False),
    Row("npz: a bomb of 300 MB by bzip2", bomb(zipfile.ZIP_BZIP2, 300 << 20), DATA, "compressed in a way", cheap=False),
    Row(
        "npz: a bomb of 3 GB by deflate",
        bomb(zipfile.ZIP_DEFLATED, 3000 << 20),
        DATA,
        "not compressed alone",
        cheap=False,
    ),
    *(
        Row(
            f"npz: the directory says {size} at {field} of method {method}",
            with_members({"x.npy": npy(X)}, method, lying(size, field)),
            DATA,
            "d.npz",
        )
        for method, size, field in (
            (zipfile.ZIP_STORED, 0xFFFFFFFE, 24),
            (zipfile.ZIP_STORED, 3, 24),
            (zipfile.ZIP_DEFLATED, 0xFFFFFFFE, 24),
            (zipfile.ZIP_DEFLATED, 0xFFFFFFFE, 20),
            (zipfile.ZIP_STORED, 0xFFFFFF, 42),
            (zipfile.ZIP_STORED, 0, 20),
        )
    ),
    Row("npz: header ()", with_members({"x.npy": titled("()")}), DATA, NONE),
    Row("npz: header {[]: 1}", with_members({"x.npy": titled("{[]: 1}")}), DATA, NONE),
    Row("npz: header of 50 brackets", with_members({"x.npy": titled("[" * 50)}), DATA, NONE),
    Row("npz: header of 60,000 brackets", with_members({"x.npy": titled("[" * 60_000)}), DATA, NONE),
    Row(
        "npz: header that calls", with_members({"x.npy": titled("__import__('os').system('touch owned')")}), DATA, NONE
    ),
    Row("npz: an empty name", with_members({"x.npy": npy(X)}, change=unnamed), DATA, "d.npz"),
    Row("npz: only .npy", with_members({".npy": npy(X)}), DATA, "no array called x"),
    Row("npz: a name of controls", with_members({"a\x1b[31m\u202e.npy": npy(X)}), DATA, "no array called x"),
    Row("npz: 50,000 members", many(50_000), DATA, code=0, seconds=8, cheap=False),
    Row("npz: uint64 labels of 2^63", with_arrays(x=X, y=np.full(5, 1 << 63, np.uint64)), DATA, "class numbers from"),
    Row("npz: int64 labels of -2^63", with_arrays(x=X, y=np.full(5, -(1 << 63))), DATA, "class numbers from"),
    Row("npz: labels of NaN", with_arrays(x=X, y=np.full((5, 3), np.nan)), DATA, "NaN or infinite"),
    Row("npz: labels of text", with_arrays(x=X, y=np.array(["a"] * 5)), DATA, "y"),
    Row("npz: x of objects", with_arrays(x=np.array([{}], object)), DATA, "Python objects"),
    Row("npz: x of dates", with_arrays(x=np.zeros((5, 4), "M8[s]")), DATA, NONE),
    Row("npz: x of no axes", with_arrays(x=np.float32(1)), DATA, "shape []"),
    Row(
        "npz: x of 2^40 samples of nothing",
        with_members({"x.npy": titled(HEADER.replace("5, 4", f"{1 << 40}, 0"), b"")}),
        DATA,
        "shape",
    ),
    Row("npz: a pipe", placed(os.mkfifo), DATA, "a device, a pipe or a socket"),
    Row("npz: /dev/zero", placed(lambda path: path.symlink_to("/dev/zero")), DATA, "a device"),
    Row("npz: a ring of links", placed(lambda path: path.symlink_to("d.npz")), DATA, "symbolic links"),
    Row("npz: nothing in it", with_members({}), DATA, "no array called x, only nothing"),
)
