"""emcc_scan against a list of words: each emission in its cycle, room for words, when a tile is left.

The producer is as impatient as the walk: it issues a word in every cycle in which it sees room, and the word's data
come two cycles later, what of them counts a cycle before. Nothing may be lost, and nothing come twice.
"""

import json
from collections import defaultdict, deque
from pathlib import Path
from random import Random
from typing import Any

import cocotb
from common.stepper import Stepper, rng, same

ISSUE_TO_DATA, DATA_TO_LOAD, LIMIT = 2, 2, 12
COLUMN, VALUE, ROOM, LEFT = 3, 5, 4, 8
OUTPUTS = ("full_o", "emit_o", "wait_o", "left_o", "col_o", "valid_o", "local_o", "load_o", "use_o", "tag_o")
OUTPUTS += ("info_o", "row_o", "value_o", "lanes_o", "data_o")
OF_WORD = ("local", "load", "use", "tag", "info", "row")
FLAGS = ("valid_i", "inside_i", "last_word_i", "tile_end_i", "tag_i", "local_i", "all_i", "load_i", "use_i")
IDLE = dict.fromkeys((*FLAGS, "info_i", "row_i", "data_i", "lanes_i", "stall_i"), 0)
CYCLES = 1500


class Scan:
    """One group's words by cycles."""

    def __init__(self, numbers: dict[str, int]) -> None:
        self.lanes, self.act_w = numbers["Lanes"], numbers["ActW"]
        self.columns, self.col = numbers["Columns"], (1 << numbers["ColW"]) - 1
        self.queue: deque[tuple[int, dict[str, Any]]] = deque()
        self.word: dict[str, Any] | None = None
        self.pending: list[int] = []
        self.held, self.most = 0, 0
        self.wanted: defaultdict[int, dict[str, int]] = defaultdict(dict)
        self.held_later: defaultdict[int, int] = defaultdict(int)

    def push(self, cycle: int, word: dict[str, Any]) -> None:
        """A word whose data are there in `cycle`."""
        flags = word["inside"] * [
            i
            for i in range(self.lanes)
            if (word["lanes"] >> i & 1 or not word["last_word"]) and (word["all"] or word["data"][i])
        ]
        if flags or word["tile_end"]:
            self.queue.append((cycle + DATA_TO_LOAD, {**word, "flags": flags}))
            self.held_later[cycle + DATA_TO_LOAD] += 1

    def cycle(self, now: int, stall: int) -> dict[str, int]:
        """What the outputs of a cycle have to be; those that are not named may be anything."""
        self.held += self.held_later.pop(now, 0)
        self.most = max(self.most, self.held)
        wanted = {"full_o": int(self.held >= LIMIT), "left_o": 0, "valid_o": 0, **self.wanted.pop(now, {})}
        word, ends = self.word, False
        wanted |= {"emit_o": int(bool(word and self.pending and not stall))}
        wanted |= {"wait_o": int(bool(word and self.pending and stall))}
        if word:
            if wanted["emit_o"]:
                self.emission(now, word)
            ends = not self.pending
            if ends:
                self.held_later[now + ROOM] -= 1
                if word["tile_end"]:
                    self.wanted[now + LEFT]["left_o"] = 1 << word["tag"]
                self.word = None
        if not self.word and self.queue and self.queue[0][0] <= now:
            self.word = self.queue.popleft()[1]
            self.pending = list(self.word["flags"])
        return wanted

    def emission(self, now: int, word: dict[str, Any]) -> None:
        """The lowest lane that is left, or for a local step all of them."""
        lanes = self.pending if word["local"] else self.pending[:1]
        self.pending = self.pending[len(lanes) :]
        later = self.wanted[now + VALUE]
        later |= {f"{name}_o": word[name] for name in OF_WORD}
        later |= {"valid_o": 1, "lanes_o": sum(1 << lane for lane in lanes)}
        if word["local"]:
            later["data_o"] = sum(value << i * self.act_w for i, value in enumerate(word["data"]))
        else:
            later["value_o"] = word["data"][lanes[0]]
            later["info_o"] = word["info"] + lanes[0]
            self.wanted[now + COLUMN]["col_o"] = later["info_o"] & self.col


def drawn(random: Random, model: Scan, numbers: dict[str, int], tag: int, density: float) -> dict[str, Any]:
    """A word of any kind."""
    local = random.randrange(2)
    load = int(local and random.random() < 0.2)
    values = [random.getrandbits(model.act_w) * (random.random() < density) for _ in range(model.lanes)]
    return {
        **{"inside": int(random.random() < 0.9), "last_word": random.randrange(2), "tile_end": random.random() < 0.2},
        **{"tag": tag, "local": local, "load": load, "use": random.randrange(2), "all": load or random.random() < 0.1},
        **{"info": random.randrange(max(1, model.columns - model.lanes)), "row": random.getrandbits(numbers["RowW"])},
        **{"lanes": random.getrandbits(model.lanes), "data": values},
    }


@cocotb.test(timeout_time=20, timeout_unit="ms")
@cocotb.parametrize(stall=[0.0, 0.6], density=[0.05, 0.7])
async def every_emission_in_its_cycle(dut: Any, stall: float, density: float) -> None:
    numbers = json.loads(Path("stimulus.json").read_text(encoding="utf-8"))["numbers"]
    random, model, bench = rng(stall, density), Scan(numbers), Stepper(dut, OUTPUTS)
    await bench.start(IDLE)
    arriving: deque[dict[str, Any] | None] = deque([None] * ISSUE_TO_DATA)
    tag, full, emitted, quiet = 0, 0, 0, 0
    while quiet < 20:
        now = bench.cycle + 1
        word = arriving.popleft()
        given = {"stall_i": int(random.random() < stall), "valid_i": int(word is not None)}
        shown = word or drawn(random, model, numbers, 0, density)
        given |= {f"{name}_i": int(shown[name]) for name in ("tile_end", *OF_WORD)}
        early = arriving[0] or drawn(random, model, numbers, 0, density)
        given |= {f"{name}_i": int(early[name]) for name in ("inside", "last_word", "all", "lanes")}
        given |= {"data_i": sum(value << i * model.act_w for i, value in enumerate(shown["data"]))}
        out = await bench.step(given)
        wanted = model.cycle(now, given["stall_i"])
        if word:
            model.push(now, word)
        same("outputs", now, {name: out[name] for name in wanted}, wanted)
        emitted += wanted["emit_o"]
        issues = now < CYCLES and not full and random.random() < 0.9
        full = out["full_o"]
        arriving.append(drawn(random, model, numbers, tag, density) if issues else None)
        if issues and arriving[-1]["tile_end"]:  # type: ignore[index]
            tag = 1 - tag
        quiet = quiet + 1 if now >= CYCLES and not model.queue and not model.word else 0
    assert emitted > CYCLES / 20
    if stall and density > 0.5:
        assert model.most == LIMIT + 4, f"the queue held {model.most} words at most"
