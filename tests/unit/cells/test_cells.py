"""The model of cells: what it says grows with the array, and block RAMs and multipliers are those of real synthesis."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from qgraphs import quantised

from emcc.eie.blockram import FAMILIES, block_rams
from emcc.eie.cells.features import PARTS, quantities
from emcc.eie.cells.model import KINDS, Cells, cells, factors, luts_of_pes
from emcc.eie.cells.multipliers import KINDS as MULTIPLIERS
from emcc.eie.cells.multipliers import multipliers, taken
from emcc.eie.cells.varying import memories, varying
from emcc.eie.cells.xilinx import blocks_on, cells_at_most
from emcc.eie.groups.memory import core_memories
from emcc.eie.groups.schedule import plan
from emcc.eie.groups.tables import Context
from emcc.eie.lower import lower
from emcc.eie.memory import Memory
from emcc.eie.options import LowerOptions


def context(pes: int, groups: int = 1, act_w: int = 16, queue: int = 16) -> Context:
    """A perceptron on an array."""
    options = LowerOptions(pes=pes, groups=groups, queue_depth=queue)
    program = lower(quantised([60, 40, 9], seed=5, act_w=act_w), options)
    return Context(program, plan(program))


@pytest.mark.parametrize("family", FAMILIES)
def test_every_factor_is_of_a_quantity_that_there_is(family: str) -> None:
    known = quantities(context(2), family)
    for kind in KINDS:
        assert set(factors(family)[kind]) == set(PARTS)
        for part, values in factors(family)[kind].items():
            assert set(values) <= set(known[part])
            assert all(value > 0 for value in values.values())


@pytest.mark.parametrize("family", FAMILIES)
@given(pes=st.integers(1, 31), more=st.integers(1, 33), act_w=st.sampled_from((8, 16)))
def test_more_pes_take_more(family: str, pes: int, more: int, act_w: int) -> None:
    few, many = (cells(context(count, act_w=act_w), family) for count in (pes, pes + more))
    # Shallower memories may be worth a PE or two, not a third of all.
    assert many.dsp > few.dsp
    assert many.lut * (1 + 0.5 * pes / more) > few.lut
    if more >= pes:
        assert many.lut > few.lut


@pytest.mark.parametrize("family", FAMILIES)
def test_wider_is_more(family: str) -> None:
    narrow, wide = (cells(context(4, act_w=act_w), family) for act_w in (8, 16))
    assert wide.lut > narrow.lut
    assert wide.ff > narrow.ff
    assert cells(context(4, queue=64), family).lut >= cells(context(4, queue=16), family).lut


def test_pes_are_a_part_of_the_whole() -> None:
    of = context(4)
    assert 0 < luts_of_pes(of, "ecp5") < cells(of, "ecp5").lut


def test_block_rams_are_those_of_the_memories_and_the_link() -> None:
    of = context(4)
    assert cells(of, "ecp5").bram == block_rams(core_memories(of), "ecp5") + 1


def test_bits_that_do_not_vary_are_no_memory() -> None:
    assert [varying(words) for words in ([5], [5, 5], [4, 5], [0b1010, 0b0110])] == [0, 0, 1, 2]
    graph = quantised([30, 20, 9], seed=1, functions=["table", "identity"])
    fine = np.arange(1 << 11) % 50
    program = lower(graph.with_constants({"t0.fine": fine}), LowerOptions(pes=2))
    of = Context(program, plan(program))
    whole, narrow = ({one.name: one.width for one in rows} for rows in (core_memories(of), memories(of)))
    assert (whole["fine"], narrow["fine"]) == (16, 6)
    assert narrow["host"] < whole["host"]
    assert all(narrow[name] == whole[name] for name in ("spmat", "ptr", "bias", "coarse", "activations"))


def test_a_wide_product_is_cut_into_pieces() -> None:
    kind = MULTIPLIERS["ice40"]
    assert [taken(kind, left, 16) for left in (1, 2, 16, 17, 18, 31, 34)] == [0, 1, 1, 1, 2, 2, 3]


def test_lanes_multiply_where_sums_are_scaled() -> None:
    numbers = {"Pes": 8, "Lanes": 4, "ActW": 8, "AccW": 24, "HasScale": 0}
    assert multipliers(numbers, "ecp5") == 8
    assert multipliers({**numbers, "HasScale": 1}, "ecp5") == 16
    assert multipliers({**numbers, "HasScale": 1, "AccW": 18}, "ecp5") == 12
    assert [multipliers({**numbers, "HasScale": 1, "AccW": bits}, "ecp5") for bits in (35, 36, 37)] == [16, 16, 20]


def test_xilinx_is_bounded_by_ecp5_and_counts_blocks_of_36_kbit() -> None:
    of = context(4)
    bound, own = cells(of, "ecp5"), cells_at_most(of)
    assert isinstance(own, Cells)
    assert (own.lut, own.ff, own.dsp) == (bound.lut, bound.ff, 4)
    memory = Memory("spmat", "rom", 4096, 9, 3, "pe")
    assert (blocks_on(memory, "xc7"), blocks_on(memory, "ecp5")) == (3, 6)
