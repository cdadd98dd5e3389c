"""emcc_pe against the reference: every accumulator, every activation, every word it writes.

The bench is LNZD, the broadcast and the CCU in one, with their timing: a column emitted in cycle t arrives in t+3 and
its value in t+5; emission stops a cycle after near_full_o; a layer ends when nothing was emitted for eight cycles and
idle_o was set a cycle ago. Then the banks are swapped and the layer drains, while the next one accumulates.
"""

import json
from collections import defaultdict, deque
from pathlib import Path
from random import Random
from typing import Any

import cocotb
from common.stepper import Stepper, rng, same

OUTPUTS = ("near_full_o", "idle_o", "nonzero_o", "drained_o", "wdata_o", "acc_o")
DESCRIPTOR_OF_DRAIN = ("shift", "relu", "table", "coarse_base", "fine_base")
IDLE = dict.fromkeys(("col_valid_i", "drain_i", "we_input_i", "lane_en_i", "bank_i"), 0)
QUIET = 9
INPUTS = 50


def signed(value: int, width: int) -> int:
    """Two's complement of `width` bits."""
    return value - (value >> (width - 1) << width)


class Bench:
    """Inputs and expectations by the cycle in which they are due."""

    def __init__(self, dut: Any, document: dict[str, Any], random: Random) -> None:
        self.stepper = Stepper(dut, OUTPUTS)
        self.what, self.random = document, random
        self.latency = document["drain"]
        self.inputs: defaultdict[int, dict[str, int]] = defaultdict(dict)
        self.wanted: defaultdict[int, list[tuple[str, int, str]]] = defaultdict(list)
        self.checked, self.high_water = 0, False

    @property
    def next(self) -> int:
        """The cycle to come."""
        return self.stepper.cycle + 1

    async def step(self) -> dict[str, int]:
        """One cycle: what is due goes in, and what is due is compared."""
        now = self.next
        defaults = {"col_valid_i": 0, "drain_i": 0, "we_input_i": 0, "lane_en_i": 0}
        out = await self.stepper.step({**defaults, **self.inputs.pop(now, {})})
        for name, value, what in self.wanted.pop(now, []):
            width = {"acc_o": self.what["acc_w"], "nonzero_o": 2}.get(name, self.what["act_w"])
            same(f"{name}, {what}", now, signed(out[name], width), value)
            self.checked += 1
        return out

    def write(self, cycle: int, value: int, enabled: int, what: str, word: int | None = None) -> None:
        """Write an activation: command in `cycle`, data a cycle later; an input word, or else a drained row."""
        self.inputs[cycle] |= {"lane_en_i": enabled}
        if word is not None:
            self.inputs[cycle] |= {"we_input_i": 1, "input_i": word}
        self.wanted[cycle + 1] += [("nonzero_o", int(enabled and value != 0), what), ("wdata_o", value, what)]

    def drain(self, cycle: int, bank: int, row: int, one: dict[str, Any]) -> None:
        """Drain a row of a finished layer, command in `cycle`."""
        bias = one["descriptor"]["bias_base"] + row
        self.inputs[cycle] |= {"drain_i": 1, "drain_bank_i": bank, "drain_row_i": row, "drain_bias_i": bias}
        accumulator, activation, enabled = one["rows"][row]
        what = f"row {row} of layer {one['layer']}"
        self.wanted[cycle + 3].append(("acc_o", accumulator, what))
        if enabled:
            self.wanted[cycle + self.latency - 1].append(("drained_o", activation, what))
            self.write(cycle + self.latency - 2, activation, 1, what)
        else:
            self.inputs[cycle + self.latency - 2]["lane_en_i"] = 0
            self.wanted[cycle + self.latency - 1] += [("drained_o", 0, what), ("nonzero_o", 0, what)]

    async def prepare(self) -> None:
        """Reset; clear both accumulator banks as the CCU does; write some inputs."""
        await self.stepper.start(IDLE)
        for bank in (0, 1):
            for row in range(self.what["rows"]):
                command = {"drain_i": 1, "drain_bank_i": bank, "drain_row_i": row, "drain_bias_i": 0}
                self.inputs[self.next] |= command
                await self.step()
        for _ in range(INPUTS):
            width = self.what["act_w"]
            word, enabled = self.random.choice((0, self.random.getrandbits(width))), self.random.randrange(2)
            self.write(self.next, signed(word, width), enabled, "input", word)
            await self.step()
        for _ in range(4):
            await self.step()

    async def accumulate(self, one: dict[str, Any], gap: float) -> int:
        """Broadcast the columns of a layer; the cycle in which it is done."""
        todo, emitted, idle, stalled, now = deque(one["columns"]), -QUIET, 0, False, self.stepper.cycle
        while True:
            now = self.next
            if not todo and now - emitted >= QUIET and idle and not self.wanted_drain(now):
                return now
            if todo and not stalled and self.random.random() >= gap:
                column, value = todo.popleft()
                self.inputs[now + 3] |= {"col_valid_i": 1, "col_i": column}
                self.inputs[now + 5]["value_i"] = value & ((1 << self.what["act_w"]) - 1)
                emitted = now
            out = await self.step()
            idle, stalled = out["idle_o"], bool(out["near_full_o"])
            self.high_water |= stalled

    def wanted_drain(self, now: int) -> bool:
        """Whether rows of the layer before are still on their way."""
        return any(name == "drained_o" for cycle in self.wanted if cycle >= now for name, _, _ in self.wanted[cycle])


@cocotb.test(timeout_time=10, timeout_unit="ms")
@cocotb.parametrize(gap=[0.0, 0.5], drain_gap=[0.0, 0.5])
async def computes_every_row(dut: Any, gap: float, drain_gap: float) -> None:
    document = json.loads(Path("stimulus.json").read_text(encoding="utf-8"))
    bench = Bench(dut, document, rng(gap, drain_gap))
    await bench.prepare()
    bank, rows = 0, 0
    for one in document["passes"]:
        at = one["descriptor"]
        bench.inputs[bench.next] |= {"code_sel_i": at["code_sel"], "book_base_i": at["book_base"]}
        done = await bench.accumulate(one, gap)
        # The banks swap in the cycle after this one, the drain's first command comes a cycle later.
        await bench.step()
        bench.inputs[done + 1] |= {"bank_i": 1 - bank, **{f"{name}_i": at[name] for name in DESCRIPTOR_OF_DRAIN}}
        cycle = done + 2
        for row in range(len(one["rows"])):
            while bench.random.random() < drain_gap:
                cycle += 1
            bench.drain(cycle, bank, row, one)
            cycle += 1
        bank, rows = 1 - bank, rows + len(one["rows"])
    while bench.wanted and max(bench.wanted) > bench.next + 1:
        await bench.step()
    assert bench.checked > 2 * rows
    if document["fills_queue"] and gap == 0.0:
        assert bench.high_water, "no queue was ever nearly full: the stimulus is too weak"
