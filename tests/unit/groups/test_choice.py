"""The number of column groups is the one that takes fewest cycles."""

import pytest
from qgraphs import quantised

from emcc.base.errors import EmccError
from emcc.eie.groups.choice import choose, shallow
from emcc.eie.lower import lower
from emcc.eie.options import LowerOptions
from emcc.ir.program import Program


def lowered(groups: int) -> Program:
    """A perceptron."""
    return lower(quantised([12, 9, 4], seed=1), LowerOptions(pes=8, groups=groups))


@pytest.mark.parametrize(
    ("cycles", "taken"), [({1: 9.0, 2: 7.0, 4: 8.0}, 2), ({1: 9.0, 2: 7.0, 4: 7.0}, 2), ({1: 5.0, 2: 5.5, 4: 6.0}, 1)]
)
def test_fewest_cycles_and_then_fewest_groups(cycles: dict[int, float], taken: int) -> None:
    choice = choose(cycles, lowered, lambda program: cycles[program.groups])
    assert choice.program.groups == taken
    assert choice.tried == tuple(cycles.items())


@pytest.mark.parametrize(("cycles", "depth"), [({32: 100.0, 16: 101.0}, 16), ({32: 100.0, 16: 101.1}, 32)])
def test_queues_are_shallow_where_that_costs_little(cycles: dict[int, float], depth: int) -> None:
    choice = choose([1], lowered, lambda program: cycles[program.queue_depth])
    assert shallow(choice, lambda program: cycles[program.queue_depth]).program.queue_depth == depth


def test_what_fits_goes_first_and_else_what_comes_nearest() -> None:
    cycles = {1: 9.0, 2: 7.0, 4: 6.0}
    for missing, taken in (({1: 0, 2: 0, 4: 3}, 2), ({1: 5, 2: 6, 4: 6}, 1)):
        choice = choose(
            cycles,
            lowered,
            lambda program: cycles[program.groups],
            lambda program, missing=missing: missing[program.groups],
        )
        assert choice.program.groups == taken


def test_groups_divide_the_pes() -> None:
    assert LowerOptions(pes=12).fitting == (1, 2, 4)
    assert LowerOptions(pes=7).fitting == (1,)
    with pytest.raises(EmccError, match=r"12 PEs are not 8 equal groups\n.*may be 1, 2, 4"):
        LowerOptions(pes=12, groups=8).require_groups()
