"""Quantised graphs of every kind as Programs: the same integers, and the float meaning within half a last place."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from quantised_meaning import agree
from random_qgraphs import qgraphs

from emcc.eie.options import LowerOptions


@pytest.mark.slow
@settings(max_examples=100)
@given(qgraphs(), st.sampled_from([(1, 1), (2, 1), (3, 1), (8, 1), (2, 2), (8, 2), (12, 4), (8, 8)]),
       st.sampled_from(["none", "entries"]))  # fmt: skip
def test_graph_program_and_floats_agree(case, array, balance):
    agree(*case, LowerOptions(pes=array[0], groups=array[1], balance=balance))
