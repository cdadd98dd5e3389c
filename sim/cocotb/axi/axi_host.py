"""What a SoC does with emcc_axi_top: frames in and out as a DMA moves them, registers as a processor reads them.

`stimulus.json` holds the registers' addresses and constant values, and inferences: activations in and out in turns.
"""

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, RisingEdge, SimTimeoutError, with_timeout
from cocotbext.axi import AxiLiteBus, AxiLiteMaster, AxiStreamBus, AxiStreamFrame, AxiStreamSink, AxiStreamSource
from common.stepper import reader, rng, same

HELD = {"m_axis_t": ("data", "keep", "last"), "s_axi_b": ("resp",), "s_axi_r": ("data", "resp")}
"""What comes out and must stay until it is taken: the channel's prefix, and what goes with its valid."""

PATIENCE = 20


def turns(document: dict[str, Any], one: dict[str, Any]) -> tuple[list[bytes], list[bytes]]:
    """The frames of an inference, in and out: a frame a turn."""
    size, frames = document["numbers"]["ActW"] // 8, {True: list[bytes](), False: list[bytes]()}
    at = {True: 0, False: 0}
    for turn in document["turns"]:
        into, first = turn > 0, at[turn > 0]
        part = one["into" if into else "out"][first : first + abs(turn)]
        frames[into].append(b"".join(value.to_bytes(size, "little", signed=True) for value in part))
        at[into] += abs(turn)
    return frames[True], frames[False]


def pauses(random: Random, share: float) -> Iterator[bool]:
    """Whether a channel waits, cycle by cycle."""
    while True:
        yield random.random() < share


class Soc:
    """Driver of all ports.

    Args:
        gap: share of the cycles in which a channel waits, on each of the seven of them.
    """

    def __init__(self, dut: Any, gap: float) -> None:
        self.dut, self.gap, self.random = dut, gap, rng(gap)
        self.document = json.loads(Path("stimulus.json").read_text(encoding="utf-8"))
        self.address, self.wanted = self.document["addresses"], self.document["values"]
        ends = (dut.clk_i, dut.rst_ni, False)
        self.source = AxiStreamSource(AxiStreamBus.from_prefix(dut, "s_axis"), *ends)
        self.sink = AxiStreamSink(AxiStreamBus.from_prefix(dut, "m_axis"), *ends)
        self.port = AxiLiteMaster(AxiLiteBus.from_prefix(dut, "s_axi"), *ends)
        self.write, self.read = self.port.write_if, self.port.read_if
        self.lanes = len(dut.m_axis_tkeep)
        self.channels = [self.write.aw_channel, self.write.w_channel, self.write.b_channel]
        self.channels += [self.read.ar_channel, self.read.r_channel, self.source, self.sink]
        for chatty in (*self.channels, self.write, self.read):
            chatty.log.setLevel(logging.WARNING)

    async def start(self) -> None:
        """Start the clock and everything that watches, and reset."""
        self.dut.rst_ni.value = 0
        Clock(self.dut.clk_i, 2, unit="ns").start(start_high=False)
        if self.gap:
            for channel in self.channels:
                channel.set_pause_generator(pauses(Random(self.random.random()), self.gap))
        cocotb.start_soon(self._stays())
        await self.reset()

    async def reset(self) -> None:
        """Hold reset for some cycles."""
        self.dut.rst_ni.value = 0
        await ClockCycles(self.dut.clk_i, 4)
        self.source.clear()
        self.sink.clear()
        self.dut.rst_ni.value = 1

    async def _stays(self) -> None:
        """What is offered stays the same until it is taken."""
        dut, rising, cycle = self.dut, RisingEdge(self.dut.clk_i), 0
        reset, channels = reader(dut.rst_ni), []
        for prefix, names in HELD.items():
            ends = [reader(getattr(dut, f"{prefix}{name}")) for name in ("valid", "ready", *names)]
            channels.append((prefix, *ends[:2], ends[2:]))
        held: dict[str, list[int] | None] = dict.fromkeys(HELD)
        while True:
            await rising
            cycle += 1
            out = reset()
            for prefix, valid, ready, signals in channels:
                now = [read() for read in signals] if out and valid() else None
                if held[prefix] is not None and out:
                    same(f"{prefix}* while it waits", cycle, now, held[prefix])
                held[prefix] = None if ready() else now

    async def get(self, name: str) -> int:
        """Read a register by its name."""
        answer = await self.read.read(self.address[name], 4)
        same(f"the response of reading {name}", 0, int(answer.resp), 0)
        return int.from_bytes(answer.data, "little")

    async def put(self, name: str, value: int) -> None:
        """Write a register by its name."""
        answer = await self.write.write(self.address[name], value.to_bytes(4, "little"))
        same(f"the response of writing {name}", 0, int(answer.resp), 0)

    async def wait_for(self, name: str, mask: int, value: int, patience: int = 3000) -> None:
        """Read a register until the bits of a mask have a value."""
        for _ in range(patience):
            if await self.get(name) & mask == value:
                return
        raise AssertionError(f"{name} & {mask:#x} is not {value:#x} after {patience} readings")

    async def send(self, number: int, junk: bool = False, frames: int | None = None) -> None:
        """Send an inference's first `frames` frames, or all; with `junk` bytes without TKEEP are strewn in."""
        for frame in turns(self.document, self.document["inferences"][number])[0][:frames]:
            await self.source.send(self.strewn(frame) if junk else frame)

    def strewn(self, frame: bytes) -> AxiStreamFrame:
        """The same bytes with some between them that are none."""
        size, data, keep = self.document["numbers"]["ActW"] // 8, bytearray(), list[int]()
        for at in range(0, len(frame), size):
            while self.random.random() < 0.3:
                data += self.random.randbytes(size)
                keep += [0] * size
            data += frame[at : at + size]
            keep += [1] * size
        return AxiStreamFrame(bytes(data), keep)

    async def taken(self, beats: int) -> None:
        """Wait until so many beats are taken; then take no more."""
        while beats:
            await RisingEdge(self.dut.clk_i)
            beats -= int(self.dut.m_axis_tvalid.value == 1 and self.dut.m_axis_tready.value == 1)
        self.sink.pause = True

    async def frame(self, what: str) -> AxiStreamFrame:
        """Take a frame, with its TKEEP."""
        try:
            return await with_timeout(self.sink.recv(compact=False), PATIENCE, "us")
        except SimTimeoutError:
            raise AssertionError(f"{what} has not come after {PATIENCE} us") from None

    async def answer(self, number: int, before: bytes = b"") -> None:
        """Take an inference's frames and compare them; bytes are packed, and only the last beat is not full.

        before: what is left over from before, in the first frame.
        """
        for turn, frame in enumerate(turns(self.document, self.document["inferences"][number])[1]):
            wanted = frame if turn else before + frame
            got = await self.frame(f"turn {turn} of inference {number}")
            keep = [1] * len(wanted) + [0] * (-len(wanted) % self.lanes)
            same(f"TKEEP of turn {turn} of inference {number}", 0, got.tkeep, keep)
            same(f"turn {turn} of inference {number}", 0, bytes(got.tdata[: len(wanted)]), wanted)

    async def counted(self, number: int, count: int) -> None:
        """Compare the counters after an inference; TOTAL where nothing waited."""
        one = self.document["inferences"][number]
        same(f"CYCLES of inference {number}", 0, await self.get("CYCLES"), one["total"])
        total = await self.get("TOTAL")
        assert total >= one["total"] + self.document["transfer"], f"TOTAL is {total}"
        if not self.gap:
            same(f"TOTAL of inference {number}", 0, total, one["total"] + self.document["transfer"])
        same("COUNT", 0, await self.get("COUNT"), count)

    async def nothing_more(self, cycles: int = 200) -> None:
        """Nothing comes out, and nothing is going on."""
        await ClockCycles(self.dut.clk_i, cycles)
        assert self.sink.empty(), "more comes out than should"
        assert self.dut.m_axis_tvalid.value == 0, "a beat is offered that nobody is due"


async def begin(dut: Any, gap: float = 0.0) -> Soc:
    """A SoC around the DUT, after reset."""
    soc = Soc(dut, gap)
    await soc.start()
    return soc
