"""The array of column groups against the reference, every integer, and the cycle model, every pass."""

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from grouped import driven
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from random_halves import halve
from random_qgraphs import qgraphs
from specimens import patterned, specimen

from emcc.backends.rom import core_images
from emcc.eie.groups import cycles
from emcc.eie.groups.plan import Plan
from emcc.eie.groups.schedule import plan as planned
from emcc.eie.lower import lower
from emcc.eie.next_input import why_not
from emcc.eie.options import LowerOptions
from emcc.ir.graph import Array, Graph
from emcc.ir.program import Program
from emcc.runtime.between import unforeseen
from emcc.runtime.designs import Design
from emcc.runtime.simulator import COUNTERS, Stalls

pytestmark = pytest.mark.sim

ARRAYS = [(pes, groups) for pes in (1, 2, 3, 4, 6, 8, 12, 16) for groups in (1, 2, 4, 8) if pes % groups == 0]
DESIGN = st.tuples(
    *(
        qgraphs(),
        st.sampled_from(ARRAYS),
        st.sampled_from(["none", "entries"]),
        st.sampled_from([16, 32]),
        st.booleans(),
        st.integers(0, 3),
    )
)
RUN = ("groups", "no_codes", "own_codes", "own_codes_too", "many_groups", "halves")
"""Specimens of lint's that are run here."""
KINDS = ("broadcast", "local", "direct", "largest", "product", "scaled", "relu", "table", "own code", "host part")


def is_as_predicted(design: tuple[tuple[Graph, dict[str, Array]], tuple[int, int], str, int, bool, int]) -> str:
    """Build a drawn design and compare all of it; returns how many passes it has, for a campaign to count."""
    (graph, x), (pes, groups), balance, depth, ahead, halves = design
    program = halve(lower(graph, LowerOptions(pes=pes, groups=groups, balance=balance, queue_depth=depth)), halves)
    program = replace(program, next_input=ahead and not why_not(program))
    inputs = {name: value.reshape(len(value), -1) for name, value in x.items()}
    plan = planned(program)
    with TemporaryDirectory() as folder:
        compare(program, plan, inputs, Path(folder))
    return f"of {min(len(plan.passes), 9)}{'' if len(plan.passes) < 9 else ' or more'} passes"


def compare(program: Program, plan: Plan, inputs: dict[str, Array], folder: Path) -> None:
    """Run integers [n, elements] by input's name, without stalls and with; the second time memories hold rubbish."""
    design, wanted = Design(program, plan), cycles.count(program, inputs, plan)
    traffic = design.traffic(inputs)
    for stalls in (None, Stalls(0.3, 0.5, seed=len(plan.passes))):
        ran = driven(design, traffic, folder, stalls)
        assert ran.failure == ""
        np.testing.assert_array_equal(ran.words, traffic.out)
        found = dict(zip(COUNTERS, ran.records.T, strict=False))
        np.testing.assert_array_equal(ran.records[:, len(COUNTERS) :], wanted.pass_done)
        np.testing.assert_array_equal(found["cycles"], wanted.total)
        np.testing.assert_array_equal(found["broadcasts"], wanted.broadcasts)
        np.testing.assert_array_equal(found["stalls"], wanted.stalls)
        assert stalls or not unforeseen(design, traffic, ran).any(), found["transfer"]


def kinds(program: Program, plan: Plan) -> set[str]:
    """What of KINDS a design has."""
    found = {"host part"} if program.parts else set()
    for row in plan.passes:
        function = program.steps[row.step].function
        there = (
            *(not row.local, row.local and not row.direct, row.direct and not row.largest, row.largest),
            *(any(tap.load for tap in row.taps), row.scale >= 0, function == "relu", function == "table", row.ident),
        )
        found |= {name for name, is_there in zip(KINDS, there, strict=False) if is_there}
    return found


@pytest.mark.parametrize("name", RUN)
def test_bits_and_cycles_are_the_predicted_ones(tmp_path: Path, name: str) -> None:
    program, plan = specimen(name)
    compare(program, plan, patterned(program), tmp_path)


def test_the_designs_have_passes_of_every_kind() -> None:
    made = [specimen(name) for name in RUN]
    assert set().union(*(kinds(program, plan) for program, plan in made)) == set(KINDS)
    assert {program.groups for program, _ in made} == {1, 2, 4, 8}
    assert any(cycles.count(program, patterned(program), plan).stalls.any() for program, plan in made)


@pytest.mark.parametrize(
    "name",
    [
        *("walk", "taps", "drain", "host", "codebook", "coarse", "fine"),
        *("pe000_ptr", "pe005_spmat", "lane001_bias", "lane000_scale"),
    ],
)
def test_a_flipped_bit_in_a_memory_is_red(tmp_path: Path, name: str) -> None:
    """One of a few bits: there are places that nothing reads, and bits that are shifted out."""
    program, plan = specimen("groups")
    design = Design(program, plan)
    traffic, image = design.traffic(patterned(program)), core_images(program, plan)[name]
    rng = np.random.default_rng(len(name))
    for _ in range(24):
        values = [int(value) for value in image.values]
        values[rng.integers(len(values))] ^= 1 << int(rng.integers(image.width))
        ran = driven(design, traffic, tmp_path, changed={name: replace(image, values=values)})
        if ran.failure or (ran.words != traffic.out).any():
            return
    pytest.fail("no flipped bit shows")


# Shrinking would build a simulator for every step.
@settings(max_examples=3, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(design=DESIGN)
def test_any_graph(design: Any) -> None:
    is_as_predicted(design)
