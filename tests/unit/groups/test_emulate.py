"""The tables of the array of column groups give the Program's integers, whatever the dealing."""

import numpy as np
import pytest
from emulate import emulate
from hypothesis import given, settings
from hypothesis import strategies as st
from qgraphs import inputs, quantised
from random_qgraphs import qgraphs

from emcc.eie import reference
from emcc.eie.lower import lower
from emcc.eie.options import LowerOptions
from emcc.ir.graph import Array
from emcc.ir.program import Program

ARRAYS = [(pes, groups) for pes in (1, 2, 3, 4, 6, 8, 12, 16, 32) for groups in (1, 2, 4, 8) if pes % groups == 0]


def agree(program: Program, x: dict[str, Array]) -> None:
    """The emulated array and the reference give the same integers."""
    wanted = reference.run_ports(program, x)
    got = emulate(program, x)
    for name, values in wanted.items():
        np.testing.assert_array_equal(got[name], values, err_msg=name)


@settings(max_examples=60)
@given(qgraphs(), st.sampled_from(ARRAYS), st.sampled_from(["none", "entries"]))
def test_random_graphs(case, array, balance):
    graph, x = case
    program = lower(graph, LowerOptions(pes=array[0], groups=array[1], balance=balance))
    agree(program, {name: value.reshape(len(value), -1) for name, value in x.items()})


@pytest.mark.parametrize("array", [(3, 1), (8, 2), (16, 4)])
def test_chains_with_tables(array: tuple[int, int]) -> None:
    functions = ["table", "relu", "table", "identity"]
    graph = quantised([40, 33, 20, 30, 5], functions=functions, code_w=[8, 2, 4, 1], seed=3)
    program = lower(graph, LowerOptions(pes=array[0], groups=array[1]))
    agree(program, {"x": inputs(3, 40)})
