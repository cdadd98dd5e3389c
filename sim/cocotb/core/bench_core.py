"""emcc_top of column groups against the reference and the cycle model: every integer, every pass, the stream's rules.

`stimulus.json` holds inferences: beats in and out in turns, and of each pass the cycle in which it is written, counted
over the cycles that run_o counts.
"""

import json
from collections import deque
from pathlib import Path
from random import Random
from typing import Any

import cocotb
from common.stepper import Stepper, rng, same

OUTPUTS = (
    "s_axis_tready",
    "m_axis_tvalid",
    "m_axis_tdata",
    "m_axis_tlast",
    "run_o",
    "step_done_o",
    "bcast_o",
    "stall_o",
)
IDLE = {"s_axis_tvalid": 0, "s_axis_tdata": 0, "m_axis_tready": 0}
QUIET = {"m_axis_tvalid": 0, "run_o": 0, "step_done_o": 0, "bcast_o": 0, "stall_o": 0}
AFTER, WATCHDOG = 60, 5000


class Host:
    """Both streams and what the array says of itself, a cycle at a time."""

    def __init__(self, stepper: Stepper, document: dict[str, Any], random: Random, gap: float) -> None:
        self.stepper, self.turns, self.random, self.gap = stepper, document["turns"], random, gap
        self.mask = (1 << document["numbers"]["ActW"]) - 1
        self.begin([], [])

    def begin(self, into: list[int], out: list[int]) -> None:
        """An inference to come; what was going on is forgotten."""
        self.source, self.wanted = deque(into), deque(out)
        self.turn, self.left = 0, self.turns[0]
        self.offered, self.held = False, None
        self.run, self.broadcasts, self.stalls, self.done = 0, 0, 0, list[int]()

    def taken(self) -> None:
        """A beat went over."""
        self.left -= 1 if self.left > 0 else -1
        if not self.left:
            self.turn = (self.turn + 1) % len(self.turns)
            self.left = self.turns[self.turn]

    async def cycle(self) -> None:
        """One cycle. A beat once offered stays until it is taken."""
        self.offered = self.offered or bool(self.source and self.left > 0 and self.random.random() >= self.gap)
        data = self.source[0] & self.mask if self.offered else self.random.randrange(self.mask + 1)
        ready = int(self.random.random() >= self.gap)
        out = await self.stepper.step(
            {"s_axis_tvalid": int(self.offered), "s_axis_tdata": data, "m_axis_tready": ready}
        )
        now = self.stepper.cycle
        if out["s_axis_tready"] and self.wanted:
            same("s_axis_tready while beats out are due", now, self.left > 0, True)
        self.run += out["run_o"]
        self.broadcasts += out["bcast_o"].bit_count()
        self.stalls += out["stall_o"].bit_count()
        if out["step_done_o"]:
            self.done.append(self.run)
        beat = (out["m_axis_tdata"], out["m_axis_tlast"]) if out["m_axis_tvalid"] else None
        if self.held is not None:
            same("a stalled beat out", now, beat, self.held)
        self.held = beat if not ready else None
        if beat and ready:
            same("m_axis_tvalid while beats in are due", now, self.left < 0 and bool(self.wanted), True)
            same("a beat out", now, beat, (self.wanted.popleft() & self.mask, int(not self.wanted)))
            self.taken()
        if self.offered and out["s_axis_tready"]:
            self.source.popleft()
            self.offered = False
            self.taken()

    async def infer(self, one: dict[str, Any], number: int) -> None:
        """Run an inference and compare all of it."""
        self.begin(one["into"], one["out"])
        waited = self.stepper.cycle
        while self.wanted:
            await self.cycle()
            assert self.stepper.cycle - waited < WATCHDOG, f"{len(self.wanted)} beats are due after {WATCHDOG} cycles"
        now = self.stepper.cycle
        same(f"passes of inference {number}", now, self.done, one["done"])
        same(f"cycles of inference {number}", now, self.run, one["total"])
        same(f"broadcasts of inference {number}", now, self.broadcasts, one["broadcasts"])
        same(f"stalls of inference {number}", now, self.stalls, one["stalls"])

    async def nothing_more(self) -> None:
        """The array waits for the next input and says nothing."""
        self.begin([], [])
        for _ in range(AFTER):
            out = await self.stepper.step({**IDLE, "m_axis_tready": 1})
            same("afterwards", self.stepper.cycle, {name: out[name] for name in QUIET}, QUIET)


async def begin(dut: Any, gap: float) -> tuple[Host, list[dict[str, Any]]]:
    """A host for the DUT after reset, and the inferences to run."""
    document = json.loads(Path("stimulus.json").read_text(encoding="utf-8"))
    host = Host(Stepper(dut, OUTPUTS), document, rng(gap), gap)
    await host.stepper.start(IDLE)
    return host, document["inferences"]


@cocotb.test(timeout_time=20, timeout_unit="ms")
@cocotb.parametrize(gap=[0.0, 0.6])
async def inferences_back_to_back(dut: Any, gap: float) -> None:
    host, inferences = await begin(dut, gap)
    for number, one in enumerate(inferences):
        await host.infer(one, number)
    await host.nothing_more()


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def reset_in_the_middle(dut: Any) -> None:
    host, inferences = await begin(dut, 0.0)
    for number in range(4):
        broken, whole = inferences[1 + number % 2], inferences[-1]
        host.begin(broken["into"], broken["out"])
        for _ in range(host.random.randrange(1, broken["total"] + len(broken["into"]) + 5 * len(broken["out"]))):
            if host.wanted:
                await host.cycle()
        await host.stepper.reset(IDLE, cycles=1)
        await host.infer(whole, number)
    await host.nothing_more()
