"""emcc_rows against loops over positions and rows: what is drained and written when, and with what beside.

Tiles are left, and let go of, at random times. A row is issued four cycles after its tile is seen complete, or right
behind the row before; what follows of a row comes so many cycles later, each the same for all rows.
"""

import json
from collections import defaultdict, deque
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import cocotb
from common.stepper import Stepper, rng, same

COMPLETE, WRITTEN = 4, 3
"""From a tile seen complete to its first row; from a pass's last write to when a tile of the next one can be seen."""
OF_PASS = {name: name for name in ("scaled", "shift", "relu", "coarse_base", "fine_base")} | {"table": "has_table"}
"""Outputs, and the field of each."""
NEXT = ("next_we_o", "next_turn_o", "next_waddr_o", "next_word_end_o")
OUTPUTS = ("ready_o", "release_o", "tag_o", "drain_o", "drain_bank_o", "drain_row_o", "bias_addr_o", "scale_addr_o")
OUTPUTS += ("lane_en_o", "we_o", "word_end_o", "pass_end_o", *NEXT, *(f"{name}_o" for name in OF_PASS))
ROUNDS = 2


def tiles(numbers: dict[str, int], row: dict[str, int]) -> Iterator[list[dict[str, Any]]]:
    """The rows of each tile of a pass."""
    tile: list[dict[str, Any]] = []
    width, height, groups, lanes = row["out_w"] + 1, row["out_h"] + 1, numbers["Groups"], numbers["Lanes"]
    for position in range(width * height):
        oy, ox = divmod(position, width)
        base = row["dst"] + oy * row["dst_row"] + ox * row["dst_x"]
        for k in range(row["rows"] + 1):
            used = lanes if k < row["full"] else row["lanes"] if k == row["full"] else 0
            tile.append(
                {
                    "row": len(tile),
                    "bias": row["bias_base"] + k,
                    "scale": row["scale_base"] + k,
                    "lanes": (1 << used) - 1,
                    "turn": k % groups,
                    "address": base + k // groups & (1 << numbers["AddrW"]) - 1,
                    "word_end": int(k == row["rows"] or k % groups == groups - 1),
                    "pass_end": int(position == width * height - 1 and k == row["rows"]),
                }
            )
        if position % (row["tile"] + 1) == row["tile"] or position == width * height - 1:
            yield tile
            tile = []


class Model:
    """The drain by cycles: outputs by the cycle in which they have to be there."""

    def __init__(self, document: dict[str, Any], latency: int) -> None:
        self.numbers, self.drain, self.latency = document["numbers"], document["drain"], latency
        self.levels = (self.numbers["Groups"] - 1).bit_length()
        self.eights, self.lane_eights = (range(-(-self.numbers[name] // 8)) for name in ("Pes", "Lanes"))
        self.wanted: defaultdict[int, dict[str, int]] = defaultdict(dict)

    def drained(self, bank: int, row: int) -> dict[str, int]:
        """What the PEs are told, a copy for every eight."""
        width = self.numbers["RowW"]
        told = {"drain_o": sum(1 << i for i in self.eights), "drain_bank_o": sum(bank << i for i in self.eights)}
        return told | {"drain_row_o": sum(row << i * width for i in self.eights)}

    def addresses(self, **of: int) -> dict[str, int]:
        """Where the lanes' numbers are, a copy for every eight."""
        widths = {name: self.numbers[f"{name.capitalize()}AddrW"] for name in of}
        return {f"{name}_addr_o": sum(at << i * widths[name] for i in self.lane_eights) for name, at in of.items()}

    def clear(self, first: int) -> int:
        """Both banks are drained to nowhere; returns the cycle in which the first tile can be seen."""
        rows = self.numbers["AccRows"]
        for at in range(2 * rows):
            bank, row = divmod(at, rows)
            self.wanted[first + at] |= {"ready_o": 0}
            self.wanted[first + at + 1] |= self.drained(bank, row)
        return first + 2 * rows + 2

    def issue(self, cycle: int, tag: int, row: dict[str, Any], last: bool) -> None:
        """A row, and all that follows of it."""
        after = self.wanted
        after[cycle] |= {"release_o": int(last), "tag_o": tag}
        after[cycle + 1] |= self.drained(tag, row["row"])
        after[cycle + self.levels + 2] |= self.addresses(bias=row["bias"], scale=row["scale"])
        after[cycle + self.latency] |= {"lane_en_o": row["lanes"]}
        after[cycle + self.latency] |= {"next_we_o": 1, "next_waddr_o": row["address"], "next_turn_o": row["turn"]}
        after[cycle + self.latency] |= {"next_word_end_o": row["word_end"]}
        after[cycle + self.latency + 1] |= {"we_o": 1, "word_end_o": row["word_end"], "pass_end_o": row["pass_end"]}

    def check(self, cycle: int, out: dict[str, int]) -> None:
        """Compare a cycle."""
        wanted = {"ready_o": 1, "drain_o": 0, "release_o": 0, "we_o": 0, "word_end_o": 0, "pass_end_o": 0}
        wanted |= {"next_we_o": 0, "next_word_end_o": 0, **self.wanted.pop(cycle, {})}
        if self.numbers["Scales"] == 1:
            wanted.pop("scale_addr_o", None)
        same("outputs", cycle, {name: out[name] for name in wanted}, wanted)


class Tags:
    """What the bench says of both tiles: left at some time, let go of some time later."""

    def __init__(self, random: Random, soon: float) -> None:
        self.random, self.soon = random, soon
        self.left, self.loose = [0, 0], [0, 0]

    def cycle(self) -> dict[str, int]:
        """The inputs of a cycle."""
        holds = 0
        for tag in (0, 1):
            self.loose[tag] |= self.left[tag] and self.random.random() < self.soon
            self.left[tag] |= self.random.random() < self.soon
            holds |= (not self.loose[tag] and self.random.randrange(2)) << tag
        return {"left_i": self.left[0] | self.left[1] << 1, "holds_i": holds}

    def complete(self, tag: int, given: dict[str, int]) -> bool:
        """Whether the drain takes the tile: what lets go of it does so for good."""
        done = bool(self.left[tag] and not given["holds_i"] >> tag & 1)
        self.loose[tag] |= done
        return done

    def release(self, tag: int) -> None:
        """The tile is drained."""
        self.left[tag] = self.loose[tag] = 0


@cocotb.test(timeout_time=20, timeout_unit="ms")
@cocotb.parametrize(soon=[1.0, 0.03])
async def every_row_in_its_cycle(dut: Any, soon: float) -> None:
    document = json.loads(Path("stimulus.json").read_text(encoding="utf-8"))
    model, tags = Model(document, document["latency"]), Tags(rng(soon), soon)
    bench = Stepper(dut, OUTPUTS)
    await bench.start({"left_i": 0, "holds_i": 0})
    todo = deque((row, tile) for row in document["drain"] * ROUNDS for tile in tiles(model.numbers, row))
    ready, tag, released = model.clear(0), 0, -1
    while todo or model.wanted:
        now = bench.cycle + 1
        given = tags.cycle()
        if todo and released < 0 and now >= ready and tags.complete(tag, given):
            row, tile = todo.popleft()
            released = now + COMPLETE + len(tile) - 1
            for at, one in enumerate(tile):
                model.issue(now + COMPLETE + at, tag, one, at == len(tile) - 1)
        out = await bench.step(given)
        model.check(now, out)
        if now == released:
            same("of the pass", now, [out[f"{name}_o"] for name in OF_PASS], [row[name] for name in OF_PASS.values()])
            ready = now + 1 + tile[-1]["pass_end"] * (model.latency + WRITTEN)
            tags.release(tag)
            tag, released = 1 - tag, -1
