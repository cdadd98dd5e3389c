"""emcc_sum against integers: sum over groups, bias, multiplier, shift, saturation, function, lanes in use.

A row's bias and multiplier come with its sum, its lane a cycle before its result. A pass's descriptor stays until the
last row is through, as the drain has it.
"""

import json
from collections import defaultdict
from pathlib import Path
from random import Random
from typing import Any

import cocotb
from common.stepper import Stepper, rng, same

PASSES, ROWS = 40, 30
IDLE = dict.fromkeys(("acc_i", "bias_i", "scale_i", "lane_en_i", "shift_i", "relu_i", "table_i", "scaled_i"), 0)


def signed(value: int, width: int) -> int:
    """Two's complement of `width` bits."""
    return value - (value >> (width - 1) << width)


def memory(name: str, width: int) -> list[int]:
    """A memory's words, signed."""
    lines = Path(f"rom/{name}.hex").read_text(encoding="utf-8").splitlines()
    return [signed(int(line, 16), width) for line in lines if not line.startswith("//")]


class Lane:
    """What becomes of a row's sums."""

    def __init__(self, numbers: dict[str, int]) -> None:
        self.numbers = numbers
        self.low, self.high = -(1 << numbers["ActW"] - 1), (1 << numbers["ActW"] - 1) - 1
        self.coarse, self.fine = memory("coarse", numbers["ActW"]), memory("fine", numbers["ActW"])
        self.reached = {"low": 0, "high": 0, "relu": 0, "table": 0}

    def result(self, at: dict[str, int], total: int, bias: int, scale: int) -> int:
        """The activation. Without multipliers half of the last place is part of the bias."""
        shift = self.numbers["ShiftMin"] + at["shift_i"]
        half = (1 << shift) >> 1 if at["scaled_i"] else 0
        z = ((total + bias) * (scale if at["scaled_i"] else 1) + half) >> shift
        self.reached["relu"] += bool(at["relu_i"] and z < 0)
        if at["relu_i"] and z < 0:
            z = 0
        z = self.clip(z)
        if not at["table_i"]:
            return z
        self.reached["table"] += 1
        u = z - self.low
        fine = (u >> self.numbers["ActW"] - self.numbers["HiBits"]) << self.numbers["LoBits"]
        fine |= u & (1 << self.numbers["LoBits"]) - 1
        coarse = u >> self.numbers["LoBits"]
        return self.clip(self.coarse[at["coarse_base_i"] + coarse] + self.fine[at["fine_base_i"] + fine])

    def clip(self, value: int) -> int:
        """Saturate."""
        self.reached["low"] += value < self.low
        self.reached["high"] += value > self.high
        return min(max(value, self.low), self.high)


def descriptor(random: Random, numbers: dict[str, int]) -> dict[str, int]:
    """A pass's own."""
    scaled = random.randrange(2)
    function = random.choice(("relu_i", "table_i", ""))
    longest = (1 << numbers["ShiftW"]) - 1
    at = {"scaled_i": scaled, "shift_i": random.randrange(longest + 1), "relu_i": 0, "table_i": 0}
    at |= dict.fromkeys(("coarse_base_i", "fine_base_i", "host_busy_i", "host_i"), 0)
    return at | ({function: 1} if function else {})


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def every_row(dut: Any) -> None:
    numbers = json.loads(Path("stimulus.json").read_text(encoding="utf-8"))["numbers"]
    random, lane, bench = rng(), Lane(numbers), Stepper(dut, ("act_o",))
    acc_w, act_w, groups = numbers["AccW"], numbers["ActW"], numbers["Groups"]
    levels = (groups - 1).bit_length()
    latency = levels + 3 + 4 * numbers["HasScale"] + 3 * numbers["HasTable"]
    # There is no reset: the clock starts, and the pipeline fills.
    from cocotb.clock import Clock

    Clock(dut.clk_i, 2, unit="ns").start(start_high=False)
    inputs: defaultdict[int, dict[str, int]] = defaultdict(dict)
    for _ in range(PASSES):
        at = descriptor(random, numbers)
        wanted: dict[int, int] = {}
        first = bench.cycle + 1
        for cycle in range(first, first + ROWS):
            most = random.choice((1 << 4, 1 << acc_w - 4, 1 << act_w))
            parts = [random.randrange(-most, most) // groups for _ in range(groups)]
            bias, scale, there = (
                random.randrange(-most, most),
                random.randrange(-(1 << 15), 1 << 15),
                random.random() < 0.8,
            )
            mask = (1 << acc_w) - 1
            inputs[cycle]["acc_i"] = sum((part & mask) << g * acc_w for g, part in enumerate(parts))
            inputs[cycle + levels] |= {"bias_i": bias & mask, "scale_i": scale & 0xFFFF}
            inputs[cycle + latency - 1]["lane_en_i"] = int(there)
            wanted[cycle + latency] = lane.result(at, sum(parts), bias, scale) if there else 0
        while wanted:
            now = bench.cycle + 1
            out = await bench.step({**at, **inputs.pop(now, {})})
            if now in wanted:
                same(f"act_o, {at}", now, signed(out["act_o"], act_w), wanted.pop(now))
    assert all(lane.reached.values()), lane.reached
