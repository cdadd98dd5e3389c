"""The cycles between running, exactly: what the host's table takes to receive and send (hw/rtl/emcc_host.sv)."""

from emcc.eie.groups.plan import END, RECEIVE, RUN, SEND, HostRow, Plan

ROW = 2
"""Cycles to read a row of the table."""

EACH = {RECEIVE: 1, SEND: 5}
"""Cycles an activation: one is taken a cycle; to send one it is read first."""

START = 1
"""Cycles to start a run."""


def transfer(plan: Plan) -> int:
    """Return the cycles of an inference that do not count as running, from the first activation to the last."""
    rows = [row for row in plan.host if row.op != END]
    return sum(ROW + _cycles(row) for row in rows) - ROW


def _cycles(row: HostRow) -> int:
    return START if row.op == RUN else EACH[row.op] * row.positions * row.slots
