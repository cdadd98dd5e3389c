"""emcc_top on the inferences of vectors.json: every integer, the last beat, cycles."""

import json
import random
from pathlib import Path

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge, ReadOnly, RisingEdge
from cocotb.utils import get_sim_time

VECTORS = json.loads(Path(__file__).with_name("vectors.json").read_text())
MASK = (1 << VECTORS["act_w"]) - 1
PERIOD = 2
IDLE = {"s_axis_tvalid": 0, "m_axis_tready": 0}


class Streams:
    """Both streams of emcc_top, a cycle at a time: inputs change at the falling edge, the rising edge takes them.

    Attributes:
        cycle: of the last step. runs: cycles in which the array ran.
    """

    def __init__(self, dut, gap):
        self.dut, self.gap, self.random = dut, gap, random.Random(1)
        self.cycle, self.runs = 0, 0

    async def start(self):
        """Start the clock and reset."""
        self.dut.rst_ni.value = 0
        Clock(self.dut.clk_i, PERIOD, unit="ns").start(start_high=False)
        for _ in range(4):
            await self.step(**IDLE)
        await FallingEdge(self.dut.clk_i)
        self.dut.rst_ni.value = 1
        cocotb.start_soon(self.count())

    async def step(self, **inputs):
        """Set inputs, and wait until all has settled."""
        await FallingEdge(self.dut.clk_i)
        for name, value in inputs.items():
            getattr(self.dut, name).value = value
        await ReadOnly()
        self.cycle = round(get_sim_time("ns") / PERIOD)

    async def count(self):
        """Count the cycles of run_o."""
        while True:
            await RisingEdge(self.dut.run_o)
            begun = get_sim_time("ns")
            await FallingEdge(self.dut.run_o)
            self.runs += round((get_sim_time("ns") - begun) / PERIOD)

    def waits(self):
        """Whether a stream is to pause in this cycle."""
        return self.random.random() < self.gap

    async def give(self, value):
        """Give an activation; return the cycle in which it was taken."""
        while self.waits():
            await self.step(**IDLE)
        await self.step(s_axis_tvalid=1, s_axis_tdata=value & MASK, m_axis_tready=0)
        if not self.dut.s_axis_tready.value:
            await RisingEdge(self.dut.s_axis_tready)
            await self.step()
        return self.cycle

    async def take(self):
        """Take an activation: (its bits, whether it is the last one)."""
        await self.step(s_axis_tvalid=0, m_axis_tready=1)
        if not self.dut.m_axis_tvalid.value:
            await RisingEdge(self.dut.m_axis_tvalid)
            while self.waits():
                await self.step(**IDLE)
            await self.step(m_axis_tready=1)
        return int(self.dut.m_axis_tdata.value), int(self.dut.m_axis_tlast.value)


async def infer(streams, one):
    """Run an inference and compare what comes out."""
    into, out, first = iter(one["into"]), iter(enumerate(one["out"])), None
    streams.runs = 0
    for turn in VECTORS["turns"]:
        for _ in range(turn):
            taken = await streams.give(next(into))
            first = taken if first is None else first
        for _ in range(-turn):
            place, value = next(out)
            got = await streams.take()
            wanted = (value & MASK, int(place == len(one["out"]) - 1))
            assert got == wanted, f"activation {place} out: (bits, last) are {got}, should be {wanted}"
    assert streams.runs == one["cycles"], f"{streams.runs} cycles, should be {one['cycles']}"
    total, wanted = streams.cycle - first + 1, one["cycles"] + VECTORS["transfer"]
    assert streams.gap or total == wanted, f"{total} cycles with transfer, should be {wanted}"


@cocotb.test()
@cocotb.parametrize(gap=[0.0, 0.5])
async def inferences(dut, gap):
    """All of them, one behind the other; with gaps the streams pause at random, half of the cycles."""
    streams = Streams(dut, gap)
    await streams.start()
    for one in VECTORS["inferences"]:
        await infer(streams, one)
    await streams.step(**IDLE)
    for _ in range(100):
        await streams.step(m_axis_tready=1)
        assert not dut.m_axis_tvalid.value, "more comes out than should"
