"""The tables of the array of column groups give the Program's integers, whatever the dealing."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest
from emulate import emulate
from hypothesis import given, settings
from hypothesis import strategies as st
from qgraphs import inputs, quantised
from random_halves import halve
from random_qgraphs import qgraphs
from specimens import patterned

from emcc.backends.rom import RomImage, core_images
from emcc.eie import reference
from emcc.eie.groups.schedule import plan
from emcc.eie.lower import lower
from emcc.eie.options import LowerOptions
from emcc.ir.graph import Array, Graph
from emcc.ir.program import Program
from emcc.lint.grouped import GROUPED, Made

ARRAYS = [(pes, groups) for pes in (1, 2, 3, 4, 6, 8, 12, 16, 32) for groups in (1, 2, 4, 8) if pes % groups == 0]


def agree(program: Program, x: dict[str, Array], changed: Mapping[str, RomImage] | None = None) -> None:
    """The emulated array, with its memories or with changed ones, and the reference give the same integers."""
    wanted = reference.run_ports(program, x)
    got = emulate(program, x, changed)
    for name, values in wanted.items():
        np.testing.assert_array_equal(got[name], values, err_msg=name)


@settings(max_examples=60)
@given(qgraphs(), st.sampled_from(ARRAYS), st.sampled_from(["none", "entries"]), st.integers(0, 3))
def test_random_graphs(case, array, balance, halves):
    graph, x = case
    program = halve(lower(graph, LowerOptions(pes=array[0], groups=array[1], balance=balance)), halves)
    agree(program, {name: value.reshape(len(value), -1) for name, value in x.items()})


@pytest.mark.parametrize("name", ["walk", "drain", "codebook", "lane001_bias", "pe002_ptr", "pe002_spmat", "coarse"])
def test_a_flipped_bit_shows(name: str) -> None:
    """In some word of each memory, at some bit: not all of them matter."""
    program = lower(quantised([9, 8, 3], functions=["relu", "table"], act_w=8, seed=3), LowerOptions(pes=4, groups=2))
    image, x = core_images(program)[name], {"x": inputs(4, 9, high=120)}
    wrong = []
    for bit in range(image.width):
        values = [int(value) ^ (1 << bit) for value in image.values]
        try:
            agree(program, x, {name: replace(image, values=values)})
        except (AssertionError, IndexError, KeyError):
            wrong.append(bit)
    assert len(wrong) > image.width // 4


@pytest.mark.parametrize("array", [(1, 1), (4, 2), (16, 4)])
@pytest.mark.parametrize("name", ["own_codes", "own_codes_too"])
def test_codes_that_are_weights(name: str, array: tuple[int, int]) -> None:
    """Of 8 and 16 bits, by column and by slot, with multipliers; beside layers of codebooks."""
    program = lower(GROUPED[name].graph(), LowerOptions(pes=array[0], groups=array[1]))
    agree(program, patterned(program))
    made = plan(program)
    kinds = {(row.local, row.code_w, row.ident) for row in made.passes}
    assert {(False, 16, True), (True, 16, True)} <= kinds
    images = core_images(program)
    assert ("codebook" in images) == (name == "own_codes_too")
    book = [(at.first, at.code_w) for at in made.books]
    assert book == ([] if name == "own_codes" else [(0, 4), (16, 2)])


def test_the_same_codes_looked_up_and_not() -> None:
    """By slot: 8 bits where they are weights, as few as hold them where they are not."""
    made = Made(4, 16)
    made.conv(code_w=8, group=4, own=True)
    first = made.nodes[-1]
    made.constants[first.inputs[1]] = (made.rng.integers(0, 4, (4, 1, 3, 3))).astype(np.int8)
    made.conv(code_w=2, group=4)
    made.constants[made.nodes[-1].inputs[1]] = made.constants[first.inputs[1]].astype(np.uint8)
    graph = Graph("g", ("x",), (made.last.name,), tuple(made.nodes), made.tensors, made.constants)
    program = lower(graph, LowerOptions(pes=4, groups=2))
    agree(program, patterned(program))
    assert len(program.codes) == 1
    assert [(block.code_w, block.codes) for block in plan(program).codes] == [(8, 0), (2, 0)]


@pytest.mark.parametrize("array", [(3, 1), (8, 2), (16, 4)])
def test_chains_with_tables(array: tuple[int, int]) -> None:
    functions = ["table", "relu", "table", "identity"]
    graph = quantised([40, 33, 20, 30, 5], functions=functions, code_w=[8, 2, 4, 1], seed=3)
    program = lower(graph, LowerOptions(pes=array[0], groups=array[1]))
    agree(program, {"x": inputs(3, 40)})
