"""What of a Program's slices and codes each PE holds: PE g * lanes + i the columns of group g, the rows of lane i."""

import numpy as np

from emcc.eie.groups.plan import Codes, Columns, Plan
from emcc.eie.groups.where import slots
from emcc.eie.pack import unpack_rows
from emcc.ir.graph import Array
from emcc.ir.program import Program, Slices, words


def columns(program: Program, block: Columns) -> Array:
    """Return the matrix's column at each column of a block, -1 where no slot is: int64 [groups, columns]."""
    at = slots(words(block.slots, program.pes), program.lanes, program.groups).reshape(program.groups, 1, -1)
    numbers = np.array(block.taps)[:, None] * block.slots + at
    found = np.asarray(np.where(at < block.slots, numbers, -1)).reshape(program.groups, -1)
    return found[:, _twice(program, block) :] if block.late else found


def _twice(program: Program, block: Columns) -> int:
    """Return from which of all taps' columns on they are there twice."""
    return (len(block.taps) * words(block.slots, program.pes) - block.again) * program.lanes


def counts(program: Program, block: Columns) -> Array:
    """Return the entries of each column of a block: int64 [groups, lanes, columns]."""
    wanted = columns(program, block)
    slices = program.slices[block.slices]
    found = _taken(slices.count, wanted)
    if block.late:
        return found - _taken(before(slices, program.lanes, block.early), wanted)
    if block.early:
        at = _twice(program, block)
        found[:, :, at:] = _taken(before(slices, program.lanes, block.early), wanted[:, at:])
    return found


def _taken(of_lane: Array, wanted: Array) -> Array:
    """Return [groups, lanes, columns] of numbers [lanes, columns of the matrix], 0 where no column is wanted."""
    taken = of_lane[:, np.maximum(wanted, 0)].swapaxes(0, 1)
    return np.asarray(np.where(wanted[:, None, :] < 0, 0, taken))


def before(slices: Slices, lanes: int, row: int) -> Array:
    """Return how many entries of each column are of a local row before `row`: int64 [lanes, columns]."""
    rows, _ = unpack_rows(slices.count, slices.first, slices.run, lanes)
    early = np.concatenate([[0], np.cumsum(rows // lanes < row)])
    at = slices.first[:-1, None] + slices.start
    return np.asarray(early[at + slices.count] - early[at])


def entries(program: Program, block: Columns, group: int, lane: int) -> Array:
    """Return {run, code} of a PE's entries of a block, column after column: int64 [entries]."""
    slices, wanted = program.slices[block.slices], columns(program, block)[group]
    count, wanted = counts(program, block)[group, lane, wanted >= 0], wanted[wanted >= 0]
    start = slices.start[lane, wanted] + (slices.count[lane, wanted] - count if block.late else 0)
    ahead = np.cumsum(count) - count
    at = slices.first[lane] + np.repeat(start - ahead, count) + np.arange(count.sum())
    run = slices.run[at].astype(np.int64)
    if block.late:
        # Rows count from the first late one on, and so does a column's first run.
        rows, _ = unpack_rows(slices.count, slices.first, slices.run, program.lanes)
        firsts = ahead[count > 0]
        run[firsts] = rows[at[firsts]] // program.lanes - block.early
    return np.asarray(run << slices.code_w | slices.code[at])


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
