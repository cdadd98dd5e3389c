"""What of a Program's slices and codes each PE holds: PE g * lanes + i the columns of group g, the rows of lane i."""

import numpy as np

from emcc.eie.groups.plan import Codes, Columns, Plan
from emcc.eie.groups.where import slots
from emcc.ir.graph import Array
from emcc.ir.program import Program, words


def columns(program: Program, block: Columns) -> Array:
    """Return the matrix's column at each column of a block, -1 where no slot is: int64 [groups, columns]."""
    at = slots(words(block.slots, program.pes), program.lanes, program.groups).reshape(program.groups, 1, -1)
    numbers = np.array(block.taps)[:, None] * block.slots + at
    return np.asarray(np.where(at < block.slots, numbers, -1)).reshape(program.groups, -1)


def counts(program: Program, block: Columns) -> Array:
    """Return the entries of each column of a block: int64 [groups, lanes, columns]."""
    wanted = columns(program, block)[:, None, :]
    of_lane = program.slices[block.slices].count[None, :, :]
    taken = np.take_along_axis(np.broadcast_to(of_lane, (len(wanted), *of_lane.shape[1:])), np.maximum(wanted, 0), 2)
    return np.where(wanted < 0, 0, taken)


def entries(program: Program, block: Columns, group: int, lane: int) -> Array:
    """Return {run, code} of a PE's entries of a block, column after column: int64 [entries]."""
    slices, wanted = program.slices[block.slices], columns(program, block)[group]
    wanted = wanted[wanted >= 0]
    count = slices.count[lane, wanted]
    before = np.cumsum(count) - count
    at = slices.first[lane] + np.repeat(slices.start[lane, wanted] - before, count) + np.arange(count.sum())
    return np.asarray(slices.run[at].astype(np.int64) << slices.code_w | slices.code[at])


def codes(program: Program, block: Codes) -> Array:
    """Return the dense codes of a block by address, 0 where no slot is: int64 [groups, lanes, addresses]."""
    held = program.codes[block.codes][list(block.taps)].astype(np.int64)
    at = slots(words(held.shape[1], program.pes), program.lanes, program.groups)
    there = at < held.shape[1]
    by_tap = np.where(there, held[:, np.where(there, at, 0)], 0)
    return by_tap.transpose(1, 3, 0, 2).reshape(program.groups, program.lanes, -1)


def dense(program: Program, plan: Plan) -> int:
    """Return how many dense codes a PE has: the addresses before its entries."""
    return sum(len(block.taps) * words(program.codes[block.codes].shape[1], program.pes) for block in plan.codes)


def starts(program: Program, plan: Plan) -> tuple[Array, Array]:
    """Return (the address of each column's first entry, its entries): int64 [groups, lanes, columns of all blocks]."""
    count = np.concatenate(
        [np.zeros((plan.groups, plan.lanes, 0), np.int64), *(counts(program, block) for block in plan.columns)], axis=2
    )
    return dense(program, plan) + np.cumsum(count, axis=2) - count, count
