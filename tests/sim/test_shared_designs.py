"""Random programs, several on one build, against the reference and the cycle model; a fault in a memory is red."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from random_qgraphs import qgraphs
from shared import Build, Case, case

from emcc.eie.lower import lower
from emcc.eie.options import LowerOptions

pytestmark = pytest.mark.sim

OPTIONS = LowerOptions(pes=4, groups=2, balance="entries", queue_depth=16)
MANY = 8
"""Programs on the build."""


@pytest.fixture(scope="module")
def cases() -> list[Case]:
    """The first MANY of a kind that are drawn."""
    drawn: dict[tuple[int, ...], list[Case]] = {}

    @settings(max_examples=60, phases=[Phase.generate], database=None)
    @given(graph=qgraphs())
    def draw(graph: Any) -> None:
        made = case(lower(graph[0], OPTIONS), graph[1])
        drawn.setdefault(made.kind, []).append(made)

    draw()
    return max(drawn.values(), key=len)[:MANY]


@pytest.fixture(scope="module")
def build(cases: list[Case]) -> Build:
    return Build(cases)


def test_each_is_as_predicted(cases: list[Case], build: Build, tmp_path: Path) -> None:
    assert len(cases) == MANY
    assert len({one.plan.act_words for one in cases}) > 1
    for index, one in enumerate(cases):
        build.compare(one, tmp_path / str(index), index)


def test_a_wrong_bias_and_a_wrong_weight_are_red(cases: list[Case], build: Build, tmp_path: Path) -> None:
    one = next(case for case in cases if case.program.slices and case.program.outputs)
    biases = tuple(bias + (1 << 18) for bias in one.program.biases)
    slices = tuple(replace(each, count=np.zeros_like(each.count)) for each in one.program.slices)
    for program in (replace(one.program, biases=biases), replace(one.program, slices=slices)):
        with pytest.raises(AssertionError):
            build.compare(one, tmp_path, loaded=replace(one, program=program))
