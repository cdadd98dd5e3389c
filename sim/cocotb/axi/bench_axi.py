"""emcc_axi_top against the reference and AXI's rules: frames, registers, the interrupt, resets; see axi_host."""

from typing import Any

import cocotb
from axi_host import Soc, begin, turns
from cocotb.triggers import ClockCycles
from common.stepper import same

AUTO, START, RESET = 1, 2, 4
DONE, BUSY, ARMED, WAITS, OFFERS = 1, 1, 2, 4, 8
OKAY, SLVERR = 0, 2
TIMEOUT = 80


@cocotb.test(timeout_time=TIMEOUT, timeout_unit="us")
@cocotb.parametrize(gap=[0.0, 0.5])
async def inferences_by_themselves(dut: Any, gap: float) -> None:
    soc = await begin(dut, gap)
    count = 2 if gap else 4
    await soc.put("IRQ_ENABLE", DONE)
    await soc.put("CONTROL", AUTO)
    for number in range(count):
        await soc.send(number, junk=bool(gap))
        await soc.answer(number)
        await soc.wait_for("IRQ_STATUS", DONE, DONE)
        same("irq_o", number, int(dut.irq_o.value), 1)
        await soc.counted(number, number + 1)
        await soc.put("IRQ_STATUS", DONE)
        same("IRQ_STATUS after clearing", number, await soc.get("IRQ_STATUS"), 0)
        await ClockCycles(dut.clk_i, 2)
        same("irq_o after clearing", number, int(dut.irq_o.value), 0)
    for number in (0, 1):
        await soc.send(number)
    for number in (0, 1):
        await soc.answer(number)
    await soc.nothing_more()
    await soc.counted(1, count + 2)


@cocotb.test(timeout_time=TIMEOUT, timeout_unit="us")
@cocotb.parametrize(gap=[0.0, 0.4])
async def one_inference_a_start(dut: Any, gap: float) -> None:
    soc = await begin(dut, gap)
    await soc.wait_for("STATUS", WAITS, WAITS)
    for number in range(3):
        await soc.send(number)
    await soc.nothing_more()
    same("STATUS before START", 0, await soc.get("STATUS"), WAITS)
    await soc.put("CONTROL", START)
    await soc.wait_for("STATUS", BUSY, BUSY)
    await soc.put("CONTROL", START)
    await soc.answer(0)
    await soc.answer(1)
    await soc.nothing_more()
    same("STATUS after two", 0, await soc.get("STATUS"), WAITS)
    same("irq_o while not enabled", 0, int(dut.irq_o.value), 0)
    await soc.counted(1, 2)
    await soc.put("CONTROL", START)
    await soc.answer(2)
    await soc.nothing_more()
    await soc.counted(2, 3)


@cocotb.test(timeout_time=TIMEOUT, timeout_unit="us")
@cocotb.parametrize(gap=[0.0, 0.6])
async def registers(dut: Any, gap: float) -> None:
    soc = await begin(dut, gap)
    for name, value in soc.wanted.items():
        same(name, 0, await soc.get(name), value)
    same("SHAPE", 0, await soc.get("SHAPE"), len(dut.s_axis_tdata) << 8 | soc.document["numbers"]["ActW"])
    await soc.put("IRQ_ENABLE", 0xFFFFFFFF)
    known = set(soc.address.values())
    for address in (*range(0, 0x100, 20 if gap else 4), 0x400, 0x440, 0x804, 0xC48, 0xFFC):
        answer = await soc.read.read(address, 4)
        wanted = OKAY if address in known else SLVERR
        same(f"reading {address:#x}", 0, int(answer.resp), wanted)
        assert address in known or answer.data == bytes(4), "an illegal address has data"
        written = await soc.write.write(address, bytes(4))
        legal = address in {soc.address[name] for name in soc.document["writable"]}
        same(f"writing {address:#x}", 0, int(written.resp), OKAY if legal else SLVERR)
    for name, value in soc.wanted.items():
        same(f"{name} after it was written to", 0, await soc.get(name), value)


@cocotb.test(timeout_time=TIMEOUT, timeout_unit="us")
async def byte_strobes(dut: Any) -> None:
    soc = await begin(dut)
    at = soc.address["IRQ_ENABLE"]
    for value in (0, 3):
        await soc.write.write(at, bytes([value]))
        for first in (1, 2, 3):
            same("a write beside it", first, int((await soc.write.write(at + first, b"\xff")).resp), OKAY)
            same("IRQ_ENABLE", first, await soc.get("IRQ_ENABLE"), value)
    await soc.put("CONTROL", AUTO)
    await soc.write.write(soc.address["CONTROL"] + 1, b"\xff\xff\xff")
    same("CONTROL", 0, await soc.get("CONTROL"), AUTO)
    same("STATUS", 0, await soc.get("STATUS") & (BUSY | ARMED), 0)
    same("the lowest bits of an address", 0, (await soc.read.read(at + 1, 1)).data, b"\x00")


@cocotb.test(timeout_time=TIMEOUT, timeout_unit="us")
@cocotb.parametrize(first=["aw", "w"], gap=[0.0, 0.5])
async def address_and_data_apart(dut: Any, first: str, gap: float) -> None:
    """One channel far ahead of the other, writes and reads at once, four of each under way."""
    soc = await begin(dut, gap)
    late = soc.write.w_channel if first == "aw" else soc.write.aw_channel
    late.clear_pause_generator()
    for round in range(4):
        late.pause = True
        values = [soc.random.randrange(4) for _ in range(4)]
        writes = [
            cocotb.start_soon(soc.write.write(soc.address["IRQ_ENABLE"], bytes([value, 0, 0, 0]))) for value in values
        ]
        reads = [cocotb.start_soon(soc.read.read(soc.address["ID"] + 4 * (at % 2), 4)) for at in range(4)]
        await ClockCycles(dut.clk_i, 20)
        late.pause = False
        for write in writes:
            same("a write's response", round, int((await write).resp), OKAY)
        for at, read in enumerate(reads):
            wanted = soc.wanted[("ID", "VERSION")[at % 2]]
            same("a read's data", round, int.from_bytes((await read).data, "little"), wanted)
        same("IRQ_ENABLE", round, await soc.get("IRQ_ENABLE"), values[-1])


@cocotb.test(timeout_time=TIMEOUT, timeout_unit="us")
async def a_write_and_a_read_at_once(dut: Any) -> None:
    """In the same cycle they do not disturb each other, and the read sees what was there before."""
    soc = await begin(dut)
    for value in (3, 1, 2, 0):
        before = await soc.get("IRQ_ENABLE")
        write = cocotb.start_soon(soc.write.write(soc.address["IRQ_ENABLE"], bytes([value, 0, 0, 0])))
        read = cocotb.start_soon(soc.read.read(soc.address["IRQ_ENABLE"], 4))
        same("the write", value, int((await write).resp), OKAY)
        assert (await read).data[0] in (before, value)
        same("IRQ_ENABLE", value, await soc.get("IRQ_ENABLE"), value)


@cocotb.test(timeout_time=TIMEOUT, timeout_unit="us")
async def reset_in_the_middle(dut: Any) -> None:
    soc = await begin(dut)
    for round in range(2):
        await soc.put("CONTROL", AUTO)
        await soc.send(round)
        await ClockCycles(dut.clk_i, soc.random.randrange(1, soc.document["inferences"][round]["total"] + 400))
        await soc.reset()
        same("CONTROL after reset", round, await soc.get("CONTROL"), 0)
        same("STATUS after reset", round, await soc.get("STATUS") & (BUSY | ARMED | OFFERS), 0)
        await soc.put("CONTROL", AUTO)
        await soc.send(-1)
        await soc.answer(-1)
        await soc.nothing_more()
        await soc.counted(-1, 1)


async def stopped(soc: Soc, number: int, beats: int) -> None:
    """Stop an inference by a soft reset while the beat after `beats` of its answer is offered."""
    soc.sink.pause = not beats
    await soc.put("CONTROL", AUTO)
    await soc.send(number, frames=None if beats else 1)
    await soc.taken(beats)
    await ClockCycles(soc.dut.clk_i, 60)
    await soc.wait_for("STATUS", OFFERS, OFFERS)
    await soc.put("CONTROL", RESET)


@cocotb.test(timeout_time=TIMEOUT, timeout_unit="us")
@cocotb.parametrize(beat=["first", "last"], taken=["before", "later"])
async def soft_reset_with_a_beat_offered(dut: Any, beat: str, taken: str) -> None:
    """The beat stays, and ends no inference; what follows is right, be it taken before or later."""
    soc = await begin(dut)
    frames = turns(soc.document, soc.document["inferences"][1])[1]
    beats = sum(-(-len(frame) // soc.lanes) for frame in frames)
    await soc.put("IRQ_ENABLE", DONE)
    await stopped(soc, 1, 0 if beat == "first" else beats - 1)
    await ClockCycles(dut.clk_i, 20)
    same("a beat that was offered", 0, int(dut.m_axis_tvalid.value), 1)
    same("CONTROL", 0, await soc.get("CONTROL"), 0)
    same("IRQ_ENABLE", 0, await soc.get("IRQ_ENABLE"), DONE)
    await soc.put("CONTROL", AUTO)
    if taken == "later":
        await soc.send(-1)
        await soc.wait_for("STATUS", BUSY, BUSY)
    soc.sink.pause = False
    if beat == "last":
        for frame in frames:
            same("what was offered", 0, bytes((await soc.sink.recv()).tdata), frame)
    else:
        await ClockCycles(dut.clk_i, 3)
    same("IRQ_STATUS after that beat", 0, await soc.get("IRQ_STATUS"), 0)
    same("COUNT after that beat", 0, await soc.get("COUNT"), 0)
    if taken == "before":
        await soc.send(-1)
    await soc.answer(-1, b"" if beat == "last" else frames[0][: soc.lanes])
    await soc.nothing_more()
    await soc.counted(-1, 1)
