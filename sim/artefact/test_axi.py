"""emcc_axi_top on the inferences of vectors.json: registers, frames as a DMA moves them, cycles, the interrupt."""

import itertools
import json
import random
from pathlib import Path

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles
from cocotbext.axi import AxiLiteBus, AxiLiteMaster, AxiStreamBus, AxiStreamSink, AxiStreamSource

VECTORS = json.loads(Path(__file__).with_name("vectors.json").read_text())
ADDRESS = {name: facts["address"] for name, facts in VECTORS["registers"].items()}
VALUE = {name: facts["value"] for name, facts in VECTORS["registers"].items() if "value" in facts}
AUTO = DONE = 1
TORN = 2


def frames(values, into):
    """The bytes of the turns into the design, or out of it, low byte of an activation first."""
    size, left = VECTORS["act_w"] // 8, iter(values)
    for turn in VECTORS["turns"]:
        if (turn > 0) == into:
            part = itertools.islice(left, abs(turn))
            yield b"".join(value.to_bytes(size, "little", signed=True) for value in part)


class Soc:
    """A DMA and a processor."""

    def __init__(self, dut):
        self.dut, ends = dut, (dut.clk_i, dut.rst_ni, False)
        self.source = AxiStreamSource(AxiStreamBus.from_prefix(dut, "s_axis"), *ends)
        self.sink = AxiStreamSink(AxiStreamBus.from_prefix(dut, "m_axis"), *ends)
        self.port = AxiLiteMaster(AxiLiteBus.from_prefix(dut, "s_axi"), *ends)

    async def start(self):
        """Start the clock and reset."""
        self.dut.rst_ni.value = 0
        Clock(self.dut.clk_i, 2, unit="ns").start(start_high=False)
        await ClockCycles(self.dut.clk_i, 4)
        self.dut.rst_ni.value = 1

    async def get(self, name):
        """Read a register."""
        answer = await self.port.read(ADDRESS[name], 4)
        assert not answer.resp, f"reading {name} is an error"
        return int.from_bytes(answer.data, "little")

    async def put(self, name, value):
        """Write a register."""
        assert not (await self.port.write(ADDRESS[name], value.to_bytes(4, "little"))).resp, f"writing {name}"


@cocotb.test()
@cocotb.parametrize(gap=[0.0, 0.5])
async def inferences(dut, gap):
    """All of them; with gaps both streams pause at random, half of the cycles."""
    soc = Soc(dut)
    await soc.start()
    for name, value in VALUE.items():
        assert await soc.get(name) == value, f"{name} is not {value:#x}: this is another design"
    for number, stream in enumerate((soc.source, soc.sink) if gap else ()):
        chance = random.Random(number)
        stream.set_pause_generator(chance.random() < gap for _ in itertools.count())
    await soc.put("IRQ_ENABLE", DONE)
    await soc.put("CONTROL", AUTO)
    for count, one in enumerate(VECTORS["inferences"], 1):
        for frame in frames(one["into"], True):
            await soc.source.send(frame)
        for frame in frames(one["out"], False):
            assert bytes((await soc.sink.recv()).tdata) == frame, f"a wrong answer to inference {count}"
        await ClockCycles(dut.clk_i, 4)
        assert dut.irq_o.value == 1, "no interrupt"
        await soc.put("IRQ_STATUS", DONE)
        assert await soc.get("COUNT") == count
        assert await soc.get("CYCLES") == one["cycles"]
        assert gap or await soc.get("TOTAL") == one["cycles"] + VECTORS["transfer"]
    assert soc.sink.empty(), "more comes out than should"


@cocotb.test(skip=VECTORS["act_w"] == 8)
async def half_an_activation(dut):
    """One byte of two is dropped and reported, and what follows is right."""
    soc = Soc(dut)
    await soc.start()
    await soc.put("IRQ_ENABLE", TORN)
    await soc.source.send(b"\x01")
    await ClockCycles(dut.clk_i, 20)
    assert await soc.get("IRQ_STATUS") == TORN
    assert dut.irq_o.value == 1, "no interrupt"
    await soc.put("IRQ_STATUS", TORN)
    await soc.put("CONTROL", AUTO)
    one = VECTORS["inferences"][0]
    for frame in frames(one["into"], True):
        await soc.source.send(frame)
    for frame in frames(one["out"], False):
        assert bytes((await soc.sink.recv()).tdata) == frame, "a wrong answer after half an activation"
    assert await soc.get("IRQ_STATUS") == DONE
