"""emcc_axi_top that takes the next input while this one runs: streams that do not wait for each other; see axi_host."""

from typing import Any

import cocotb
from axi_host import Soc, begin
from cocotb.triggers import ClockCycles
from common.stepper import same

AUTO, START, RESET = 1, 2, 4
DONE, BUSY, ARMED = 1, 1, 2
TIMEOUT = 200


async def counted(soc: Soc, number: int, count: int) -> None:
    """Compare the counters after an inference that came behind another one; TOTAL where nothing waited."""
    one, before = soc.document["inferences"][number], soc.document["inferences"][number - 1]
    table, total = soc.document["following"], await soc.get("TOTAL")
    same(f"CYCLES of inference {number}", 0, await soc.get("CYCLES"), one["total"])
    least, most = table["hidden"], max(table["hidden"], table["seen"] + before["exposed"])
    assert total >= one["total"] + least, f"TOTAL of inference {number} is {total}"
    if not soc.gap:
        assert total <= one["total"] + most, f"TOTAL of inference {number} is {total}, most {one['total'] + most}"
    same("COUNT", 0, await soc.get("COUNT"), count)


@cocotb.test(timeout_time=TIMEOUT, timeout_unit="us")
@cocotb.parametrize(gap=[0.0, 0.5])
async def inferences_overlap(dut: Any, gap: float) -> None:
    soc = await begin(dut, gap)
    many = len(soc.document["inferences"])
    await soc.put("IRQ_ENABLE", DONE)
    await soc.put("CONTROL", AUTO)
    for number in range(many):
        await soc.send(number, junk=bool(gap))
    await soc.answer(0)
    assert gap or soc.source.count() < many - 1, "no input is taken beside another's run"
    for number in range(1, many):
        await soc.answer(number)
        await soc.wait_for("IRQ_STATUS", DONE, DONE)
        same("irq_o", number, int(dut.irq_o.value), 1)
        await soc.put("IRQ_STATUS", DONE)
        await counted(soc, number, number + 1)
    await soc.nothing_more()
    same("STATUS afterwards", 0, await soc.get("STATUS") & (BUSY | ARMED), 0)


@cocotb.test(timeout_time=TIMEOUT, timeout_unit="us")
async def one_inference_a_start(dut: Any) -> None:
    """A START while one is under way lets the next one's input come; without one it waits."""
    soc = await begin(dut)
    for number in range(3):
        await soc.send(number)
    await soc.put("CONTROL", START)
    await soc.wait_for("STATUS", ARMED, 0)
    await soc.put("CONTROL", START)
    await soc.answer(0)
    await soc.answer(1)
    await soc.nothing_more()
    same("STATUS after two", 0, await soc.get("STATUS") & (BUSY | ARMED), 0)
    same("COUNT after two", 0, await soc.get("COUNT"), 2)
    await soc.put("CONTROL", START)
    await soc.answer(2)
    await soc.nothing_more()


@cocotb.test(timeout_time=TIMEOUT, timeout_unit="us")
async def answers_that_nobody_takes(dut: Any) -> None:
    """The next input is taken all the same, and no more than that; nothing is lost."""
    soc = await begin(dut)
    soc.sink.pause = True
    await soc.put("CONTROL", AUTO)
    for number in range(5):
        await soc.send(number)
    await ClockCycles(dut.clk_i, 6000)
    same("COUNT while nothing is taken", 0, await soc.get("COUNT"), 0)
    same("STATUS", 0, await soc.get("STATUS") & BUSY, BUSY)
    same("frames that wait", 0, soc.source.count(), 1)
    soc.sink.pause = False
    for number in range(5):
        await soc.answer(number)
    await soc.nothing_more()
    same("COUNT", 0, await soc.get("COUNT"), 5)


@cocotb.test(timeout_time=TIMEOUT, timeout_unit="us")
async def soft_reset_in_the_middle(dut: Any) -> None:
    """Of a run while the next input comes: nothing is left of either."""
    soc = await begin(dut)
    for number in range(3):
        await soc.put("CONTROL", AUTO)
        await soc.send(number)
        await soc.send(number + 1)
        await ClockCycles(dut.clk_i, soc.random.randrange(1, soc.document["inferences"][number]["total"] + 200))
        soc.source.clear()
        await soc.reset()
        await soc.put("CONTROL", AUTO)
        await soc.send(-1)
        await soc.answer(-1)
        await soc.nothing_more()
        same("COUNT", number, await soc.get("COUNT"), 1)
