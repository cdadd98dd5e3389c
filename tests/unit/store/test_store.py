"""program.npz holds a Program exactly, and nothing else passes for one."""

import io
import json
import zipfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import fields, is_dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emcc.base.errors import EmccError
from emcc.eie import reference
from emcc.eie.store import load_program, save_program
from emcc.files.arrays import read_npz, write_npz
from emcc.ir.graph import Affine, Format
from emcc.ir.program import Buffer, HostPart, Port, Program, Slices, Step, Table, Window

ACT = Format(16, 8)


@cache
def program() -> Program:
    """Two layers on two PEs; the matrices are [[1 0 2], [0 0 0], [0 3 0]] and [[1, 2, 3]] in codes."""
    first = Slices(
        n_in=3, n_out=3, code_w=2, run_w=1, start=np.array([[0, 1, 2], [0, 0, 0]]),
        count=np.array([[1, 1, 1], [0, 0, 0]]), first=np.array([0, 3, 3]), code=np.array([1, 3, 2], np.uint8),
        run=np.array([0, 1, 0], np.uint16), padding=0,
    )  # fmt: skip
    second = replace(first, n_out=1, code=np.array([1, 2, 3], np.uint8), run=np.zeros(3, np.uint16))
    step = Step(
        name="ip1\n", kind="broadcast", combine="mac", sources=(0,), target=1, window=Window(), margins=(0, 0, 0, 0),
        slices=0, codes=-1, codebook=0, bias=0, multiplier=-1, table=0, weight_frac=12, z_fmt=ACT, shift=12,
        function="table",
    )  # fmt: skip
    after = replace(step, name="ip2", sources=(1,), target=2, slices=1, bias=1, multiplier=0, function="relu", table=-1)
    table = Table(4, 2, np.arange(4096) * 8 - 16384, np.arange(64))
    host = (("Softmax", {"axis": -1, "odd": (1, [2.5, None], b"\0", "é", True)}),)
    orders = {"x": np.array([3, 0, 2]), "h": np.array([2, 0, 1]), "y": np.array([0])}
    return Program(
        name="<b>", pes=2, act_w=16, acc_w=42, queue_depth=16,
        inputs=(Port("x", (2, 2), 0, orders["x"][None], Affine(np.arange(1.0, 5) / 3, np.array([0.1]), "L2")),),
        outputs=(Port("y", (1,), 2, orders["y"][None]),),
        buffers=tuple(Buffer(name, 1, 1, order, ACT) for name, order in orders.items()), steps=(step, after),
        slices=(first, second), codes=(), codebooks=(np.array([0, -300, 70, 32767]),),
        biases=(np.array([1 << 40, 0, -5]), np.array([7])), multipliers=(np.array([-3]),), tables=(table,), host=host,
    )  # fmt: skip


@cache
def general() -> Program:
    """A map of 2 x 3 positions: parts of a whole, a pool by count, a maximum, a product, the host in the middle."""
    step = program().steps[0]
    local = replace(step, kind="local", name="pool", bias=-1, table=-1, function="identity", shift=0, slices=-1)
    window = Window((2, 2), (1, 1), (1, 1), (1, 1))
    places = np.arange(6)[:, None] + 6 * np.arange(2)
    maps = [Buffer("x", 2, 3, np.arange(2), ACT), Buffer("whole", 2, 3, np.arange(4), ACT)]
    maps += [Buffer("a", 2, 3, np.arange(2), ACT, 1, 0), Buffer("b", 2, 3, np.arange(2), ACT, 1, 2)]
    maps += [Buffer("y", 2, 3, np.arange(2), ACT)]
    port = Port("x", (2, 2, 3), 0, places)
    part = HostPart(2, "mul", "Mul", {}, (0, -2), (replace(port, name="b", buffer=3),), replace(port, buffer=0),
                    (np.array([0.5, -1.5], np.float32).reshape(1, 2, 1, 1),))  # fmt: skip
    return replace(
        program(),
        host=(),
        inputs=(port,),
        outputs=(replace(port, name="y", buffer=4),),
        buffers=tuple(maps),
        parts=(part,),
        steps=(
            replace(local, target=2, window=window, margins=(1, 1, 0, 0), codebook=0, weight_frac=0),
            replace(local, target=3, window=window, combine="max", codebook=-1, margins=(0, 0, 0, 0)),
            replace(local, target=4, sources=(2, 0), combine="mul", codebook=-1),
        ),
        slices=(),
        codebooks=(np.array([0, 4, 3, 2, 1]),),
        biases=(),
        multipliers=(),
        tables=(),
    )


def same(a: Any, b: Any) -> bool:
    """Equal, dtypes too."""
    if isinstance(a, np.ndarray):
        return bool(a.dtype == b.dtype and np.array_equal(a, b))
    if isinstance(a, tuple):
        return isinstance(b, tuple) and len(a) == len(b) and all(map(same, a, b))
    if is_dataclass(a):
        return all(same(getattr(a, field.name), getattr(b, field.name)) for field in fields(a))
    return bool(a == b)


@pytest.mark.parametrize("made", [program, general])
def test_round_trip(tmp_path: Path, made: Callable[[], Program]) -> None:
    data = save_program(made())
    (tmp_path / "program.npz").write_bytes(data)
    for source in (data, tmp_path / "program.npz", str(tmp_path / "program.npz")):
        result = load_program(source)
        assert same(result, made())
        assert save_program(result) == data


def test_numpy_reads_it_too() -> None:
    with np.load(io.BytesIO(save_program(program())), allow_pickle=False) as arrays:
        assert json.loads(arrays["header"].tobytes())["pes"] == 2
        assert arrays["biases.0"].tolist() == [1 << 40, 0, -5]


def test_a_bit_flipped_is_refused_or_harmless() -> None:
    """Harmless: a zip's dates and flags."""
    data = save_program(general())
    for bit in range(0, len(data) * 8, 37):
        damaged = bytearray(data)
        damaged[bit // 8] ^= 1 << bit % 8
        with suppress(EmccError):
            assert save_program(load_program(bytes(damaged))) == data


def test_cut_short() -> None:
    data = save_program(program())
    for end in range(0, len(data), 7):
        with pytest.raises(EmccError):
            load_program(data[:end], file="program.npz")


def at(place: str, index: int, **changes: Any) -> Callable[[Program], Program]:
    """A change of one item of a tuple: of its fields, or (`to`) of all of it."""

    def change(p: Program) -> Program:
        items = list(getattr(p, place))
        items[index] = changes["to"] if "to" in changes else replace(items[index], **changes)
        return replace(p, **{place: tuple(items)})

    return change


def step(**changes: Any) -> Callable[[Program], Program]:
    return at("steps", 0, **changes)


def slices(**changes: Any) -> Callable[[Program], Program]:
    return at("slices", 0, **changes)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda p: replace(p, pes=0), "0 PEs"),
        (lambda p: replace(p, act_w=12), "activations of 12 bits"),
        (lambda p: replace(p, queue_depth=0), "queues of 0"),
        (lambda p: replace(p, pes=257), "257 PEs"),
        (lambda p: replace(p, groups=4), "2 PEs in 4 groups"),
        (lambda p: replace(p, pes=3, groups=3), "3 PEs in 3 groups"),
        (lambda p: replace(p, groups=0), "2 PEs in 0 groups"),
        (lambda p: replace(p, groups=2), "start of shape (2, 3)"),
        (lambda p: replace(p, acc_w=49), "accumulators of 49"),
        (lambda p: replace(p, acc_w=-3), "accumulators of -3"),
        (lambda p: replace(p, acc_w=10**30), "accumulators of 1000000"),
        (lambda p: replace(p, queue_depth=1), "queues of 1 entries"),
        (lambda p: replace(p, queue_depth=24), "queues of 24 entries"),
        (lambda p: replace(p, queue_depth=256), "queues of 256 entries"),
        (at("biases", 0, to=np.array([(1 << 41) - 1, 0, 0])), "step 1: sums of up to 43 bits"),
        (lambda p: replace(p, tables=(p.tables[0], Table(0, 0, np.zeros(1 << 16, np.int64), np.zeros(1, np.int64)))),
         "tables of different splits"),
        (lambda p: replace(p, host=(("Exec", {}),)), "no operator 'Exec'"),
        (lambda p: replace(p, host=(("Softmax", {"axis": 7}),)), "do not fit the output"),
        (lambda p: replace(p, host=(("ArgMax", {"axis": "x"}),)), "do not fit the output"),
        (lambda p: replace(p, steps=()), "no steps"),
        (at("inputs", 0, shape=(3,)), "takes what the input does not have"),
        (at("inputs", 0, buffer=3), "buffer 3 of 3"),
        (at("inputs", 0, order=np.array([[3, 0, 4]])), "takes what the input does not have"),
        (at("outputs", 0, order=np.array([[1]])), "does not give every element"),
        (at("outputs", 0, order=np.array([[-1]])), "does not give every element"),
        (at("outputs", 0, shape=(2,)), "does not give every element"),
        (at("inputs", 0, affine=Affine(np.ones(3), np.zeros(1))), "scales or offsets of another number"),
        (at("inputs", 0, affine=Affine(np.ones(1), np.array([np.inf]))), "that are not finite"),
        (at("outputs", 0, affine=Affine(np.zeros(1), np.zeros(1))), "or a scale of 0"),
        (at("inputs", 0, affine=Affine(np.ones(1), np.zeros(1), "L3")), "an unknown norm"),
        (at("outputs", 0, affine=Affine(np.ones(1), np.zeros(1), "L1")), "a norm of what is no input"),
        (at("steps", 1, slices=0), "a matrix of 3 x 3"),
        (at("tables", 0, lo_bits=3), "table 0: "),
        (at("tables", 0, fine=np.arange(64) << 10), "entries beyond 16 bits"),
        (at("tables", 0, to=Table(0, 2, np.arange(65536) - 32768, np.zeros(4, np.int64))),
         "a split of 0 low and 2 high bits"),
        (slices(code_w=3), "codes of 3"),
        (at("codebooks", 0, to=np.zeros(8, np.int64)), "a codebook of 8 entries"),
        (at("codebooks", 0, to=np.array([0, 1, 2, 32768])), "codebooks beyond 16 bits"),
        (slices(count=np.array([[1, 2, 1], [0, 0, 0]])), "4 entries, not 3"),
        (slices(count=np.array([[1, 1, 0], [0, 0, 1]])), "slices do not follow"),
        (slices(start=np.array([[0, 0, 0], [0, 0, 0]])), "columns do not follow"),
        (slices(run=np.array([1, 1, 1], np.uint16), first=np.array([0, 0, 3]), start=np.array([[0, 0, 0], [0, 1, 2]]),
                count=np.array([[0, 0, 0], [1, 1, 1]])), "beyond row 2"),
        (slices(run=np.array([0, 2, 0], np.uint16)), "runs beyond 1"),
        (slices(code=np.array([0, 4, 0], np.uint8)), "codes beyond 2"),
        (slices(padding=4), "4 padding zeros"),
        (slices(n_in=0), "0 columns"),
        (at("biases", 0, to=np.array([1 << 41, 0, 0])), "biases beyond 42 bits"),
        (at("biases", 0, to=np.array([1])), "a bias of 1 entries"),
        (at("multipliers", 0, to=np.array([1 << 15])), "multipliers beyond 16 bits"),
        (step(shift=11), "it shifts by 11"),
        (step(shift=64, weight_frac=64), "it shifts by 64"),
        (step(shift=42, weight_frac=42), "it shifts by 42"),
        (step(function="relu"), "table 0 of 1"),
        (step(function="sine", table=-1), "function 'sine'"),
        (step(table=1), "table 1 of 1"),
        (step(kind="cast"), "kind 'cast'"),
        (step(combine="max"), "combine 'max'"),
        (step(sources=(0, 1)), "buffers (0, 1) to 1"),
        (step(target=7), "buffers (0,) to 7"),
        (step(target=0), "writes what it reads"),
        (step(window=Window((0, 1))), "a window of"),
        (step(window=Window((1 << 20, 1 << 20))), "a window of"),
        (step(window=Window((1, 1, 1))), "a window of"),
        (step(window=Window((2, 1))), "for 2 taps"),
        (step(margins=(-1, 0, 0, 0)), "margins"),
        (step(codebook=-1), "weights of 2 bits without a codebook"),
        (step(slices=-2), "slices -2 of 2"),
        (step(codes=0), "codes 0 of 0"),
        (at("buffers", 2, fmt=Format(16, 7)), "changes the format"),
        (at("buffers", 1, order=np.array([0, 0, 1])), "distinct channels"),
        (at("buffers", 0, whole=0), "a part of itself"),
        (at("buffers", 0, whole=9), "part of buffer 9"),
        (at("buffers", 0, height=0), "0 x 1 positions"),
        (at("buffers", 0, height=1 << 40), "positions of"),
        (step(z_fmt=Format(8, 8)), "a format of 8 bits"),
    ],
)  # fmt: skip
def test_programs_that_cannot_run_are_refused(change: Callable[[Program], Program], message: str) -> None:
    refuse(change(program()), message)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (at("buffers", 2, first=3), "slots 3 to 5 of 4"),
        (at("buffers", 2, height=1, width=6), "another map"),
        (at("buffers", 3, first=1), "a part from slot 1, within a word of 2"),
        (at("parts", 0, before=4), "before step 4 of 3"),
        (at("parts", 0, op="Exec"), "no operator 'Exec'"),
        (at("parts", 0, op="QLinear"), "no operator 'QLinear'"),
        (at("parts", 0, reads=(1, -2)), "reads what is not there"),
        (at("parts", 0, reads=(0, -3)), "reads what is not there"),
        (at("codebooks", 0, to=np.array([0, 4, 3, 2])), "4 weights for 4 taps"),
        (step(codes=0), "codes 0 of 0"),
        (at("steps", 2, sources=(0,)), "buffers (0,) to 4"),
        (at("steps", 1, window=Window((1 << 14, 1 << 14))), "a window of"),
    ],
)
def test_general_programs_that_cannot_run_are_refused(change: Callable[[Program], Program], message: str) -> None:
    refuse(change(general()), message)


def refuse(wrong: Program, message: str) -> None:
    with pytest.raises(EmccError) as error:
        load_program(save_program(wrong), file="program.npz")
    assert str(error.value).startswith("program.npz: is not a program")
    assert message in str(error.value)


def test_the_general_program_runs_as_told() -> None:
    """Windows of 2 x 2 with a row and a column of padding that counts; the host writes x again before the product."""
    x = np.arange(12).reshape(1, 12)
    image = np.pad(x.reshape(2, 2, 3), ((0, 0), (1, 0), (1, 0)))
    sums = sum(image[:, i : i + 2, j : j + 3] for i in (0, 1) for j in (0, 1))
    low = np.pad(x.reshape(2, 2, 3), ((0, 0), (1, 0), (1, 0)), constant_values=-99)
    largest = np.max([low[:, i : i + 2, j : j + 3] for i in (0, 1) for j in (0, 1)], axis=0)
    host = np.floor(largest * np.array([0.5, -1.5])[:, None, None] + 0.5).astype(int)
    np.testing.assert_array_equal(reference.run(general(), x), (sums * 1 * host).reshape(1, 12))


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
        lambda h: h.update(version=1),
        lambda h: h.update(more=1),
        lambda h: h["steps"].append({}),
        lambda h: h["biases"].pop(),
        lambda h: h["buffers"][0].update(fmt=[16]),
        lambda h: h["buffers"][0]["fmt"].update(width="16"),
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
    data = save_program(general())
    at %= len(data)
    with suppress(EmccError):
        load_program(data[:at] + content + data[at + len(content) :])
