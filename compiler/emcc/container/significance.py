"""The model of a sparse matrix for `mixing`: how many non-zero codes a row has, where they are, and which.

Columns are channels of an image or kernel of height x width. In a row, a column is as likely as it was in the rows
before, or as its neighbours in the image were: two predictions, each scaled so that the codes still missing in the row
are expected in what is left of it. docs/range-coding.md gives every number.
"""

from typing import NamedTuple

import numpy as np

from emcc.base.jit import compiled
from emcc.container.mixing import I64, LOGIT_TOP, STRETCH, Coder, Model, decide, level, new_model
from emcc.container.rangecoder import AT, COSTS, FULL, PART, WRITES, close_coder, new_state
from emcc.ir.graph import Array

_RADIUS = 3
_SIZES, _PLACES, _KINDS = 32, 2048, 64


class Columns(NamedTuple):
    """What the rows before say of each column, int64 [columns + 1], the last one 0.

    ones: non-zero codes. smooth: of it (twice) and its eight neighbours (twice where they share a side).
    own, near: its prediction and those of all after it.
    """

    ones: Array
    smooth: Array
    own: Array
    near: Array


class Around(NamedTuple):
    """What the row's codes so far say of each column, int64 [columns]: the nearer a code, the more it counts.

    weight: of codes. pull: of their values. heft: of their absolute values.
    """

    weight: Array
    pull: Array
    heft: Array


class Work(NamedTuple):
    """All that is remembered while a matrix is coded."""

    coder: Coder
    counts: Model
    tails: Model
    places: Model
    which: Model
    seen: Columns
    around: Around
    value: Array
    code_at: Array


def code_matrix(
    writes: bool, data: Array, codes: Array, height: int, width: int, rank: Array, value: Array
) -> tuple[int, int, int]:
    """Write uint8 codes [rows, columns] into uint8 `data`, or read them from it into zeros.

    Args:
        rank: int64, by code: its place among the codes of its sign, and 256 if that is negative. Unused for code 0.
        value: int64, by code: its weight; 1 to 2**15 on average 128. 0 for code 0.

    Returns:
        the bytes written or read (up to 4 more than there are); -1 if `data` is too short to write to, or if what is
        read is no matrix; and what the places and the codes cost by the model, in 2**-20 bits.
    """
    columns, depth = codes.shape[1], int((rank & 255).max()).bit_length()
    code_at = np.zeros(512, np.uint8)
    code_at[rank[1:]] = np.arange(1, len(rank))
    places = new_model(3, 2, 3 * _PLACES, 32, 0, 1500, 3)
    places.weight[:, 3:] = 10000
    work = Work(
        Coder(new_state(writes, data), data, *np.zeros((3, 8), np.int64)),
        new_model(2, 0, _SIZES + 32 * 32, 2, 1 << 15, 0, 8),
        new_model(1, 0, 32 * 256, 2, 1 << 15, 0, 8),
        places,
        new_model(6, 0, 6 * (2 << depth) * _KINDS, (2 << depth) + 16, 0, 2500, 12),
        Columns(*(np.zeros(columns + 1, np.int64) for _ in Columns._fields)),
        Around(*(np.zeros(columns, np.int64) for _ in Around._fields)),
        value,
        code_at,
    )
    size = int(_matrix(work, codes, height, width, rank, depth))
    return size, int(work.coder.state[COSTS]), int(work.coder.state[COSTS + 1])


@compiled
def _matrix(work: Work, codes: Array, height: int, width: int, rank: Array, depth: int) -> int:
    state, data = work.coder.state, work.coder.data
    columns = codes.shape[1]
    size, total = I64(0), I64(0)
    for r in range(codes.shape[0]):
        row = codes[r]
        ones, size = _row_count(work, row, size)
        if ones > columns:
            return -1
        if ones:
            _predict(work.seen, total)
            if not _row(work, row, ones, height, width, rank, depth):
                return -1
            _learn(work.seen, row, height, width)
            total += ones
        if state[FULL]:
            return -1
    size = close_coder(state, data) if state[WRITES] else state[AT]
    return -1 if state[FULL] else size


@compiled
def _row_count(work: Work, row: Array, before: int) -> tuple[int, int]:
    """(the row's non-zero codes, the bits of that + 1 but one): the bits in unary, then those below the highest."""
    coder = work.coder
    number = I64(1)
    if coder.state[WRITES]:
        for code in row:
            number += I64(code != 0)
    coder.state[PART] = 0
    size = I64(0)
    while size < 17:
        coder.slots[0], coder.slots[1] = size, _SIZES + size * 32 + before
        if decide(I64(number >> (size + 1) == 0), coder, work.counts, I64(0), I64(1)):
            break
        size += 1
    prefix = I64(1)
    for i in range(size):
        coder.slots[0] = size * 256 + min(prefix, 255)
        bit = (number >> (size - 1 - i)) & 1
        prefix = 2 * prefix + decide(bit, coder, work.tails, I64(0), I64(1))
    return prefix - 1, size


@compiled
def _predict(seen: Columns, total: int) -> None:
    """Sum up the columns' rates, from the last one, after rows of `total` codes."""
    columns = len(seen.ones) - 1
    base = total * 288 // columns + 9
    own, near = I64(0), I64(0)
    for j in range(columns - 1, -1, -1):
        own += seen.ones[j] * 256 + base
        near += seen.smooth[j] * 18 + seen.ones[j] * 256 + base
        seen.own[j], seen.near[j] = own, near


@compiled
def _expected(left: int, sums: Array, j: int) -> int:
    """The logit of column j holding one of the `left` codes that columns j and on hold."""
    return int(STRETCH[max(1, min(65000, (left << 16) * (sums[j] - sums[j + 1]) // sums[j]))])


@compiled
def _pattern(row: Array, j: int, x: int, y: int, width: int) -> int:
    """Which of six neighbours before j in the image are non-zero."""
    pattern = I64(x > 0 and row[j - 1] != 0) | I64(x > 1 and row[j - 2] != 0) << 4
    if y > 0:
        pattern |= I64(row[j - width] != 0) << 1 | I64(x > 0 and row[j - width - 1] != 0) << 2
        pattern |= I64(x < width - 1 and row[j - width + 1] != 0) << 3 | I64(y > 1 and row[j - 2 * width] != 0) << 5
    return int(pattern)


@compiled
def _row(work: Work, row: Array, left: int, height: int, width: int, rank: Array, depth: int) -> bool:
    """Codes a row of `left` non-zero codes; False if one is read that there is not."""
    coder, seen, around, value = work.coder, work.seen, work.around, work.value
    slots, logits = coder.slots, coder.logits
    columns = len(row)
    for j in range(columns):
        around.weight[j] = around.pull[j] = around.heft[j] = 0
    last, sizes, ones, in_channel = I64(0), I64(0), I64(0), I64(0)
    for j in range(columns):
        if left == 0:
            break
        x, y = I64(j % width), I64(j // width % height)
        if x == 0 and y == 0:
            in_channel = I64(0)
        near = I64(STRETCH[65000])
        if left < columns - j:
            coder.state[PART] = 0
            near = _expected(left, seen.near, j)
            logits[3], logits[4] = _expected(left, seen.own, j), near
            often, close = min(15, level(seen.ones[j])), min(15, level(around.weight[j] >> 3))
            slots[0] = (near + LOGIT_TOP) // 192 * 64 + _pattern(row, j, x, y, width)
            slots[1] = _PLACES + (logits[3] + LOGIT_TOP) // 192 * 16 + often
            slots[2] = 2 * _PLACES + min(15, level(in_channel)) * 16 + close
            if not decide(I64(row[j] != 0), coder, work.places, close, 16 + often):
                continue
        left -= 1
        in_channel += 1
        coder.state[PART] = 1
        average = min(14, level(sizes // ones >> 2)) if ones else I64(15)
        number = _which(work, j, rank[row[j]], depth, (near + LOGIT_TOP) // 96, last, average)
        negative, place = number >> depth, number & ((1 << depth) - 1)
        code = work.code_at[negative * 256 + place]
        if code == 0:
            return False
        row[j] = code
        last = 1 + 32 * negative + min(30, place >> max(0, depth - 5))
        ones += 1
        sizes += abs(value[code])
        _spread(around, j, x, y, height, width, value[code])
    return True


@compiled
def _which(work: Work, j: int, rank: int, depth: int, likely: int, last: int, average: int) -> int:
    """Codes a non-zero code's sign and then its rank's `depth` bits; returns them as one number."""
    coder, around = work.coder, work.around
    side = min(7, level(abs(around.pull[j]) >> 7))
    if around.pull[j] < 0:
        side = -side
    size = min(15, level(around.heft[j] // around.weight[j] >> 3)) if around.weight[j] else I64(0)
    kinds = (2 << depth) * _KINDS
    number = rank >> 8 << depth | (rank & 255)
    node = I64(1)
    for i in range(depth + 1):
        at = node * _KINDS
        coder.slots[0] = at
        coder.slots[1] = kinds + at + side + 7
        coder.slots[2] = 2 * kinds + at + likely
        coder.slots[3] = 3 * kinds + at + size
        coder.slots[4] = 4 * kinds + at + last
        coder.slots[5] = 5 * kinds + at + average
        bit = (number >> (depth - i)) & 1
        node = 2 * node + decide(bit, coder, work.which, node, (2 << depth) + side + 7)
    return int(node - (2 << depth))


@compiled
def _spread(around: Around, j: int, x: int, y: int, height: int, width: int, value: int) -> None:
    """Let a code of this value at column j be felt after it: by 36 over the distance's square, up to 3 each way."""
    for dy in range(min(_RADIUS + 1, height - y)):
        for dx in range(max(-_RADIUS, -x), min(_RADIUS + 1, width - x)):
            if dy > 0 or dx > 0:
                at, part = j + dy * width + dx, 36 // (dx * dx + dy * dy)
                around.weight[at] += part
                around.pull[at] += value * part
                around.heft[at] += abs(value) * part


@compiled
def _learn(seen: Columns, row: Array, height: int, width: int) -> None:
    """Count a row that was coded."""
    for j in range(len(row)):
        if row[j]:
            x, y = I64(j % width), I64(j // width % height)
            seen.ones[j] += 1
            for dy in range(-1 if y > 0 else 0, 2 if y < height - 1 else 1):
                for dx in range(-1 if x > 0 else 0, 2 if x < width - 1 else 1):
                    seen.smooth[j + dy * width + dx] += 1 if dx and dy else 2
