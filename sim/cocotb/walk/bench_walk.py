"""emcc_walk against loops over positions, taps and words: each word in its cycle, whatever holds it up.

What the walk waits for (free banks, room, words that are written) is random in every cycle, so the bench need not be an
array. A pass's first word can be issued five cycles after its start, or six after the last one of the pass before.
"""

import json
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cocotb
from common.stepper import Stepper, rng, same

FIRST, NEXT, TO_DATA = 5, 6, 2
OF_WORD = ("tile_end_o", "word_tag_o", "word_local_o", "load_o", "use_o")
EARLY = ("next_inside_o", "next_last_word_o", "next_all_o")
"""A cycle before the rest."""
OF_TILE = ("local_o", "direct_o", "largest_o", "ident_o", "code_sel_o", "book_base_o")
OUTPUTS = ("idle_o", "take_o", "tag_o", "done_o", "addr_o", "valid_o", "info_o", "row_o", "lanes_o")
OUTPUTS += (*OF_WORD, *EARLY, *OF_TILE)
IDLE = {"start_i": 0, "free_i": 0, "ahead_i": 0, "seen_i": 0, "next_seen_addr_i": 0, "full_i": 0, "read_i": 0}
IDLE |= {"read_addr_i": 0}
ROUNDS = 2


def words(document: dict[str, Any], row: dict[str, int]) -> Iterator[dict[str, Any]]:
    """The words of a pass, in order; a tile's tag is counted from the pass's first one."""
    numbers, taps = document["numbers"], document["tap"]
    wrap, rows = (1 << numbers["AddrW"]) - 1, (1 << numbers["RowW"]) - 1
    width, height = row["out_w"] + 1, row["out_h"] + 1
    for position in range(width * height):
        (oy, ox), place = divmod(position, width), position % (row["tile"] + 1)
        last_position = position == width * height - 1
        for t in range(row["taps"] + 1):
            tap, before = taps[row["tap_base"] + t], taps[row["tap_base"] + t - 1]
            source = "b" if tap["sel"] else "a"
            y, x = row["y0"] + oy * row["step_y"] + tap["dy"], row["x0"] + ox * row["step_x"] + tap["dx"]
            base = row[f"{source}_base"] + oy * row[f"{source}_row"] + ox * row[f"{source}_x"] + tap["offset"]
            for w in range(row["words"] + 1):
                last = t == row["taps"] and w == row["words"]
                index = t * (row["words"] + 1) + w
                step = 1 if row["is_local"] else numbers["Lanes"]
                local_row = w * numbers["Groups"] if row["is_local"] else 0
                yield {
                    "first": place == t == w == 0,
                    "tile": position // (row["tile"] + 1),
                    "address": base + w & wrap,
                    "depends": row[f"dep_{source}"],
                    "pass_end": last and last_position,
                    "next_inside_o": int(0 <= y < row["map_h"] and 0 <= x < row["map_w"]),
                    "next_last_word_o": int(w == row["words"]),
                    "tile_end_o": int(last and (place == row["tile"] or last_position)),
                    "word_local_o": row["is_local"],
                    "next_all_o": int(row["largest"] or tap["load"]),
                    "load_o": tap["load"],
                    "use_o": int(w == 0 and t > 0 and before["load"]),
                    "info_o": tap["weight"] if row["direct"] else row["col_base"] + step * index,
                    "row_o": place * row["rows"] + local_row & rows,
                }


class Model:
    """The walk by cycles: what is issued when, and what is said of it two cycles later."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.what, self.tag, self.index, self.ready = document, 0, 0, -1
        self.todo: deque[dict[str, Any]] = deque()
        self.shown: deque[dict[str, Any] | None] = deque([None] * TO_DATA)
        self.seen = {"inside": 0, "outside": 0, "waits": 0, "no bank": 0}

    @property
    def row(self) -> dict[str, int]:
        """The pass that is walked, or will be."""
        return self.what["walk"][self.index]  # type: ignore[no-any-return]

    def start(self, ready: int) -> None:
        """Begin with the next pass, whose first word can be issued in cycle `ready`."""
        self.todo.extend(words(self.what, self.row))
        self.ready = ready

    def head(self, cycle: int) -> dict[str, Any] | None:
        """The word that waits to be issued."""
        return self.todo[0] if self.todo and cycle >= self.ready else None

    def issue(self, cycle: int, given: dict[str, int], seen_addr: int) -> dict[str, Any] | None:
        """The word that is issued with these inputs, which it takes; `seen_addr` was given a cycle before."""
        word = self.head(cycle)
        if word is None:
            return None
        behind = word["depends"] and (not given["seen_i"] or word["address"] > seen_addr)
        waits = word["next_inside_o"] and (given["ahead_i"] > 1 or (given["ahead_i"] == 1 and behind))
        tag = (self.tag + word["tile"]) & 1
        no_bank = word["first"] and not given["free_i"] >> tag & 1
        self.seen["waits"] += bool(waits)
        self.seen["no bank"] += bool(no_bank)
        if waits or no_bank or given["full_i"]:
            return None
        self.seen["inside" if word["next_inside_o"] else "outside"] += 1
        return {**self.todo.popleft(), "word_tag_o": tag, "row": self.row}


@cocotb.test(timeout_time=20, timeout_unit="ms")
@cocotb.parametrize(hurdles=[0.4, 0.0])
async def every_word_in_its_cycle(dut: Any, hurdles: float) -> None:
    document = json.loads(Path("stimulus.json").read_text(encoding="utf-8"))
    random, model, bench = rng(hurdles), Model(document), Stepper(dut, OUTPUTS)
    numbers = document["numbers"]
    field = (1 << numbers["InfoW"]) - 1
    copies = sum(1 << i * numbers["AddrW"] for i in range(-(-numbers["Pes"] // 8)))
    before = IDLE
    await bench.start(IDLE)
    started, tile, rounds, tail = False, None, 0, 0
    while tail < 12:
        now = bench.cycle + 1
        word = model.head(now)
        near = (word["address"] if word else 0) + random.randrange(-1, 2)
        given = {
            "start_i": int(not started and rounds < ROUNDS and random.random() < 0.5),
            "free_i": 3 if random.random() >= hurdles else random.randrange(4),
            "full_i": int(random.random() < hurdles / 2),
            "ahead_i": 0 if random.random() >= hurdles else random.randrange(3),
            "seen_i": random.randrange(2),
            "next_seen_addr_i": max(0, near) & (1 << numbers["AddrW"]) - 1,
            "read_i": int(not started),
            "read_addr_i": random.getrandbits(numbers["AddrW"]),
        }
        out = await bench.step(given)
        same("idle_o", now, out["idle_o"], int(not started))
        gone = model.issue(now, given, before["next_seen_addr_i"])
        if before["read_i"]:
            same("addr_o", now, out["addr_o"], before["read_addr_i"] * copies)
        before = given
        shown, *_ = model.shown
        model.shown.popleft()
        model.shown.append(gone if gone and (gone["next_inside_o"] or gone["tile_end_o"]) else None)
        same("take_o", now, out["take_o"], int(bool(gone and gone["first"])))
        same("done_o", now, out["done_o"], int(bool(gone and gone["pass_end"])))
        if gone:
            tile = gone["row"]
            if gone["next_inside_o"]:
                same("addr_o", now, out["addr_o"], gone["address"] * copies)
            if gone["next_last_word_o"]:
                same("lanes_o", now, out["lanes_o"], tile["lanes"])
            if gone["first"]:
                same("tag_o", now, out["tag_o"], gone["word_tag_o"])
                for name in OF_TILE:
                    wanted = tile["is_local"] if name == "local_o" else tile[name.removesuffix("_o")]
                    same(name, now, out[name], wanted)
        same("valid_o", now, out["valid_o"], int(shown is not None))
        if early := model.shown[0]:
            same("a word", now, {name: out[name] for name in EARLY}, {name: early[name] for name in EARLY})
        if shown:
            same("a word", now, {name: out[name] for name in OF_WORD}, {name: shown[name] for name in OF_WORD})
            same("info_o", now, out["info_o"], shown["info_o"] & field)
            same("row_o", now, out["row_o"], shown["row_o"])
        if given["start_i"]:
            started = True
            model.start(now + FIRST)
        if gone and gone["pass_end"]:
            model.tag = (model.tag + gone["tile"] + 1) & 1
            stops = model.row["stop"]
            model.index = (model.index + 1) % len(document["walk"])
            rounds += model.index == 0
            started = not stops
            if started:
                model.start(now + NEXT)
        tail += rounds == ROUNDS and not started
    assert all(count for name, count in model.seen.items() if hurdles or name in ("inside", "outside")), model.seen
