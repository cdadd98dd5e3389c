"""Lowering: the Program means what the graph means, whatever the dealing, trimming, packing."""

import dataclasses
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qgraphs import inputs, quantised

from emcc.base.errors import EmccError
from emcc.eie import reference
from emcc.eie.lower import lower
from emcc.eie.options import LowerOptions
from emcc.eie.program_check import problems
from emcc.ir.program import MAX_RUN_W
from emcc.ops import interpret

designs = st.fixed_dictionaries(
    {
        "sizes": st.lists(st.integers(1, 40), min_size=2, max_size=4),
        "seed": st.integers(0, 2**32 - 1),
        "density": st.sampled_from([0.0, 0.02, 0.1, 0.5, 1.0]),
        "code_w": st.sampled_from([1, 2, 4, 8]),
        "act_w": st.sampled_from([8, 16]),
        "zero_code": st.booleans(),
    }
)
options = st.builds(
    LowerOptions,
    pes=st.integers(1, 17),
    run_bits=st.sampled_from([0, 1, 2, 4]),
    balance=st.sampled_from(["none", "entries", "activity"]),
    trim=st.booleans(),
)


@settings(max_examples=150)
@given(designs, options)
def test_program_equals_graph(design: dict, chosen: LowerOptions) -> None:
    graph = quantised(**design)
    x = inputs(5, design["sizes"][0], seed=design["seed"], high=1 << (design["act_w"] - 1))
    program = lower(graph, chosen)
    np.testing.assert_array_equal(reference.run(program, x), interpret.run(graph, x))


@settings(max_examples=150)
@given(designs, options)
def test_program_is_well_formed(design: dict, chosen: LowerOptions) -> None:
    program = lower(quantised(**design), chosen)
    for step in program.steps:
        layer = program.slices[step.slices]
        assert layer.first[0] == 0
        assert layer.first[-1] == layer.code.size == layer.run.size == layer.count.sum()
        np.testing.assert_array_equal(layer.first[1:] - layer.first[:-1], layer.count.sum(axis=1))
        np.testing.assert_array_equal(layer.start, np.cumsum(layer.count, axis=1) - layer.count)
        assert layer.run.max(initial=0) < 1 << layer.run_w
        assert layer.code.max(initial=0) < 1 << layer.code_w
        assert layer.padding == np.count_nonzero(program.codebooks[step.codebook][layer.code] == 0)
    assert sorted(program.outputs[0].slots) == list(range(design["sizes"][-1]))
    assert len({layer.code_w + layer.run_w for layer in program.slices}) == 1


def test_function_tables_and_mixed_code_widths() -> None:
    graph = quantised([30, 20, 25, 9], functions=["table", "relu", "table"], code_w=[4, 1, 8], seed=3)
    x = inputs(20, 30, seed=4)
    program = lower(graph, LowerOptions(pes=6))
    assert len(program.tables) == 2
    np.testing.assert_array_equal(reference.run(program, x), interpret.run(graph, x))


def test_equal_tables_are_stored_once() -> None:
    graph = quantised([8, 8, 8], functions=["table", "table"], act_w=8)
    first = {name.replace("t0", "t1"): value for name, value in graph.constants.items() if name.startswith("t0")}
    assert len(lower(graph.with_constants(first)).tables) == 1


def test_trim_drops_dead_inputs_and_constant_neurons() -> None:
    graph = quantised([6, 5, 3], density=1.0, seed=1)
    codes, after = (graph.constants[name].copy() for name in ("w0.codes", "w1.codes"))
    codes[:, 2] = 0  # input 2 is read by nobody
    codes[1] = 0  # neuron 1 is constant
    after[:, 3] = 0  # neuron 3 is read by nobody
    graph = graph.with_constants({"w0.codes": codes, "w1.codes": after})
    program = lower(graph, LowerOptions(pes=2))
    assert program.inputs[0].slots.tolist() == [0, 1, 3, 4, 5]
    assert [layer.n_out for layer in program.slices] == [3, 3]
    x = inputs(10, 6, density=1.0)
    np.testing.assert_array_equal(reference.run(program, x), interpret.run(graph, x))


def test_balance_gives_every_pe_the_same_work() -> None:
    graph = quantised([64, 128], seed=5)
    codes = graph.constants["w0.codes"].copy()
    codes[::8] = 3  # every eighth row is dense: without balancing they all meet in one PE
    graph = graph.with_constants({"w0.codes": codes})

    def fullest(balance: str) -> float:
        layer = lower(graph, LowerOptions(pes=8, balance=balance)).slices[0]
        return float(layer.count.sum(axis=1).max() / layer.count.sum(axis=1).mean())

    assert fullest("entries") < 1.05 < 1.5 < fullest("none")


def test_balance_by_activity_ignores_columns_that_are_always_zero() -> None:
    graph = quantised([64, 64], seed=6)
    activity = np.zeros(64)
    activity[:8] = 1.0

    def fullest(**how: Any) -> float:
        layer = lower(graph, LowerOptions(pes=8, trim=False), **how).slices[0]
        work = layer.count[:, :8].sum(axis=1)
        return float(work.max() / work.mean())

    assert fullest(activity={"x": activity}) < 1.1 < 1.2 < fullest()


def test_accumulator_width_is_tight() -> None:
    """One input, one weight: 32768 * 16384 = 2**29 needs 31 bits with its sign, both ways."""
    graph = quantised([1, 1], shift=0, bias=1)
    graph = graph.with_constants(
        {"w0.codes": np.array([[1]], np.uint8), "w0.book": np.array([0, 16384] + [0] * 14), "b0": np.array([0])}
    )
    assert lower(graph).acc_w == 31
    assert lower(graph.with_constants({"b0": np.array([-(2**29)])})).acc_w == 32


def test_too_wide_an_accumulator_is_refused() -> None:
    graph = quantised([1, 1]).with_constants({"b0": np.array([1 << 50])})
    with pytest.raises(EmccError, match=r"layer0.*52 bits"):
        lower(graph)


def test_options_are_checked_by_the_dataclass_fields() -> None:
    names = {field.name for field in dataclasses.fields(LowerOptions)}
    assert names == {
        "pes",
        "groups",
        "queue_depth",
        "run_bits",
        "padding",
        "balance",
        "trim",
        "memory",
        "next_input",
        "halves",
    }


@settings(max_examples=25, deadline=None)
@given(
    rows=st.integers(1, 3000),
    columns=st.integers(1, 12),
    kept=st.integers(1, 4),
    pes=st.sampled_from([1, 2, 7]),
    padding=st.sampled_from([0.0, 0.01, 10.0]),
    seed=st.integers(0, 2**32 - 1),
)
def test_long_gaps_beside_a_dense_layer(
    rows: int, columns: int, kept: int, pes: int, padding: float, seed: int
) -> None:
    """A layer of a few weights, then one of +1 and -1: the entry's width is the first one's, the second's run none."""
    graph = quantised([columns, rows, 3], seed=seed, density=kept / rows, code_w=[8, 1])
    book = np.array([1 << 12, -(1 << 12)])
    codes = np.random.default_rng(seed).integers(0, 2, (3, rows), np.uint8)
    graph = graph.with_constants({"w1.codes": codes, "w1.book": book})
    x = inputs(3, columns, seed=seed, high=300)
    program = lower(graph, LowerOptions(pes=pes, padding=padding, trim=False))
    assert problems(program) == []
    assert all(layer.run_w <= MAX_RUN_W for layer in program.slices)
    np.testing.assert_array_equal(reference.run(program, x), interpret.run(graph, x))


def test_a_run_beyond_16_bits_is_padded() -> None:
    graph = quantised([1, 70_000, 1], density=0.0, code_w=[2, 1])
    codes = np.zeros((70_000, 1), np.uint8)
    codes[-1] = 1
    graph = graph.with_constants({"w0.codes": codes, "w0.book": np.array([0, 300, 5, 7])})
    program = lower(graph, LowerOptions(pes=1, trim=False, padding=0.0, balance="none"))
    assert (program.slices[0].run_w, program.slices[0].padding) == (16, 1)
    np.testing.assert_array_equal(reference.run(program, np.array([[9]])), interpret.run(graph, np.array([[9]])))
    unpaddable = graph.with_constants({"w0.codes": codes, "w0.book": np.array([300, 0, 5, 7])})
    dense = lower(unpaddable, LowerOptions(pes=1, trim=False, balance="none"))
    np.testing.assert_array_equal(reference.run(dense, np.array([[9]])), interpret.run(unpaddable, np.array([[9]])))
    gap = np.ones((70_000, 1), np.uint8)
    gap[-1] = 0
    odd = graph.with_constants({"w0.codes": gap, "w0.book": np.array([300, 0, 5, 7])})
    padded = lower(odd, LowerOptions(pes=1, trim=False, balance="none"))
    assert (padded.slices[0].code.tolist(), problems(padded)) == ([1, 0], [])
    np.testing.assert_array_equal(reference.run(padded, np.array([[9]])), interpret.run(odd, np.array([[9]])))
