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
    return np.stack([_counted(program, block, wanted, lane) for lane in range(program.lanes)], axis=1)


def _counted(program: Program, block: Columns, wanted: Array, lane: int) -> Array:
    """Return a lane's entries of the columns `wanted` of a block: int64 [groups, columns]."""
    slices = program.slices[block.slices]
    count = slices.count[lane]
    if not block.early:
        return np.where(wanted < 0, 0, count[wanted])
    early = before(slices, lane, block.early)
    if block.late:
        return np.where(wanted < 0, 0, (count - early)[wanted])
    twice = np.arange(wanted.shape[1]) >= _twice(program, block)
    return np.where(wanted < 0, 0, np.where(twice, early[wanted], count[wanted]))


def before(slices: Slices, lane: int, row: int) -> Array:
    """Return how many entries of each column of a lane are of a local row before `row`: int64 [columns]."""
    early = np.concatenate([[0], np.cumsum(_local_rows(slices, lane) < row)])
    start, count = slices.start[lane], slices.count[lane]
    return np.asarray(early[start + count] - early[start])


def _local_rows(slices: Slices, lane: int) -> Array:
    """Return the local row of each of a lane's entries."""
    run = slices.run[slices.first[lane] : slices.first[lane + 1]]
    return unpack_rows(slices.count[lane : lane + 1], np.array([0, run.size]), run, 1)[0]


def entries(program: Program, block: Columns, group: int, lane: int) -> Array:
    """Return {run, code} of a PE's entries of a block, column after column: int64 [entries]."""
    slices, wanted = program.slices[block.slices], columns(program, block)[group : group + 1]
    (count,), wanted = _counted(program, block, wanted, lane), wanted[0]
    start = slices.start[lane, wanted] + (slices.count[lane, wanted] - count if block.late else 0)
    ahead = np.cumsum(count) - count
    own = np.repeat(start - ahead, count) + np.arange(count.sum())
    at = slices.first[lane] + own
    run = slices.run[at].astype(np.int64)
    if block.late:
        # Rows count from the first late one on, and so does a column's first run.
        firsts = ahead[count > 0]
        run[firsts] = _local_rows(slices, lane)[own[firsts]] - block.early
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
