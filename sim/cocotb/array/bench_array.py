"""emcc_top against the reference: outputs bit for bit, cycles one by one, and the AXI4-Stream rules.

`stimulus.json` holds inferences, their outputs and their cycles. The cycle of an event counts from the inference's
first input handshake, which is cycle 1.
"""

import json
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

import cocotb
from common.stepper import Stepper, rng, same

OUTPUTS = ("s_axis_tready", "m_axis_tvalid", "m_axis_tdata", "m_axis_tlast", "layer_done_o", "bcast_o", "stall_o")
IDLE = {"s_axis_tvalid": 0, "s_axis_tdata": 0, "m_axis_tready": 0}
QUIET = {"s_axis_tready": 1, "m_axis_tvalid": 0, "layer_done_o": 0, "bcast_o": 0, "stall_o": 0}
AFTER = 100
WATCHDOG = 100_000


def signed(value: int, width: int) -> int:
    """Two's complement of `width` bits."""
    return value - (value >> (width - 1) << width)


class Host:
    """Driver and monitor of both streams, a cycle at a time.

    Args:
        in_gap, out_gap: share of the cycles in which the source has nothing, or the sink takes nothing.
    """

    def __init__(self, stepper: Stepper, what: dict[str, Any], random: Random, in_gap: float, out_gap: float) -> None:
        self.stepper, self.lanes, self.width, self.random = stepper, what["lanes"], what["act_w"], random
        self.in_gap, self.out_gap = in_gap, out_gap
        self.begin()

    def begin(self) -> None:
        """Forget what is going on, as after a reset."""
        self.source: deque[int] = deque()
        self.valid, self.first = False, -1
        self.held: tuple[int, int] | None = None
        self.outputs: list[int] = []
        self.beats, self.broadcasts, self.stalls, self.done_at = 0, 0, 0, list[int]()
        self.last_at = -1

    def words(self, x: Sequence[int]) -> list[int]:
        """The beats of an input; what the unused lanes of the last one carry is nobody's business."""
        mask = (1 << self.width) - 1
        padded = [value & mask for value in x]
        padded += [self.random.getrandbits(self.width) for _ in range(-len(x) % self.lanes)]
        groups = [padded[at : at + self.lanes] for at in range(0, len(padded), self.lanes)]
        return [sum(value << (lane * self.width) for lane, value in enumerate(group)) for group in groups]

    async def cycle(self) -> dict[str, int]:
        """One cycle. A beat once offered stays until it is taken; data means nothing without valid."""
        self.valid = self.valid or (bool(self.source) and self.random.random() >= self.in_gap)
        data = self.source[0] if self.valid else self.random.getrandbits(self.lanes * self.width)
        ready = int(self.random.random() >= self.out_gap)
        sent = {"s_axis_tvalid": int(self.valid), "s_axis_tdata": data, "m_axis_tready": ready}
        out = await self.stepper.step(sent)
        now = self.stepper.cycle
        if self.valid and out["s_axis_tready"]:
            self.first = now if self.first < 0 else self.first
            self.source.popleft()
            self.valid = False
        beat = (out["m_axis_tdata"], out["m_axis_tlast"]) if out["m_axis_tvalid"] else None
        if self.held is not None:
            same("a stalled output beat", now, beat, self.held)
        self.held = beat if not ready else None
        if out["layer_done_o"]:
            self.done_at.append(now - self.first + 1)
        self.broadcasts += out["bcast_o"]
        self.stalls += out["stall_o"]
        if beat is not None and ready:
            self.take(now, *beat)
        return out

    def take(self, now: int, data: int, last: int) -> None:
        """An output beat."""
        self.beats += 1
        for lane in range(self.lanes):
            self.outputs.append(signed(data >> (lane * self.width) & ((1 << self.width) - 1), self.width))
        if last:
            self.last_at = now

    async def infer(self, one: dict[str, Any], number: int) -> None:
        """Run an inference and compare all of it."""
        self.begin()
        self.source.extend(self.words(one["x"]))
        started, beats = self.stepper.cycle, -(-len(one["y"]) // self.lanes)
        while self.last_at < 0:
            loading = bool(self.source)
            out = await self.cycle()
            assert self.stepper.cycle - started < WATCHDOG, f"no last beat after {WATCHDOG} cycles"
            assert loading or not out["s_axis_tready"], "input is accepted before the last output beat"
            assert self.beats < beats or self.last_at >= 0, f"cycle {self.stepper.cycle}: no tlast with beat {beats}"
        now = self.stepper.cycle
        same(f"outputs of inference {number}", now, self.outputs, one["y"] + [0] * (-len(one["y"]) % self.lanes))
        same(f"broadcasts of inference {number}", now, self.broadcasts, one["broadcasts"])
        if not self.in_gap:
            same(f"layer_done_o of inference {number}", now, self.done_at, one["layer_done"])
            same(f"stalls of inference {number}", now, self.stalls, one["stalls"])
        if not self.in_gap and not self.out_gap:
            same(f"cycles of inference {number}", now, self.last_at - self.first + 1, one["total"])

    async def nothing_more(self) -> None:
        """The array waits for the next input and says nothing."""
        self.begin()
        for _ in range(AFTER):
            out = await self.cycle()
            same("afterwards", self.stepper.cycle, {name: out[name] for name in QUIET}, QUIET)


async def begin(dut: Any, in_gap: float, out_gap: float) -> tuple[Host, list[dict[str, Any]]]:
    """A host for the DUT after reset, and the inferences to run."""
    document = json.loads(Path("stimulus.json").read_text(encoding="utf-8"))
    stepper = Stepper(dut, OUTPUTS)
    host = Host(stepper, document, rng(in_gap, out_gap), in_gap, out_gap)
    await stepper.start(IDLE)
    return host, document["inferences"]


@cocotb.test(timeout_time=20, timeout_unit="ms")
@cocotb.parametrize(in_gap=[0.0, 0.6], out_gap=[0.0, 0.4, 0.9])
async def inferences_back_to_back(dut: Any, in_gap: float, out_gap: float) -> None:
    host, inferences = await begin(dut, in_gap, out_gap)
    for number, one in enumerate(inferences):
        await host.infer(one, number)
    await host.nothing_more()


@cocotb.test(timeout_time=20, timeout_unit="ms")
@cocotb.parametrize(out_gap=[0.0, 0.5])
async def reset_in_the_middle(dut: Any, out_gap: float) -> None:
    host, inferences = await begin(dut, 0.0, out_gap)
    for number in range(8):
        broken, whole = inferences[number % len(inferences)], inferences[(number + 1) % len(inferences)]
        host.begin()
        host.source.extend(host.words(broken["x"]))
        for _ in range(host.random.randrange(1, broken["total"] + 10)):
            await host.cycle()
        await host.stepper.reset(IDLE, cycles=1)
        await host.infer(whole, number)
    await host.nothing_more()
