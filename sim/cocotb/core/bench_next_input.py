"""emcc_top that takes the next input while this one runs, against the reference and the cycle model.

Inputs follow each other as fast as they are taken, or come late, in bursts, at random; answers wait or do not. Whatever
comes when, every integer is the reference's, and every run takes its cycles. Where nothing waits, so do those between.
"""

import json
from collections import deque
from collections.abc import Callable
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
AFTER, WATCHDOG = 60, 6000

WAYS: dict[str, tuple[Callable[[Random, int, bool], bool], float]] = {
    "at_once": (lambda random, cycle, running: True, 0.0),
    "late": (lambda random, cycle, running: not running and random.random() < 0.8, 0.0),
    "in_bursts": (lambda random, cycle, running: cycle // 23 % 2 == 0, 0.3),
    "while_it_runs": (lambda random, cycle, running: running or cycle % 7 == 0, 0.2),
    "at_random": (lambda random, cycle, running: random.random() < 0.4, 0.6),
}
"""By name: whether an activation is offered, and how often an answer waits."""


class Streams:
    """Both streams and what the array says of itself, a cycle at a time."""

    def __init__(self, stepper: Stepper, document: dict[str, Any], way: str) -> None:
        self.stepper, self.document, self.random = stepper, document, rng(way)
        self.offers, self.gap = WAYS[way]
        self.mask = (1 << document["numbers"]["ActW"]) - 1
        self.begin([])

    def begin(self, inferences: list[dict[str, Any]]) -> None:
        """Inferences to come; what was going on is forgotten."""
        self.source = deque((number, value) for number, one in enumerate(inferences) for value in one["into"])
        self.wanted = deque(
            (value & self.mask, int(at == len(one["out"]) - 1))
            for one in inferences
            for at, value in enumerate(one["out"])
        )
        self.inferences, self.runs = inferences, list[dict[str, Any]]()
        self.first, self.last, self.out = dict[int, int](), dict[int, int](), list[int]()
        self.offered, self.held, self.running = False, None, False
        self.refused = 0

    async def cycle(self) -> None:
        """One cycle. A beat once offered stays until it is taken."""
        now = self.stepper.cycle + 1
        self.offered = self.offered or bool(self.source and self.offers(self.random, now, self.running))
        data = self.source[0][1] & self.mask if self.offered else self.random.randrange(self.mask + 1)
        ready = int(self.random.random() >= self.gap)
        given = {"s_axis_tvalid": int(self.offered), "s_axis_tdata": data, "m_axis_tready": ready}
        out = await self.stepper.step(given)
        self._array(out, now)
        beat = (out["m_axis_tdata"], out["m_axis_tlast"]) if out["m_axis_tvalid"] else None
        if self.held is not None:
            same("a stalled beat out", now, beat, self.held)
        self.held = beat if not ready else None
        if beat and ready:
            assert self.wanted, f"cycle {now}: more comes out than should"
            same("a beat out", now, beat, self.wanted.popleft())
            self.out += [now] * beat[1]
        self.refused += self.offered and self.source[0][0] in self.first and not out["s_axis_tready"]
        if self.offered and out["s_axis_tready"]:
            number, _ = self.source.popleft()
            self.first.setdefault(number, now)
            self.last[number] = now
            self.offered = False

    def _array(self, out: dict[str, int], now: int) -> None:
        if out["run_o"] and not self.running:
            self.runs.append({"start": now - 1, "done": [], "total": 0, "broadcasts": 0, "stalls": 0})
        self.running = bool(out["run_o"])
        if not self.running:
            return
        run = self.runs[-1]
        run["total"] += 1
        run["broadcasts"] += out["bcast_o"].bit_count()
        run["stalls"] += out["stall_o"].bit_count()
        run["done"] += [run["total"]] * out["step_done_o"]

    async def infer(self, inferences: list[dict[str, Any]]) -> None:
        """Run inferences and compare all of them."""
        self.begin(inferences)
        waited = self.stepper.cycle
        while self.wanted:
            before = len(self.wanted)
            await self.cycle()
            waited = self.stepper.cycle if len(self.wanted) < before else waited
            assert self.stepper.cycle - waited < WATCHDOG, f"{len(self.wanted)} beats are due after {WATCHDOG} cycles"
        for number, (run, one) in enumerate(zip(self.runs, inferences, strict=True)):
            for what in ("done", "total", "broadcasts", "stalls"):
                same(f"{what} of inference {number}", self.stepper.cycle, run[what], one[what])

    def between(self) -> None:
        """Compare the cycles from answer to answer, where none waits, and what is seen of receiving, with its bound."""
        table = self.document["following"]
        for number in range(1, len(self.inferences)):
            one, before, gone = self.inferences[number], self.runs[number - 1]["start"], self.out[number - 1]
            exposed = max(0, self.last[number] - gone)
            cycles = max(table["hidden"], exposed + table["seen"]) + one["total"]
            same(f"cycles to answer {number}", self.out[number], self.out[number] - gone, cycles)
            most = self.inferences[number - 1]["exposed"]
            assert exposed <= most, f"{exposed} cycles of receiving inference {number} are seen, the model says {most}"
            early = self.first[number] - before - self.inferences[number - 1]["free"]
            assert 0 <= early <= table["rows"], f"input {number} began {early} cycles from when it could"
        assert self.refused, "no activation ever waited for the drain: it is not seen to go first"

    async def nothing_more(self) -> None:
        """The array waits for the next input and says nothing."""
        for _ in range(AFTER):
            out = await self.stepper.step({**IDLE, "m_axis_tready": 1})
            quiet = {
                name: out[name] for name in OUTPUTS if name not in ("s_axis_tready", "m_axis_tdata", "m_axis_tlast")
            }
            same("afterwards", self.stepper.cycle, quiet, dict.fromkeys(quiet, 0))


async def begin(dut: Any, way: str) -> tuple[Streams, list[dict[str, Any]]]:
    """Streams of the DUT after reset, and the inferences to run."""
    document = json.loads(Path("stimulus.json").read_text(encoding="utf-8"))
    streams = Streams(Stepper(dut, OUTPUTS), document, way)
    await streams.stepper.start(IDLE)
    return streams, document["inferences"]


@cocotb.test(timeout_time=40, timeout_unit="ms")
@cocotb.parametrize(way=list(WAYS))
async def inferences_overlap(dut: Any, way: str) -> None:
    streams, inferences = await begin(dut, way)
    await streams.infer(inferences + inferences[::-1])
    if way == "at_once":
        streams.between()
    await streams.nothing_more()


@cocotb.test(timeout_time=40, timeout_unit="ms")
async def reset_in_the_middle(dut: Any) -> None:
    """Of a run while the next input comes, of which nothing is left."""
    streams, inferences = await begin(dut, "at_once")
    for _ in range(4):
        streams.begin(inferences)
        for _ in range(streams.random.randrange(1, 2 * inferences[1]["total"])):
            await streams.cycle()
        await streams.stepper.reset(IDLE, cycles=1)
        await streams.infer(inferences[-2:])
    await streams.nothing_more()
