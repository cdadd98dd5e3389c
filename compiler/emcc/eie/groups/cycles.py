"""The cycle count of the array of column groups, exactly: walk, groups' queues and drain by cycles, PEs by events.

PE p's i-th entry, with c products, leaves its queue at pop[i] = max(seen[i], pop[i-1] + c[i-1]); a queue is near full
in cycle t if of the n entries seen by then number n - limit has not left: pop[n - limit] >= t.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from emcc.eie.groups import contents, timing
from emcc.eie.groups.cycle_loop import (
    DRAIN_ADDR,
    EMITTED,
    FAR,
    LAST_WRITE,
    NOW,
    PE_RING,
    PRODUCTS,
    READY,
    RING,
    STALLED,
    STATE_FIELDS,
    WORD_FIELDS,
    advance,
)
from emcc.eie.groups.exchange import exchanges
from emcc.eie.groups.image import Image
from emcc.eie.groups.plan import Pass, Plan
from emcc.eie.groups.schedule import plan as planned
from emcc.eie.reference import Memory
from emcc.ir.graph import Array
from emcc.ir.program import Program

APART = 16
"""Cycles between two runs, in which all that one leaves behind is over: fewer than the host's table takes."""


@dataclass(frozen=True)
class Cycles:
    """Counts of a batch of n inferences.

    Attributes:
        total: int64 [n], cycles of all runs: each from its start, with the input in its buffer, to its last write.
        pass_done: int64 [n, passes], the cycle of each pass's last write, counted over all runs.
        walked: int64 [n, passes], the cycle in which each pass's last word is read.
        broadcasts: int64 [n], emissions of all groups.
        stalls: int64 [n], cycles in which a group waited for a PE's queue, over all groups.
        products: int64 [n], entries processed by all PEs, padding zeros included.
    """

    total: Array
    pass_done: Array
    walked: Array
    broadcasts: Array
    stalls: Array
    products: Array


def count(program: Program, inputs: Mapping[str, Array], plan: Plan | None = None) -> Cycles:
    """Return all counts of a batch.

    Args:
        inputs: integers [n, elements] by the input's name, the quantised inputs in the model's order.
        plan: of the program, where it is there already.
    """
    plan = plan or planned(program)
    n = len(next(iter(inputs.values())))
    memory, image = Memory(program, n), Image(program, plan, n)
    for port in program.inputs:
        memory.write(port, np.asarray(inputs[port.name], np.int64))
        image.put(port.buffer, memory.values[port.buffer])
    models = [_Model(program, plan) for _ in range(n)]
    constants = _entries(program, plan)
    answers = iter([own.part for own in exchanges(program) if own.answers])
    part = next(answers, None)
    passes = list(enumerate(plan.passes))
    for index, step in enumerate(memory.steps()):
        while part is not None and part.before <= index:
            image.put(part.target.buffer, memory.values[part.target.buffer])
            part = next(answers, None)
        while passes and passes[0][1].step == index:
            number, row = passes.pop(0)
            for model, flags in zip(models, image.flags, strict=True):
                model.walk(number, row, flags, constants)
            if row.plain:
                image.copy(row)
        image.put(step.target, memory.values[step.target])
    return Cycles(
        total=np.array([model.total for model in models]),
        pass_done=np.array([model.done for model in models]).reshape(n, len(plan.passes)),
        walked=np.array([model.walked for model in models]).reshape(n, len(plan.passes)),
        broadcasts=np.array([model.state[EMITTED] for model in models]),
        stalls=np.array([model.state[STALLED] for model in models]),
        products=np.array([model.state[PRODUCTS] for model in models]),
    )


def _entries(program: Program, plan: Plan) -> Array:
    """Return the entries of each PE's columns: int32 [columns, pes]."""
    blocks = [contents.counts(program, block).reshape(program.pes, -1) for block in plan.columns]
    return np.ascontiguousarray(np.concatenate([np.zeros((program.pes, 0), np.int64), *blocks], axis=1).T, np.int32)


class _Model:
    """One inference under way."""

    def __init__(self, program: Program, plan: Plan) -> None:
        pes, groups = program.pes, program.groups
        self.plan, self.total = plan, 0
        self.done, self.walked = np.zeros((2, len(plan.passes)), np.int64)
        self.state = np.zeros(STATE_FIELDS, np.int64)
        self.state[DRAIN_ADDR] = -1
        self.state[READY] = timing.START_TO_ISSUE
        self._begun = 0
        self._rows, self._taps = _tables(plan)
        levels = (groups - 1).bit_length()
        latency = timing.ROW_TO_WRITE + levels * timing.SUM_LEVEL
        latency += timing.SCALE * any(row.scale >= 0 for row in plan.passes) + timing.TABLE * bool(program.tables)
        self._numbers = (plan.lanes, groups, program.queue_depth - timing.ON_THE_WAY, latency)
        self._free, self._left = np.zeros(2, np.int64), np.full((2, groups), FAR)
        self._arrays = (
            np.zeros((groups, RING, WORD_FIELDS), np.int64),
            np.zeros((groups, 2), np.int64),
            np.zeros((groups, WORD_FIELDS), np.int64),
            np.zeros(groups, np.int64),
            np.zeros(groups, np.bool_),
            np.zeros((groups, RING), np.int64),
            self._free,
            self._left,
            np.zeros(2, np.int64),
            np.zeros((pes, PE_RING), np.int64),
            np.zeros((pes, PE_RING), np.int64),
            np.zeros(pes, np.int64),
            np.zeros(pes, np.int64),
            np.zeros(groups, np.int64),
            np.zeros(RING, np.int64),
        )

    def walk(self, number: int, row: Pass, flags: Array, entries: Array) -> None:
        """Walk a pass; finish the run where it stops."""
        done = np.zeros(len(self.plan.passes), np.int64)
        for index in (number, -1) if row.stop else (number,):
            advance(self.state, self._rows, self._taps, index, flags, entries, *self._numbers, *self._arrays, done)
            self.done[done > 0] = self.total + done[done > 0] - self._begun
        self.walked[number] = self.total + self.state[READY] - timing.PASS_TO_ISSUE - self._begun
        if row.stop:
            self.total += int(self.state[LAST_WRITE]) - self._begun
            self._begun = int(self.state[LAST_WRITE]) + APART
            self.state[NOW] = self._begun
            self.state[READY] = self._begun + timing.START_TO_ISSUE


def _tables(plan: Plan) -> tuple[Array, Array]:
    """Return the passes and the taps as `advance` takes them."""
    rows: list[list[int]] = []
    taps: list[list[int]] = []
    for row in plan.passes:
        fields = [row.local, row.largest, row.height, row.width, row.y0, row.x0, row.step_y, row.step_x]
        fields += [row.map_height, row.map_width, row.a.base, row.a.x, row.a.row, row.b.base, row.b.x, row.b.row]
        fields += [len(taps), len(row.taps), row.words, row.lanes, row.columns, row.tile, row.rows]
        rows.append([*fields, row.depends_a, row.depends_b, row.dst, row.dst_x, row.dst_row, row.split])
        taps += [[tap.dy, tap.dx, tap.offset, tap.sel, tap.load] for tap in row.taps]
    return np.array(rows, np.int64), np.array(taps, np.int64)
