"""The one reader of npz files: numpy's files are read as numpy reads them, and nothing else passes for one."""

import io
import zipfile
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from emcc.base.errors import EmccError
from emcc.files import arrays as arrays_module
from emcc.files.arrays import DAMAGED, PLAIN, member, read_npz, write_npz

DTYPES = ["|b1", "|i1", "|u1", *(f"{order}{kind}" for order in "<>" for kind in ("i2", "u4", "i8", "f2", "f4", "f8"))]


@settings(max_examples=100, deadline=None)
@given(
    array=st.sampled_from(DTYPES).flatmap(
        lambda dtype: arrays.arrays(dtype, arrays.array_shapes(min_dims=0, min_side=0))
    ),
    fortran=st.booleans(),
    version=st.sampled_from([(1, 0), (2, 0), (3, 0)]),
    method=st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED]),
)  # fmt: skip
def test_as_numpy_writes_it(array: np.ndarray, fortran: bool, version: tuple[int, int], method: int) -> None:
    stream, out = io.BytesIO(), io.BytesIO()
    np.lib.format.write_array(stream, np.asarray(array, order="F" if fortran else "C"), version)
    with zipfile.ZipFile(out, "w", method) as archive:
        archive.writestr("x.npy", stream.getvalue())
    with zipfile.ZipFile(out) as archive:
        result = member(archive, "x").read()
    assert (result.dtype, result.shape, result.flags.writeable) == (array.dtype, array.shape, False)
    np.testing.assert_array_equal(result, array)


@given(st.dictionaries(st.text("ab/é_0", min_size=1, max_size=5), st.sampled_from(sorted(PLAIN)).flatmap(
    lambda dtype: arrays.arrays(dtype, arrays.array_shapes(min_dims=0, min_side=0))), max_size=3,
))  # fmt: skip
def test_what_we_write_we_read(values: dict[str, np.ndarray]) -> None:
    with suppress(UnicodeEncodeError):
        result = read_npz(write_npz(values))
        assert list(result) == list(values)
        assert all(
            (result[name].dtype, result[name].shape) == (values[name].dtype, values[name].shape) for name in values
        )
    for name in values:
        np.testing.assert_array_equal(result[name], values[name])


def test_mapped_where_it_is_stored(tmp_path: Path) -> None:
    x = np.arange(6, dtype=">f8").reshape(2, 3)
    for save, mapped in ((np.savez, True), (np.savez_compressed, False)):
        save(tmp_path / "d.npz", y=np.ones(3), x=x)
        with zipfile.ZipFile(tmp_path / "d.npz") as archive:
            result = member(archive, "x").map(tmp_path / "d.npz")
        assert isinstance(result, np.memmap) == mapped
        np.testing.assert_array_equal(result, x)


HEADER = "{'descr': '<i8', 'fortran_order': False, 'shape': (1,), }"


@pytest.mark.parametrize(
    "header",
    [
        HEADER.replace("<i8", "<i8' + 'x"), HEADER.replace("'<i8'", "[('a', '<i8')]"), HEADER.replace("(1,)", "[1]"),
        HEADER.replace("False", "'<i8'"), HEADER.replace("'<i8'", "True"), HEADER.replace("(1,)", "True"),
        HEADER.replace("False", "0"), HEADER.replace("shape", "descr"), HEADER + HEADER, "", "{",
        HEADER.replace("(1,)", "(" + "9" * 500 + ",)"), " " * 60_000, "{ " * 30_000, HEADER.replace("1,", "-1, -1"),
        HEADER.replace("<i8", "<U999999"), HEADER.replace("<i8", "<i0"), HEADER.replace("<i8", "|O"),
    ],
)  # fmt: skip
def test_headers_that_numpy_does_not_write_of_plain_numbers(header: str) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("x.npy", b"\x93NUMPY\1\0" + len(header).to_bytes(2, "little") + header.encode() + bytes(8))
    with (
        zipfile.ZipFile(out) as archive,
        pytest.raises(ValueError, match=r"^(is not an array|is damaged|holds Python)"),
    ):
        member(archive, "x")


@pytest.mark.parametrize(
    "array", [np.ones((2, 3), order="F"), np.ones(2, ">f8"), np.ones(2, "c16"), np.array(["a"])], ids=str
)
def test_our_own_files_hold_plain_arrays_only(array: np.ndarray) -> None:
    out = io.BytesIO()
    np.savez(out, x=array)
    with pytest.raises(EmccError, match="the array 'x' is not one of plain numbers"):
        read_npz(out.getvalue())


def test_a_size_that_the_file_cannot_hold_is_not_believed() -> None:
    """A directory that promises 2**60 bytes of a deflated member: nothing is allocated for it."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.npy", bytes(1000))
    with zipfile.ZipFile(out) as archive:
        archive.getinfo("x.npy").file_size = 1 << 60
        with pytest.raises(ValueError, match="larger than the file can hold"):
            member(archive, "x")


@settings(max_examples=300, deadline=None)
@given(at=st.integers(0, 4000), content=st.binary(min_size=1, max_size=8), deflated=st.booleans())
def test_random_damage(at: int, content: bytes, deflated: bool) -> None:
    out = io.BytesIO()
    (np.savez_compressed if deflated else np.savez)(out, x=np.arange(40.0), y=np.arange(9, dtype=np.int8))
    data = out.getvalue()
    at %= len(data)
    damaged = data[:at] + content + data[at + len(content) :]
    with suppress(EmccError):
        read_npz(damaged)
    with suppress(*DAMAGED, KeyError), zipfile.ZipFile(io.BytesIO(damaged)) as archive:
        member(archive, "x").read()


@pytest.mark.parametrize("method", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_what_numpy_does_not_write_is_not_unpacked(method: int) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        archive.writestr("x.npy", bytes(100_000))
    with zipfile.ZipFile(out) as archive, pytest.raises(ValueError, match="compressed in a way that numpy does not"):
        member(archive, "x")


def test_what_is_compressed_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A small file may say that zeros are many."""
    out = io.BytesIO()
    np.savez_compressed(out, x=np.zeros(5000))
    monkeypatch.setattr(arrays_module, "_INFLATED", 40_127)
    with zipfile.ZipFile(out) as archive, pytest.raises(ValueError, match="has more than 40,127 bytes"):
        member(archive, "x")
    monkeypatch.setattr(arrays_module, "_INFLATED", 40_128)
    with zipfile.ZipFile(out) as archive:
        assert member(archive, "x").shape == (5000,)
