"""The inner loop of the cycle model: a pass of one inference, by cycles. `cycles` drives it."""

from typing import Any

from emcc.base.jit import compiled
from emcc.eie.groups import timing

# What a pass is, as a row of int64.
(
    LOCAL, ALL, HEIGHT, WIDTH, Y0, X0, STEP_Y, STEP_X, MAP_H, MAP_W, A_BASE, A_X, A_ROW, B_BASE, B_X, B_ROW,
    TAP_FIRST, TAPS, WORDS, LANES, COLUMNS, TILE, ROWS, DEP_A, DEP_B, DST, DST_X, DST_ROW, SPLIT,
) = range(29)  # fmt: skip
PASS_FIELDS = 29

# What is carried from pass to pass, as int64.
(
    NOW, READY, TAG, AHEAD, WALKED, SEEN, SEEN_ADDR, DRAIN_PASS, DRAIN_STATE, DRAIN_AT, DRAIN_TAG, DRAIN_PLACE, DRAIN_K,
    DRAIN_TURN, DRAIN_X, DRAIN_Y, DRAIN_ADDR, DRAIN_WORD, DRAIN_LINE, LAST_WRITE, EMITTED, STALLED, PRODUCTS, KEPT_AT,
) = range(24)  # fmt: skip
STATE_FIELDS = 24
WAIT, ISSUE, FLUSH = range(3)
"""What the drain does: wait for a tile, issue its rows, wait for a pass's last write."""

# A word in a group's queue, and the one that emits, as int64.
FROM, ADDRESS, COLUMN, LEFT, LAST, END, WHOLE, OWN, LOADS, WORD_TAG, IN_LAST, LANE = range(12)
WORD_FIELDS = 12

RING = 64
"""Events ahead and words of a queue that are remembered, a power of two: more than any delay and depth."""
PE_RING = 256
"""Entries of a PE's queue that are remembered, a power of two: more than its depth and those on their way."""
FAR = 1 << 60
"""A cycle that does not come."""

# Names that the compiled function reads as constants.
_IN_RING, _IN_PE_RING = RING - 1, PE_RING - 1
_ISSUE_TO_QUEUE, _WORDS_LIMIT, _FINISH_TO_ROOM = timing.ISSUE_TO_QUEUE, timing.WORDS_LIMIT, timing.FINISH_TO_ROOM
_EMIT_TO_QUEUE, _STALL_DELAY, _FINISH_TO_LEFT = timing.EMIT_TO_QUEUE, timing.STALL_DELAY, timing.FINISH_TO_LEFT
_HOLD_TO_SEEN, _COMPLETE_TO_ROWS, _RELEASE = timing.HOLD_TO_SEEN, timing.COMPLETE_TO_ROWS, timing.RELEASE
_WRITTEN_TO_READY, _PASS_TO_ISSUE = timing.WRITTEN_TO_READY, timing.PASS_TO_ISSUE


@compiled
def advance(
    state: Any, passes: Any, taps: Any, index: int, image: Any, counts: Any, lanes: int, groups: int, limit: int,
    latency: int, words: Any, ends: Any, current: Any, held: Any, near: Any, room: Any, free: Any, left: Any,
    busy_to: Any, seen: Any, pop: Any, pushed: Any, idle_at: Any, back: Any, written_at: Any, done: Any,
) -> None:  # pragma: no cover  # fmt: skip
    """Run from cycle state[NOW] until pass `index` is walked, or, where index < 0, until all that is walked is written.

    Args:
        state: int64 [STATE_FIELDS]; passes: int64 [passes, PASS_FIELDS].
        taps: int64 [taps, 5]: dy, dx, offset, sel, load.
        image: bool [act_words, pes], what of the activations is not zero, as pass `index` finds it.
        counts: int32 [columns, pes], entries of each PE's columns.
        limit: entries of a queue at which it is near full; latency: from a row to its write.
        words: int64 [groups, RING, WORD_FIELDS], the groups' queues; ends: int64 [groups, 2], their tail and head.
        current: int64 [groups, WORD_FIELDS], the word that emits, from cycle FROM on (0 for none).
        held: int64 [groups], words in a queue; near: bool [groups], whether they were too many a cycle ago.
        room: int64 [groups, RING], what becomes room in the queue in a cycle.
        free: int64 [2], the cycle from which a bank can be taken, FAR while it is taken.
        left: int64 [2, groups], the cycle from which a group has left the tile; busy_to: int64 [2], the last cycle of
            the tile's entries.
        seen, pop: int64 [pes, PE_RING], when entries of a queue come and leave; pushed: int64 [pes], how many.
        idle_at: int64 [pes], when a PE's last entry is done; back: int64 [groups], the largest of them.
        written_at: int64 [RING], the address plus 1 of a word that is known in that cycle to be written, or 0.
        done: int64 [passes], set to the cycle of each pass's last write.
    """
    now = state[NOW]
    d = passes[max(index, 0)]
    oy, ox, place, tap, word = 0, 0, 0, 0, 0
    first = True
    y, x = d[Y0], d[X0]
    a, a_line, b, b_line = d[A_BASE], d[A_BASE], d[B_BASE], d[B_BASE]
    column = d[COLUMNS]
    walking = index >= 0
    while walking or (index < 0 and (state[AHEAD] > 0 or state[WALKED] > 0)):
        # What became known with this cycle
        slot = now & _IN_RING
        full = False
        for g in range(groups):
            held[g] -= room[g, slot]
            room[g, slot] = 0
            full = full or near[g]
            near[g] = held[g] >= _WORDS_LIMIT
        if written_at[slot]:
            state[SEEN] = 1
            state[SEEN_ADDR] = written_at[slot] - 1
            written_at[slot] = 0
        if state[WALKED] and now > state[WALKED]:
            state[AHEAD] += 1
            state[WALKED] = 0
        if state[KEPT_AT] and now > state[KEPT_AT]:
            # A pass that splits is written, and its words can be read while the next one's are not there.
            state[AHEAD] -= 1
            state[SEEN] = 1
            state[KEPT_AT] = 0
        if state[DRAIN_STATE] == FLUSH and now > state[DRAIN_AT]:
            done[state[DRAIN_PASS]] = state[DRAIN_AT]
            state[LAST_WRITE] = state[DRAIN_AT]
            state[AHEAD] -= 1
            state[SEEN] = 0
            state[DRAIN_STATE] = WAIT
            state[DRAIN_AT] += _WRITTEN_TO_READY
            state[DRAIN_PASS] = (state[DRAIN_PASS] + 1) % len(passes)
        # The walk
        if walking and now >= state[READY]:
            row = taps[d[TAP_FIRST] + tap]
            at_y, at_x = y + row[0], x + row[1]
            inside = 0 <= at_y < d[MAP_H] and 0 <= at_x < d[MAP_W]
            address = (b if row[3] else a) + row[2] + word
            depends = d[DEP_B] if row[3] else d[DEP_A]
            behind = depends and (state[SEEN] == 0 or address > state[SEEN_ADDR])
            waits = state[AHEAD] > 1 or (state[AHEAD] == 1 and behind)
            taken = now < free[state[TAG]] or (d[SPLIT] > 0 and now < free[1 - state[TAG]])
            if not (full or (first and taken) or (inside and waits)):
                last_word = word == d[WORDS] - 1
                last_place = last_word and tap == d[TAPS] - 1
                pass_end = last_place and ox == d[WIDTH] - 1 and oy == d[HEIGHT] - 1
                tile_end = last_place and (place == d[TILE] - 1 or pass_end)
                whole = d[ALL] or row[4]
                if first:
                    free[state[TAG]] = FAR
                first = tile_end
                for g in range(groups):
                    number = 0
                    if inside:
                        for lane in range(lanes):
                            in_word = (g - lane) % groups * lanes + lane
                            if (not last_word or in_word < d[LANES]) and (whole or image[address, g * lanes + lane]):
                                number += 1
                    if number or tile_end:
                        w = words[g, ends[g, 0] & _IN_RING]
                        w[FROM], w[ADDRESS], w[COLUMN], w[LEFT] = now + _ISSUE_TO_QUEUE, address, column, number
                        w[LAST], w[END], w[WHOLE], w[OWN], w[LOADS] = last_word, tile_end, whole, d[LOCAL], row[4]
                        w[WORD_TAG], w[IN_LAST], w[LANE] = state[TAG], d[LANES], 0
                        ends[g, 0] += 1
                        room[g, (now + _ISSUE_TO_QUEUE) & _IN_RING] -= 1
                column += 1 if d[LOCAL] else lanes
                word += 1
                if last_word:
                    word = 0
                    tap += 1
                if last_place:
                    tap = 0
                    column = d[COLUMNS]
                    place = 0 if tile_end else place + 1
                    ox += 1
                    x += d[STEP_X]
                    a += d[A_X]
                    b += d[B_X]
                    if ox == d[WIDTH]:
                        ox = 0
                        oy += 1
                        x = d[X0]
                        y += d[STEP_Y]
                        a_line += d[A_ROW]
                        b_line += d[B_ROW]
                        a, b = a_line, b_line
                if tile_end:
                    state[TAG] = 1 - state[TAG]
                if pass_end:
                    walking = False
                    state[READY] = now + _PASS_TO_ISSUE
                    state[WALKED] = now
        # The groups
        for g in range(groups):
            c = current[g]
            finish = False
            if c[FROM] and now >= c[FROM]:
                stalled = False
                if c[LEFT] == 0:
                    finish = True
                else:
                    at = now - _STALL_DELAY
                    if back[g] >= at + limit:
                        for p in range(g * lanes, (g + 1) * lanes):
                            if idle_at[p] < at + limit:
                                continue
                            arrived = pushed[p]
                            if arrived < limit or pop[p, (arrived - limit) & _IN_PE_RING] < at:
                                continue
                            while arrived > 0 and seen[p, (arrived - 1) & _IN_PE_RING] > at:
                                arrived -= 1
                            if arrived >= limit and pop[p, (arrived - limit) & _IN_PE_RING] >= at:
                                stalled = True
                                break
                    if stalled:
                        state[STALLED] += 1
                if c[LEFT] > 0 and not stalled:
                    state[EMITTED] += 1
                    arrival = now + _EMIT_TO_QUEUE
                    lane = c[LANE]
                    if not c[OWN]:
                        while True:
                            in_word = (g - lane) % groups * lanes + lane
                            if (c[WHOLE] or image[c[ADDRESS], g * lanes + lane]) and (
                                not c[LAST] or in_word < c[IN_LAST]
                            ):
                                break
                            lane += 1
                        c[LANE] = lane + 1
                    for i in range(lanes):
                        p = g * lanes + i
                        if c[OWN]:
                            in_word = (g - i) % groups * lanes + i
                            looked_at = (c[WHOLE] or image[c[ADDRESS], p]) and (not c[LAST] or in_word < c[IN_LAST])
                            entries = 1 if looked_at and not c[LOADS] else 0
                        else:
                            entries = counts[c[COLUMN] + lane, p]
                        if entries == 0:
                            continue
                        n = pushed[p]
                        leaves = max(arrival, idle_at[p])
                        seen[p, n & _IN_PE_RING] = arrival
                        pop[p, n & _IN_PE_RING] = leaves
                        pushed[p] = n + 1
                        idle_at[p] = leaves + entries
                        back[g] = max(back[g], idle_at[p])
                        busy_to[c[WORD_TAG]] = max(busy_to[c[WORD_TAG]], idle_at[p])
                        state[PRODUCTS] += entries
                    c[LEFT] = 0 if c[OWN] else c[LEFT] - 1
                    finish = c[LEFT] == 0
            if finish:
                room[g, (now + _FINISH_TO_ROOM) & _IN_RING] += 1
                if c[END]:
                    left[c[WORD_TAG], g] = now + _FINISH_TO_LEFT
                c[FROM] = 0
            if c[FROM] == 0 and ends[g, 1] < ends[g, 0]:
                w = words[g, ends[g, 1] & _IN_RING]
                if w[FROM] <= now:
                    c[:] = w
                    c[FROM] = now + 1
                    ends[g, 1] += 1
        # The drain
        tag = state[DRAIN_TAG]
        if state[DRAIN_STATE] == WAIT and now >= state[DRAIN_AT] and now >= busy_to[tag] + _HOLD_TO_SEEN:
            complete = True
            for g in range(groups):
                complete = complete and now >= left[tag, g]
            if complete:
                state[DRAIN_STATE] = ISSUE
                state[DRAIN_AT] = now + _COMPLETE_TO_ROWS
        elif state[DRAIN_STATE] == ISSUE and now >= state[DRAIN_AT]:
            t = passes[state[DRAIN_PASS]]
            if state[DRAIN_ADDR] < 0:
                state[DRAIN_ADDR] = state[DRAIN_LINE] = state[DRAIN_WORD] = t[DST]
            state[DRAIN_K] += 1
            state[DRAIN_TURN] += 1
            last_row = state[DRAIN_K] == t[ROWS]
            word_end = last_row or state[DRAIN_TURN] == groups
            drained = last_row and state[DRAIN_X] == t[WIDTH] - 1 and state[DRAIN_Y] == t[HEIGHT] - 1
            tile_drained = drained or (last_row and state[DRAIN_PLACE] == t[TILE] - 1)
            if word_end:
                if not drained or t[SPLIT] > 0:
                    written_at[(now + latency + 1) & _IN_RING] = state[DRAIN_WORD] + 1
                state[DRAIN_WORD] += 1
                state[DRAIN_TURN] = 0
            if last_row:
                state[DRAIN_K] = 0
                state[DRAIN_PLACE] += 1
                state[DRAIN_X] += 1
                state[DRAIN_ADDR] += t[DST_X]
                if state[DRAIN_X] == t[WIDTH]:
                    state[DRAIN_X] = 0
                    state[DRAIN_Y] += 1
                    state[DRAIN_LINE] += t[DST_ROW]
                    state[DRAIN_ADDR] = state[DRAIN_LINE]
                state[DRAIN_WORD] = state[DRAIN_ADDR]
            if tile_drained:
                free[tag] = now + _RELEASE
                for g in range(groups):
                    left[tag, g] = FAR
                state[DRAIN_TAG] = 1 - tag
                state[DRAIN_PLACE] = 0
                state[DRAIN_STATE] = WAIT
                state[DRAIN_AT] = now + 1
            if drained:
                state[DRAIN_X] = state[DRAIN_Y] = 0
                state[DRAIN_ADDR] = -1
                if t[SPLIT] > 0:
                    done[state[DRAIN_PASS]] = state[KEPT_AT] = now + latency
                    state[DRAIN_STATE] = WAIT
                    state[DRAIN_AT] = now + _WRITTEN_TO_READY
                    state[DRAIN_PASS] += 1
                else:
                    state[DRAIN_STATE] = FLUSH
                    state[DRAIN_AT] = now + latency
        now += 1
    state[NOW] = now
