"""The cycle model against a cycle-by-cycle model of the same pipeline (tests/sim holds it against the RTL)."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from qgraphs import inputs, quantised

from emcc.eie import cycles, reference, timing
from emcc.eie.lower import lower
from emcc.eie.options import LowerOptions
from emcc.ir.program import Program


def step_layer(nonzero: np.ndarray, entries: np.ndarray, begin: int, program: Program) -> tuple[int, int, int]:
    """(cycle in which the layer ends, broadcasts, stalls), one cycle at a time, as hw/rtl does it."""
    depth, drop_empty = program.queue_depth, program.drop_empty
    columns, pes = entries.shape
    words = [[c for c in range(w, min(w + pes, columns)) if nonzero[c]] for w in range(0, columns, pes)]
    scanned, reading, fifo, pending = 0, None, [], []
    delayed = [[] for _ in range(timing.EMIT_TO_QUEUE)]
    queues, left, age = [[] for _ in range(pes)], [0] * pes, [99] * pes
    near, void = [False] * pes, [False] * pes
    stall = idle = False
    idle_pe = [False] * pes
    recent, broadcasts, stalls, cycle = 0, 0, 0, 0
    while True:
        if scanned == len(words) and reading is None and not fifo and not pending and not recent and idle:
            return cycle, broadcasts, stalls
        emit = pending[0] if pending and not stall else None
        stalls += bool(pending) and stall
        broadcasts += emit is not None
        there = cycle >= begin + (scanned if program.overlap else len(words) - 1)
        room = len(fifo) < timing.WORD_BUFFER if program.prefetch else not fifo and not pending and reading is None
        go = scanned < len(words) and there and room
        pop_word = bool(fifo) and (not pending or (emit is not None and len(pending) == 1))
        pops = [bool(queues[p]) and left[p] <= 1 for p in range(pes)]
        busy = [bool(queues[p]) or left[p] > 0 or age[p] < timing.RETIRE for p in range(pes)]
        # Registers take their next values together.
        idle, idle_pe = all(idle_pe), [not b for b in busy]
        stall, near = any(near), [len(queues[p]) >= depth - timing.ON_THE_WAY for p in range(pes)]
        recent = (recent << 1 | (emit is not None)) & ((1 << timing.ON_THE_WAY) - 1)
        for p in range(pes):
            age[p] = 0 if left[p] > 0 and not void[p] else age[p] + 1
            left[p] = left[p] - 1 if left[p] else 0
            if pops[p]:
                left[p] = queues[p].pop(0)
                void[p] = left[p] == 0
                left[p] = max(left[p], 1)
        delayed.append([] if emit is None else [emit])
        for column in delayed.pop(1):
            for p in range(pes):
                if entries[column, p] or not drop_empty:
                    queues[p].append(int(entries[column, p]))
        if emit is not None:
            pending = pending[1:]
        if pop_word:
            pending = fifo.pop(0)
        if reading:
            fifo.append(reading)
        reading = words[scanned] if go else None
        scanned += go
        cycle += 1


@settings(max_examples=60)
@given(
    sizes=st.lists(st.integers(1, 90), min_size=2, max_size=4),
    pes=st.integers(1, 20),
    depth=st.sampled_from([16, 32]),
    density=st.sampled_from([0.02, 0.3, 1.0]),
    active=st.sampled_from([0.0, 0.05, 0.5, 1.0]),
    seed=st.integers(0, 2**32 - 1),
    switches=st.fixed_dictionaries({name: st.booleans() for name in ("drop_empty", "overlap", "prefetch")}),
)
def test_equals_stepping(
    sizes: list[int], pes: int, depth: int, density: float, active: float, seed: int, switches: dict[str, bool]
) -> None:
    graph = quantised(sizes, density=density, seed=seed)
    program = lower(graph, LowerOptions(pes=pes, queue_depth=depth, **switches))
    values = reference.run_layers(program, inputs(2, sizes[0], density=active, seed=seed))
    got = cycles.count_layers(program, values)
    for sample in range(2):
        begin = timing.FLAGS_READY
        for i, layer in enumerate(program.layers):
            done, broadcasts, stalls = step_layer(values[i][sample] != 0, layer.count.T, begin, program)
            assert (got.layer_done[sample, i], got.broadcasts[sample, i], got.stalls[sample, i]) == (
                done + 1,
                broadcasts,
                stalls,
            )
            begin = done + 1 + timing.DRAIN + timing.WRITE_TO_FLAGS


def test_products_count_entries_of_non_zero_activations() -> None:
    program = lower(quantised([40, 30, 10]), LowerOptions(pes=4))
    x = inputs(6, 40)
    values = reference.run_layers(program, x)
    got = cycles.count(program, x)
    for i, layer in enumerate(program.layers):
        expected = [(layer.count[:, row != 0]).sum() for row in values[i]]
        assert got.products[:, i].tolist() == expected
    np.testing.assert_array_equal(got.broadcasts, np.stack([(v != 0).sum(axis=1) for v in values[:-1]], axis=1))
