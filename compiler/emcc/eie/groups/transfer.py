"""The cycles between running, exactly: what the host's table takes to receive and send (hw/rtl/emcc_host.sv).

Where the next input comes while this one runs (Plan.next_input), two hosts read the table, and what is seen of
receiving is what is left when an answer has gone out. How much that is has a bound: the drain writes first.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from emcc.eie.groups import timing
from emcc.eie.groups.plan import END, RECEIVE, RUN, SEND, HostRow, Plan
from emcc.ir.graph import Array

ROW = 2
"""Cycles to read a row of the table."""

FIRST = {RECEIVE: 0, SEND: 4}
"""Cycles before the first activation, of which one then comes a cycle: what is sent is read first."""

START = 1
"""Cycles to start a run."""

ON_THE_WAY = timing.ROW_TO_WRITE + 3 * timing.SUM_LEVEL + timing.SCALE + timing.TABLE
"""Rows that are issued and not yet written, at most: of eight groups, with multipliers and functions."""


def transfer(plan: Plan) -> int:
    """Return the cycles of an inference alone that do not count as running, from the first activation to the last."""
    ahead = plan.next_input
    rows = [
        row for row in (plan.host[: ahead.row - 2] + plan.host[ahead.row :] if ahead else plan.host) if row.op != END
    ]
    return sum(map(_row, rows)) + plan.host_wait * sends_what_came(plan.host) - ROW


def following(plan: Plan, exposed: Array) -> Array:
    """Return the cycles of inferences that do not count as running, from the last activation of the answer before.

    exposed: int64 [n], cycles from that one on in which an inference's input still came in.
    """
    return np.asarray(np.maximum(2 * ROW + START, exposed + ROW + START) + _sending(plan))


def exposed_most(plan: Plan, walked: Array, total: Array) -> Array:
    """Return how many cycles of receiving the next input are seen at most, where it is there in time: int64 [n].

    Args:
        walked: int64 [n, passes], `total`: int64 [n], of the inferences before; see cycles.Cycles.
    """
    assert plan.next_input is not None
    received = sum(map(_row, (row for row in plan.host if row.op == RECEIVE)))
    last = walked[:, plan.next_input.passes - 1] + ROW + received + drained_most(plan)
    return np.asarray(np.maximum(0, last - total - _sending(plan)))


def drained_most(plan: Plan) -> int:
    """Return how many rows are written at most after the inputs' words are free: two tiles wait, some are under way."""
    assert plan.next_input is not None
    after = sum(row.rows * row.positions for row in plan.passes[plan.next_input.passes :])
    return after + 2 * plan.acc_rows + ON_THE_WAY


def _sending(plan: Plan) -> int:
    return sum(map(_row, (row for row in plan.host if row.op == SEND)))


def sends_what_came(host: Sequence[HostRow]) -> int:
    """Return how many rows send directly behind one that receives: none where the next input comes beside a run."""
    return sum((before.op, row.op) == (RECEIVE, SEND) for before, row in pairwise(host))


def _row(row: HostRow) -> int:
    return ROW + (START if row.op == RUN else FIRST[row.op] + row.positions * row.slots)
