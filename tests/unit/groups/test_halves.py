"""Layers of one position are drained in two halves where that saves cycles."""

from pathlib import Path

import numpy as np
import pytest
from emulate import emulate
from hypothesis import given, settings
from hypothesis import strategies as st
from qgraphs import inputs, quantised
from random_halves import halve
from specimens import specimen

from emcc.backends.verilog import render_core
from emcc.base.errors import EmccError
from emcc.eie import reference
from emcc.eie.cells.model import cells
from emcc.eie.groups import contents, cycles
from emcc.eie.groups.choice import Choice
from emcc.eie.groups.halves import eligible, halved, with_half
from emcc.eie.groups.schedule import plan
from emcc.eie.groups.tables import Context
from emcc.eie.lower import lower
from emcc.eie.options import LowerOptions
from emcc.eie.store import load_program, save_program
from emcc.ir.graph import Format, Graph, Tensor
from emcc.ir.program import Program
from emcc.lint.grouped import Made


def perceptron(widths: tuple[int, ...] = (60, 90, 70, 9), pes: int = 4, groups: int = 2) -> Program:
    """Sparse layers of many rows a lane."""
    return lower(quantised(list(widths), seed=2, density=0.3), LowerOptions(pes=pes, groups=groups, queue_depth=32))


def counted(program: Program) -> float:
    """Cycles of four inputs."""
    return float(cycles.count(program, {"x": inputs(4, program.inputs[0].shape[0])}).total.mean())


def test_fewer_cycles_and_the_same_integers() -> None:
    program = perceptron()
    choice = halved(Choice(program), counted)
    assert choice.cycles == counted(choice.program) <= 0.99 * counted(program)
    assert any(step.early for step in choice.program.steps)
    x = {"x": inputs(4, 60)}
    for name, values in emulate(program, x).items():
        np.testing.assert_array_equal(emulate(choice.program, x)[name], values)
        np.testing.assert_array_equal(reference.run_ports(choice.program, x)[name], values)


def test_as_it_was_where_too_little_is_saved() -> None:
    program = perceptron()
    least = 0.991 * counted(program)
    choice = halved(Choice(program, cycles=counted(program)), lambda made: max(least, counted(made)))
    assert choice.program is program
    assert choice.cycles == counted(program)


def test_as_it_was_where_the_memory_is_too_small() -> None:
    """What pointers take more is what is missing."""
    program = perceptron()

    def missing(made: Program) -> int:
        return Context(made, plan(made)).numbers["Columns"] - Context(program, plan(program)).numbers["Columns"]

    assert halved(Choice(program), counted, missing).program is program


def test_nothing_is_counted_where_nothing_can_be_halved() -> None:
    """Of two rows a lane in two groups, none can be drained early."""
    program = perceptron((60, 4, 4, 4))
    assert not list(eligible(program))
    assert halved(Choice(program), lambda made: pytest.fail("counted")).program is program


def test_a_long_inference_is_not_searched() -> None:
    """What the drain of a layer can save is nothing beside it."""
    program, asked = perceptron(), list[Program]()

    def cycles_of(made: Program) -> float:
        asked.append(made)
        return 1e6

    assert halved(Choice(program), cycles_of).program is program
    assert len(asked) == 1


@settings(max_examples=30)
@given(st.integers(1, 1 << 16), st.sampled_from([(1, 1), (4, 1), (4, 2), (8, 4), (16, 2)]))
def test_every_entry_is_in_one_half(seed: int, array: tuple[int, int]) -> None:
    program = perceptron((40, 50, 30), *array)
    made = halve(program, seed)
    whole, halves = plan(program), plan(made)
    for pe in range(array[0]):
        group, lane = divmod(pe, made.lanes)
        both = [
            np.concatenate([contents.entries(of, block, group, lane) for block in planned.columns])
            for of, planned in ((program, whole), (made, halves))
        ]
        code = (1 << made.slices[0].code_w) - 1
        np.testing.assert_array_equal(*(np.sort(entries & code) for entries in both))
    _, count = contents.starts(made, halves)
    assert count.sum() == contents.starts(program, whole)[1].sum()


def test_it_is_kept_in_the_file(tmp_path: Path) -> None:
    program = with_half(with_half(perceptron(), 0, 20, 4), 2, 2, 3)
    (tmp_path / "program.npz").write_bytes(save_program(program))
    made = load_program(tmp_path / "program.npz")
    assert [(step.early, step.again) for step in made.steps] == [(step.early, step.again) for step in program.steps]
    assert plan(made) == plan(program)


@pytest.mark.parametrize(("early", "again"), [(2, 0), (0, 1), (3, 1), (-2, 1), (46, 1), (2, -1), (2, 16)])
def test_a_file_with_other_halves_is_refused(tmp_path: Path, early: int, again: int) -> None:
    """Rows of half a word, all rows, none; words that the source does not have."""
    (tmp_path / "program.npz").write_bytes(save_program(with_half(perceptron(), 0, early, again)))
    with pytest.raises(
        EmccError, match=rf"step 1 \('layer0'\): {early} of 45 rows drained early, {again} words walked again"
    ):
        load_program(tmp_path / "program.npz")


def test_taps_beyond_a_map_of_one_position(tmp_path: Path) -> None:
    """A convolution of 3 x 3 that is padded sees one tap of nine: what can be walked again is that one's words."""
    made = Made(21, 8)
    made.tensors["x"] = made.last = Tensor("x", (None, 21, 1, 1), fmt=Format(8, 6))
    made.conv(code_w=2)
    made.linear()
    graph = Graph("g", ("x",), (made.last.name,), tuple(made.nodes), made.tensors, made.constants)
    program = lower(graph, LowerOptions(pes=4, groups=1))
    index, row = next(eligible(program))
    assert (len(row.taps), row.words) == (1, 6)
    halves = with_half(program, index, 3, 2)
    (tmp_path / "program.npz").write_bytes(save_program(halves))
    x = {"x": np.random.default_rng(0).integers(-9, 9, (3, 21))}
    (got,), (wanted,) = (
        emulate(load_program(tmp_path / "program.npz"), x).values(),
        reference.run_ports(program, x).values(),
    )
    np.testing.assert_array_equal(got, wanted)
    (tmp_path / "program.npz").write_bytes(save_program(with_half(program, index, 3, 7)))
    with pytest.raises(EmccError, match="3 of 6 rows drained early, 7 words walked again"):
        load_program(tmp_path / "program.npz")


def test_only_matrices_of_one_position_have_halves(tmp_path: Path) -> None:
    program, _ = specimen("groups")
    index = next(i for i, step in enumerate(program.steps) if step.kind == "local")
    (tmp_path / "program.npz").write_bytes(save_program(with_half(program, index, 4, 1)))
    with pytest.raises(EmccError, match="rows drained early"):
        load_program(tmp_path / "program.npz")


def test_the_rtl_is_the_one_without_them_where_no_pass_splits() -> None:
    program, made = perceptron(), with_half(perceptron(), 0, 20, 4)
    without, there = render_core(program), render_core(made)
    assert not any(b"border" in text or b"EMCC_SPLIT" in text for text in without.values())
    assert b"border_i" in there["rtl/emcc_acc.sv"]
    assert b"EMCC_SPLIT" not in b"".join(there.values())
    assert "HasSplit" not in Context(program, plan(program)).numbers


def test_what_it_takes_is_in_the_model_of_cells() -> None:
    program = perceptron()
    whole, made = (cells(Context(one, plan(one)), "ecp5") for one in (program, with_half(program, 0, 20, 2)))
    assert 0 < made.lut - whole.lut < 4 * 20
    assert 0 < made.ff - whole.ff < 4 * 20
