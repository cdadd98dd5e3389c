"""The RTL's cycle count, exactly, from the counts of entries alone.

The model follows events, not cycles: for every emission of LNZD it knows when each PE's queue takes it and when that
PE is done with it. PE p's i-th activation of a layer, with c entries, leaves the queue at
pop[i] = max(seen[i], pop[i-1] + c[i-1]), and a queue is near full in cycle t if of the n activations seen by then
number n - limit has not left: pop[n - limit] >= t.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from emcc.base.jit import compiled
from emcc.eie import reference, timing
from emcc.ir.graph import Array
from emcc.ir.program import Program, words


@dataclass(frozen=True)
class Cycles:
    """Counts of a batch of n inferences.

    Attributes:
        total: int64 [n], from the first input word's handshake to the last output word's, both counted.
        layer_done: int64 [n, layers], the cycle in which each layer's last product has retired, counted the same way.
        broadcasts: int64 [n, layers], non-zero activations broadcast.
        stalls: int64 [n, layers], cycles in which LNZD waited for a queue.
        products: int64 [n, layers], entries processed by all PEs, padding zeros included.
    """

    total: Array
    layer_done: Array
    broadcasts: Array
    stalls: Array
    products: Array


def predict(program: Program, x: Array) -> Array:
    """Predict the cycles of each inference: int64 [n].

    Args:
        x: integers [n, elements], the quantised input, flattened in the model's order.
    """
    return count(program, x).total


def count(program: Program, x: Array) -> Cycles:
    """Return all counts of a batch; arguments as for `predict`. What the last layer gives has no part in them."""
    return count_layers(program, reference.run_layers(program, x, len(program.layers) - 1))


def count_layers(program: Program, values: list[Array]) -> Cycles:
    """Return all counts, from what every layer takes: `reference.run_layers`, with or without the outputs."""
    n, layers = len(values[0]), len(program.layers)
    drain = timing.DRAIN_TABLE if program.tables else timing.DRAIN
    done, broadcasts, stalls, products = (np.zeros((n, layers), np.int64) for _ in range(4))
    begin = np.full(n, timing.FLAGS_READY, np.int64)
    limit = program.queue_depth - timing.ON_THE_WAY
    for i, layer in enumerate(program.layers):
        first_of, pe_of, length_of = _by_column(layer.count, program.drop_empty)
        nonzero = np.ascontiguousarray(values[i] != 0)
        products[:, i] = nonzero.astype(np.int64) @ layer.count.sum(axis=0)
        first = begin if program.overlap else begin + words(layer.n_in, program.pes) - 1
        switches = (program.drop_empty, program.overlap, program.prefetch)
        _layer(
            *(nonzero, program.pes, first_of, pe_of, length_of, first, limit, switches),
            *(done[:, i], broadcasts[:, i], stalls[:, i]),
        )
        # Rows are drained one a cycle; the next layer, or the output, follows them.
        begin = done[:, i] + 1 + drain + timing.WRITE_TO_FLAGS
    last = done[:, -1] + 1 + (words(program.layers[-1].n_out, program.pes) - 1) + drain + timing.WRITE_TO_OUTPUT
    return Cycles(last + 1, done + 1, broadcasts, stalls, products)


def _by_column(count: Array, drop_empty: bool) -> tuple[Array, Array, Array]:
    """Find the PEs whose queues take each column: (int64 [columns + 1], uint32 PEs, int32 entries), those of column j
    from first[j] to first[j + 1]. `count` is int [pes, columns]."""
    taken = count.T > 0 if drop_empty else np.ones(count.T.shape, bool)
    columns, pe_of = np.nonzero(taken)
    first_of = np.zeros(count.shape[1] + 1, np.int64)
    np.cumsum(taken.sum(axis=1), out=first_of[1:])
    return first_of, pe_of.astype(np.uint32), count.T[columns, pe_of].astype(np.int32)


# Names that the compiled function reads as constants.
_FLAGS_TO_WORD, _WORD_BUFFER, _EMIT_TO_QUEUE = timing.FLAGS_TO_WORD, timing.WORD_BUFFER, timing.EMIT_TO_QUEUE
_STALL_DELAY, _ON_THE_WAY, _RETIRE, _IDLE_DELAY = (
    timing.STALL_DELAY,
    timing.ON_THE_WAY,
    timing.RETIRE,
    timing.IDLE_DELAY,
)
_RING = 256
"""Activations of a queue that are remembered, a power of two: more than near-full mark and delays together."""

_LAST = _RING - 1


@compiled
def _layer(
    nonzero: Any, pes: int, first_of: Any, pe_of: Any, length_of: Any, begin: Any, limit: int, switches: Any,
    done: Any, broadcasts: Any, stalls: Any,
) -> None:  # pragma: no cover  # fmt: skip
    """Follow one layer of every inference.

    Args:
        nonzero: bool [n, columns]; first_of, pe_of, length_of: see `_by_column`; begin: int64 [n], the cycle in which
            word 0 can be scanned (with overlap word k k later); limit: near-full mark of a queue; switches:
            (drop_empty, overlap, prefetch).
        done, broadcasts, stalls: int64 [n], written.
    """
    columns = nonzero.shape[1]
    drop_empty, overlap, prefetch = switches
    n_words = (columns + pes - 1) // pes
    # The last activations of each queue: when the near-full count has them, and when they leave.
    seen = np.empty((pes, _RING), np.int64)
    pop = np.empty((pes, _RING), np.int64)
    loads = np.empty(n_words, np.int64)
    visible = np.empty(n_words, np.int64)
    for b in range(nonzero.shape[0]):
        pushed = np.zeros(pes, np.int64)
        free = np.zeros(pes, np.int64)
        retired = np.full(pes, -1, np.int64)
        last_free = np.int64(0)
        full = 0
        read = np.int64(-1)
        emitted = np.int64(-1)
        n_emitted = 0
        waited = 0
        end = np.int64(0)
        for word in range(n_words):
            # The word's flags are read when they are there and LNZD has room.
            at = max(read + 1, begin[b] + word) if overlap else max(read + 1, begin[b])
            if not prefetch and word:
                at = max(at, read + _FLAGS_TO_WORD, emitted + 1)
            while prefetch:
                held = 0
                oldest = np.int64(0)
                for j in range(full - 1, -1, -1):
                    if loads[j] < at:
                        break
                    if visible[j] <= at:
                        held += 1
                        oldest = loads[j]
                if held < _WORD_BUFFER:
                    break
                at = oldest + 1
            read = at
            fresh = True
            for column in range(word * pes, min(columns, (word + 1) * pes)):
                if not nonzero[b, column]:
                    continue
                if fresh:
                    fresh = False
                    visible[full] = read + _FLAGS_TO_WORD
                    loads[full] = max(visible[full], emitted)
                    first = loads[full] + 1
                    full += 1
                    emitted = max(emitted, first - 1)
                at = emitted + 1
                # Wait while a queue is near full: `limit` activations in it, none of which is done in a cycle.
                moved: Any = last_free >= at - _STALL_DELAY + limit
                while moved:
                    moved = False
                    for p in range(pes):
                        if free[p] < at - _STALL_DELAY + limit:
                            continue
                        arrived = pushed[p]
                        if arrived < limit or pop[p, (arrived - limit) & _LAST] < at - _STALL_DELAY:
                            continue
                        while arrived > 0 and seen[p, (arrived - 1) & _LAST] > at - _STALL_DELAY:
                            arrived -= 1
                        if arrived >= limit:
                            leaves = pop[p, (arrived - limit) & _LAST]
                            if leaves >= at - _STALL_DELAY:
                                at = leaves + _STALL_DELAY + 1
                                moved = True
                waited += at - (emitted + 1)
                emitted = at
                n_emitted += 1
                arrival = at + _EMIT_TO_QUEUE
                for k in range(first_of[column], first_of[column + 1]):
                    p, length = pe_of[k], length_of[k]
                    i = pushed[p]
                    leaves = max(arrival, free[p])
                    seen[p, i & _LAST] = arrival
                    pop[p, i & _LAST] = leaves
                    pushed[p] = i + 1
                    # An empty column takes its cycle but nothing retires.
                    free[p] = leaves + max(length, 1)
                    last_free = max(last_free, free[p])
                    if length and not drop_empty:
                        retired[p] = free[p]
        for p in range(pes):
            if pushed[p]:
                last = free[p] if drop_empty else retired[p]
                end = max(end, free[p] + _IDLE_DELAY, last + _IDLE_DELAY + _RETIRE)
        end = max(end, read + 2)
        if n_emitted:
            end = max(end, emitted + 1 + _ON_THE_WAY)
        done[b] = end
        broadcasts[b] = n_emitted
        stalls[b] = waited
