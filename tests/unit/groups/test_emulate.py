"""The tables of the array of column groups give the Program's integers, whatever the dealing."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest
from emulate import emulate
from hypothesis import given, settings
from hypothesis import strategies as st
from qgraphs import inputs, quantised
from random_qgraphs import qgraphs

from emcc.backends.rom import RomImage, core_images
from emcc.eie import reference
from emcc.eie.lower import lower
from emcc.eie.options import LowerOptions
from emcc.ir.graph import Array
from emcc.ir.program import Program

ARRAYS = [(pes, groups) for pes in (1, 2, 3, 4, 6, 8, 12, 16, 32) for groups in (1, 2, 4, 8) if pes % groups == 0]


def agree(program: Program, x: dict[str, Array], changed: Mapping[str, RomImage] | None = None) -> None:
    """The emulated array, with its memories or with changed ones, and the reference give the same integers."""
    wanted = reference.run_ports(program, x)
    got = emulate(program, x, changed)
    for name, values in wanted.items():
        np.testing.assert_array_equal(got[name], values, err_msg=name)


@settings(max_examples=60)
@given(qgraphs(), st.sampled_from(ARRAYS), st.sampled_from(["none", "entries"]))
def test_random_graphs(case, array, balance):
    graph, x = case
    program = lower(graph, LowerOptions(pes=array[0], groups=array[1], balance=balance))
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


@pytest.mark.parametrize("array", [(3, 1), (8, 2), (16, 4)])
def test_chains_with_tables(array: tuple[int, int]) -> None:
    functions = ["table", "relu", "table", "identity"]
    graph = quantised([40, 33, 20, 30, 5], functions=functions, code_w=[8, 2, 4, 1], seed=3)
    program = lower(graph, LowerOptions(pes=array[0], groups=array[1]))
    agree(program, {"x": inputs(3, 40)})
