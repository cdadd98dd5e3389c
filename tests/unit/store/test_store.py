"""program.npz holds a Program exactly, and nothing else passes for one."""

import io
import json
import zipfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import fields, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emcc.base.errors import EmccError
from emcc.eie.store import load_program, save_program
from emcc.files.arrays import read_npz, write_npz
from emcc.ir.graph import Format
from emcc.ir.program import Layer, Program, Table

ACT = Format(16, 8)


@cache
def program() -> Program:
    """Two layers on two PEs; the matrices are [[1 0 2], [0 0 0], [0 3 0]] and [[1, 2, 3]] in codes."""
    first = Layer(
        name="ip1\n", n_in=3, n_out=3, code_w=2, run_w=1, codebook=np.array([0, -300, 70, 32767]),
        start=np.array([[0, 1, 2], [0, 0, 0]]), count=np.array([[1, 1, 1], [0, 0, 0]]), first=np.array([0, 3, 3]),
        code=np.array([1, 3, 2], np.uint8), run=np.array([0, 1, 0], np.uint16), bias=np.array([1 << 40, 0, -5]),
        in_fmt=ACT, z_fmt=ACT, out_fmt=ACT, weight_frac=12, shift=12, function="table", table=0, padding=0,
    )  # fmt: skip
    second = replace(
        first, name="ip2", n_out=1, start=np.array([[0, 1, 2], [0, 0, 0]]), code=np.array([1, 2, 3], np.uint8),
        run=np.zeros(3, np.uint16), bias=np.array([7]), function="relu", table=-1,
    )  # fmt: skip
    table = Table(4, 2, np.arange(4096) * 8 - 16384, np.arange(64))
    host = (("Softmax", {"axis": -1, "odd": (1, [2.5, None], b"\0", "é", True)}),)
    return Program(
        name="<b>", pes=2, act_w=16, acc_w=42, queue_depth=16, layers=(first, second), tables=(table,), input_name="x",
        input_shape=(2, 2), input_order=np.array([3, 0, 2]), output_name="y", output_shape=(1,),
        output_order=np.array([0]), host=host,
    )  # fmt: skip


def same(a: Any, b: Any) -> bool:
    """Equal, dtypes too."""
    for field in fields(a):
        x, y = getattr(a, field.name), getattr(b, field.name)
        if isinstance(x, np.ndarray):
            if x.dtype != y.dtype or not np.array_equal(x, y):
                return False
        elif field.name in ("layers", "tables"):
            if len(x) != len(y) or not all(map(same, x, y)):
                return False
        elif x != y:
            return False
    return True


def test_round_trip(tmp_path: Path) -> None:
    data = save_program(program())
    (tmp_path / "program.npz").write_bytes(data)
    for source in (data, tmp_path / "program.npz", str(tmp_path / "program.npz")):
        result = load_program(source)
        assert same(result, program())
        assert save_program(result) == data


def test_numpy_reads_it_too() -> None:
    with np.load(io.BytesIO(save_program(program())), allow_pickle=False) as arrays:
        assert json.loads(arrays["header"].tobytes())["pes"] == 2
        assert arrays["layer0_bias"].tolist() == [1 << 40, 0, -5]


def test_a_bit_flipped_is_refused_or_harmless() -> None:
    """Harmless: a zip's dates and flags."""
    data = save_program(replace(program(), tables=(), layers=program().layers[1:], input_order=np.arange(3)))
    for bit in range(0, len(data) * 8, 13):
        damaged = bytearray(data)
        damaged[bit // 8] ^= 1 << bit % 8
        with suppress(EmccError):
            assert save_program(load_program(bytes(damaged))) == data


def test_cut_short() -> None:
    data = save_program(program())
    for end in range(0, len(data), 7):
        with pytest.raises(EmccError):
            load_program(data[:end], file="program.npz")


def layer(**changes: Any) -> Callable[[Program], Program]:
    return lambda p: replace(p, layers=(replace(p.layers[0], **changes), p.layers[1]))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda p: replace(p, pes=0), "0 PEs"),
        (lambda p: replace(p, act_w=12), "activations of 12 bits"),
        (lambda p: replace(p, queue_depth=0), "queues of 0"),
        (lambda p: replace(p, pes=257), "257 PEs"),
        (lambda p: replace(p, acc_w=49), "accumulators of 49"),
        (lambda p: replace(p, queue_depth=1), "queues of 1 entries"),
        (lambda p: replace(p, queue_depth=24), "queues of 24 entries"),
        (lambda p: replace(p, queue_depth=256), "queues of 256 entries"),
        (layer(bias=np.array([(1 << 41) - 1, 0, 0])), "layer 1: sums of up to 2"),
        (lambda p: replace(p, tables=(p.tables[0], Table(0, 0, np.zeros(1 << 16, np.int64), np.zeros(1, np.int64)))),
         "tables of different splits"),
        (lambda p: replace(p, host=(("Exec", {}),)), "no operator 'Exec'"),
        (lambda p: replace(p, host=(("Softmax", {"axis": 7}),)), "do not fit the output"),
        (lambda p: replace(p, host=(("ArgMax", {"axis": "x"}),)), "do not fit the output"),
        (lambda p: replace(p, layers=()), "no layers"),
        (lambda p: replace(p, input_shape=(3,)), "distinct elements of the input"),
        (lambda p: replace(p, input_order=np.array([3, 0, 3])), "distinct elements of the input"),
        (lambda p: replace(p, output_order=np.array([1])), "not a permutation"),
        (lambda p: replace(p, output_shape=(2,)), "do not fit"),
        (lambda p: replace(p, layers=(p.layers[0], p.layers[0])), "do not fit"),
        (lambda p: replace(p, tables=(replace(p.tables[0], lo_bits=3),)), "table 0: "),
        (lambda p: replace(p, tables=(replace(p.tables[0], fine=np.arange(64) << 10),)), "entries beyond 16 bits"),
        (layer(code_w=3), "codes of 3"),
        (layer(codebook=np.zeros(8, np.int64)), "codebook is of shape"),
        (layer(codebook=np.array([0, 1, 2, 32768])), "codebook entries beyond"),
        (layer(count=np.array([[1, 2, 1], [0, 0, 0]])), "4 entries, not 3"),
        (layer(count=np.array([[1, 1, 0], [0, 0, 1]])), "slices do not follow"),
        (layer(start=np.array([[0, 0, 0], [0, 0, 0]])), "columns do not follow"),
        (layer(run=np.array([1, 1, 1], np.uint16), first=np.array([0, 0, 3]), start=np.array([[0, 0, 0], [0, 1, 2]]),
               count=np.array([[0, 0, 0], [1, 1, 1]])), "beyond row 2"),
        (layer(run=np.array([0, 2, 0], np.uint16)), "runs beyond 1 bits"),
        (layer(code=np.array([0, 4, 0], np.uint8)), "codes beyond 2"),
        (layer(bias=np.array([1 << 41, 0, 0])), "beyond the accumulator's 42 bits"),
        (layer(shift=11), "it shifts by 11"),
        (layer(shift=64, weight_frac=64), "it shifts by 64"),
        (layer(shift=42, weight_frac=42), "it shifts by 42"),
        (layer(function="relu"), "function 'relu' with table 0"),
        (layer(table=1), "table 1 of 1"),
        (layer(padding=4), "4 padding zeros"),
        (layer(padding=1), "1 padding zeros"),
        (lambda p: replace(p, layers=(p.layers[0], replace(p.layers[1], out_fmt=Format(16, 7)))), "changes the format"),
        (lambda p: replace(p, tables=(Table(0, 2, np.arange(65536) - 32768, np.zeros(4, np.int64)),)),
         "a split of 0 low and 2 high bits"),
        (layer(out_fmt=Format(16, 7)), "is not what layer 2 takes"),
        (layer(z_fmt=Format(8, 8)), "a format of 8 bits"),
    ],
)  # fmt: skip
def test_programs_that_cannot_run_are_refused(change: Callable[[Program], Program], message: str) -> None:
    with pytest.raises(EmccError) as error:
        load_program(save_program(change(program())), file="program.npz")
    assert str(error.value).startswith("program.npz: is not a program")
    assert message in str(error.value)


def edited(edit: Callable[[dict[str, Any]], Any]) -> bytes:
    """The file with another header."""
    arrays = read_npz(save_program(program()))
    header = json.loads(arrays["header"].tobytes())
    edit(header)
    return write_npz({**arrays, "header": np.frombuffer(json.dumps(header).encode(), np.uint8)})


@pytest.mark.parametrize(
    "edit",
    [
        lambda h: h.pop("pes"),
        lambda h: h.update(pes="2"),
        lambda h: h.update(pes=True),
        lambda h: h.update(version=2),
        lambda h: h.update(more=1),
        lambda h: h["layers"].append({}),
        lambda h: h["layers"].pop(),
        lambda h: h["layers"][0].update(in_fmt=[16]),
        lambda h: h.update(host=[["Softmax", {"axis": {"a": 1, "b": 2}}]]),
        lambda h: h.update(host=[["Softmax"]]),
    ],
)
def test_headers_that_do_not_fit_are_refused(edit: Callable[[dict[str, Any]], Any]) -> None:
    with pytest.raises(EmccError, match="is not a program"):
        load_program(edited(edit))


def _npz(content: bytes, method: int = zipfile.ZIP_STORED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        archive.writestr("header.npy", content)
    return out.getvalue()


def _npy(header: str, rest: bytes = b"") -> bytes:
    return b"\x93NUMPY\1\0" + len(header).to_bytes(2, "little") + header.encode() + rest


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"PK",
        _npz(b""),
        _npz(b"\0" * 10000, zipfile.ZIP_DEFLATED),
        _npz(_npy("{'descr': '<i8', 'fortran_order': False, 'shape': (1099511627776,), }\n")),
        _npz(_npy("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }\n", b"\x80\x04N.")),
        _npz(_npy("{'descr': '<i8', 'fortran_order': False, 'shape': (-1,), }\n", b"12345678")),
        _npz(_npy("[" * 3000)),
        _npz(_npy("{'descr': '|u1', 'fortran_order': False, 'shape': (2,), }\n", b"[]")),
    ],
)
def test_files_of_other_things_are_refused(data: bytes) -> None:
    with pytest.raises(EmccError):
        load_program(data)


def test_a_missing_file_is_the_users_mistake(tmp_path: Path) -> None:
    with pytest.raises(EmccError, match="cannot be read: No such file"):
        load_program(tmp_path / "program.npz")


@settings(max_examples=300)
@given(at=st.integers(0, 20000), content=st.binary(min_size=1, max_size=8))
def test_random_damage(at: int, content: bytes) -> None:
    data = save_program(program())
    at %= len(data)
    with suppress(EmccError):
        load_program(data[:at] + content + data[at + len(content) :])
