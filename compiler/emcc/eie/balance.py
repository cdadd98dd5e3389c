"""Which PE gets which row: equal work for every PE."""

import heapq

import numpy as np

from emcc.ir.graph import Array
from emcc.ir.program import words


def row_order(work: Array, pes: int) -> Array:
    """Return a permutation of rows: slot s (PE s % pes, local row s // pes) takes row order[s].

    Longest processing time first (Graham 1969) with a limit on rows a PE: the slots of a layer are numbered without
    gaps, so PE p has one row more than the others only where the last word reaches it. Within a PE rows keep their
    order.

    Args:
        work: integers or floats [rows], what each row costs.
        pes: among how many rows are dealt: the PEs of a group.
    """
    rows = work.size
    room = np.full(pes, words(rows, pes))
    room[rows - (words(rows, pes) - 1) * pes :] -= 1
    heap = [(work.dtype.type(0), pe) for pe in range(pes) if room[pe]]
    dealt: list[list[int]] = [[] for _ in range(pes)]
    for row in np.argsort(-work, kind="stable"):
        load, pe = heapq.heappop(heap)
        dealt[pe].append(int(row))
        room[pe] -= 1
        if room[pe]:
            heapq.heappush(heap, (load + work[row], pe))
    order = np.empty(rows, np.int64)
    for pe, taken in enumerate(dealt):
        order[pe::pes] = sorted(taken)
    return order
