"""Which slot gets which row where PEs are lanes of column groups: equal work for every PE, and for every group.

A slot's lane says which PEs have the row, one in each group; its group says which PEs have what reads it as a column.
So lanes are chosen by the work of the rows in each group, and the places within a lane by the work of the columns.
"""

import numpy as np

from emcc.eie.balance import row_order
from emcc.ir.graph import Array

SWAPS = 400
"""Exchanges that the local search makes at the most."""

WIDE = 1 << 18
"""Exchanges that are looked at at a time; of more, those with the rows that have the least work are."""


def deal(rows: Array, columns: Array, lanes: int) -> Array:
    """Return a permutation: slot s takes row order[s].

    Longest processing time first (Graham 1969), and then exchanges of two rows that lower the largest load of the PEs,
    or groups, that they touch.

    Args:
        rows: float64 [rows, groups], what each row costs in each group.
        columns: float64 [rows, readers], what each costs as a column of each layer that reads it; may have no reader.
        lanes: PEs of a group.
    """
    lane_of = np.empty(len(rows), np.int64)
    first = row_order(rows.sum(axis=1), lanes)
    lane_of[first] = np.arange(first.size) % lanes
    _level(lane_of, rows, lanes, np.zeros(len(rows), np.int64))
    group_of = _grouped(lane_of, columns, lanes, rows.shape[1])
    return _slots(lane_of, group_of, lanes, rows.shape[1])


def _grouped(lane_of: Array, columns: Array, lanes: int, groups: int) -> Array:
    """Return the group of each row as a column: word k of lane i lies in group (k + i) % groups."""
    scale = columns.sum(axis=0)
    weights = columns[:, scale > 0] / scale[scale > 0]
    room = np.zeros((lanes, groups), np.int64)
    for lane, count in enumerate(np.bincount(lane_of, minlength=lanes)):
        room[lane] = np.bincount((np.arange(count) + lane) % groups, minlength=groups)
    if not weights.shape[1]:
        return _filled(lane_of, room)
    group_of, loads = np.empty(len(lane_of), np.int64), np.zeros((groups, weights.shape[1]))
    for row in np.argsort(-weights.max(axis=1, initial=0), kind="stable"):
        after = (loads + weights[row]).max(axis=1, initial=0)
        group = int(np.where(room[lane_of[row]] > 0, after, np.inf).argmin())
        group_of[row] = group
        loads[group] += weights[row]
        room[lane_of[row], group] -= 1
    _level(group_of, weights, groups, lane_of)
    return group_of


def _filled(lane_of: Array, room: Array) -> Array:
    """Return the group of each row where none costs anything: a lane's rows fill one group after another.

    `room` is int64 [lanes, groups], how many rows there are to be of each.
    """
    by_lane = np.argsort(lane_of, kind="stable")
    begins = np.cumsum(room.sum(axis=1)) - room.sum(axis=1)
    rank = np.empty(len(lane_of), np.int64)
    rank[by_lane] = np.arange(len(lane_of)) - begins[lane_of[by_lane]]
    return np.asarray((rank[:, None] >= np.cumsum(room, axis=1)[lane_of]).sum(axis=1))


def _level(bin_of: Array, work: Array, bins: int, kind: Array) -> None:
    """Exchange rows of the same kind between bins, in place, while that lowers the load of the fullest.

    A bin's load is the largest of its sums over `work`, float64 [rows, parts].
    """
    if bins < 2 or not work.shape[1]:
        return
    loads = np.zeros((bins, work.shape[1]))
    np.add.at(loads, bin_of, work)
    for _ in range(SWAPS):
        worst = int(loads.max(axis=1).argmax())
        part = int(loads[worst].argmax())
        mine, others = np.flatnonzero(bin_of == worst), np.flatnonzero(bin_of != worst)
        if not mine.size or not others.size:
            return
        most = max(1, WIDE // mine.size)
        if others.size > most:
            others = others[np.argsort(work[others, part], kind="stable")[:most]]
        moved = work[others][None] - work[mine][:, None]
        after = np.maximum(loads[worst] + moved, loads[bin_of[others]][None] - moved).max(axis=2)
        after[kind[mine][:, None] != kind[others][None]] = np.inf
        at = int(after.argmin())
        a, b = mine[at // others.size], others[at % others.size]
        if not after.flat[at] < loads[worst].max() * (1 - 1e-9):
            return
        loads[bin_of[b]] += work[a] - work[b]
        loads[worst] += work[b] - work[a]
        bin_of[a], bin_of[b] = bin_of[b], bin_of[a]


def _slots(lane_of: Array, group_of: Array, lanes: int, groups: int) -> Array:
    """Return the order: rows of a lane and group in the words that are of that group, in their own order."""
    order = np.empty(len(lane_of), np.int64)
    for lane in range(lanes):
        for group in range(groups):
            taken = np.flatnonzero((lane_of == lane) & (group_of == group))
            order[lane + lanes * ((group - lane) % groups + groups * np.arange(taken.size))] = taken
    return order
