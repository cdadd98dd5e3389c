"""Beats to items and back against lists: order, nothing lost, TKEEP, TLAST and the last beat, torn items."""

from collections import deque
from typing import Any

import cocotb
from common.stepper import Stepper, rng, same, spec

CYCLES = 3000
OUTPUTS = ("s_axis_tready", "m_axis_tdata", "m_axis_tkeep", "m_axis_tlast", "m_axis_tvalid")
OUTPUTS += ("item_valid_o", "item_ready_o", "final_o", "torn_o")
IDLE = {"s_axis_tdata": 0, "s_axis_tkeep": 0, "s_axis_tvalid": 0, "m_axis_tready": 0, "last_i": 0, "end_i": 0}


class Model:
    """What is on its way: items in beats, and beats that should come out."""

    def __init__(self, item_w: int, items: int) -> None:
        self.item_w, self.items = item_w, items
        self.inside, self.held, self.due = deque[int | None](), list[int](), deque[tuple[int, int, int, int]]()
        self.torn = 0

    def beat(self, data: int, keep: int) -> None:
        """A beat was taken: None is an item that is torn."""
        whole = (1 << self.item_w // 8) - 1
        for at in range(self.items):
            bits = keep >> at * (self.item_w // 8) & whole
            if bits == whole:
                self.inside.append(data >> at * self.item_w & ((1 << self.item_w) - 1))
            elif bits:
                self.torn += 1

    def item(self, last: bool) -> None:
        """An item went over."""
        if len(self.held) == self.items:
            self.flush(0, 0)
        item = self.inside.popleft()
        assert item is not None
        self.held.append(item)
        if last:
            self.flush(1, 1)

    def flush(self, last: int, final: int) -> None:
        """A beat is due."""
        if self.held:
            data = sum(value << at * self.item_w for at, value in enumerate(self.held))
            self.due.append((data, (1 << len(self.held) * self.item_w // 8) - 1, last, final))
            self.held = []


@cocotb.test(timeout_time=1, timeout_unit="ms")
@cocotb.parametrize(gap=[0.0, 0.5], wait=[0.0, 0.6])
async def keeps_order(dut: Any, gap: float, wait: float) -> None:
    random, bench = rng(gap, wait), Stepper(dut, OUTPUTS)
    model = Model(spec()["item_w"], spec()["items"])
    lanes, torn, beats, offered, stalled = model.items * model.item_w // 8, 0, 0, None, False
    await bench.start(IDLE)
    while bench.cycle < CYCLES or model.inside or model.due:
        busy = bench.cycle < CYCLES
        if offered is None and busy and random.random() >= gap:
            keep = random.getrandbits(lanes) if random.random() < 0.3 else (1 << lanes) - 1
            offered = (random.getrandbits(8 * lanes), keep)
        data, keep = offered or (random.getrandbits(8 * lanes), random.getrandbits(lanes))
        last, end = random.random() < 0.1, not stalled and random.random() < (0.05 if busy else 0.5)
        given = {"s_axis_tvalid": int(offered is not None), "s_axis_tdata": data, "s_axis_tkeep": keep}
        given |= {"m_axis_tready": int(random.random() >= wait), "last_i": int(last), "end_i": int(end)}
        out = await bench.step(given)
        torn += out["torn_o"]
        stalled = bool(out["item_valid_o"] and not out["item_ready_o"] and not end)
        if out["m_axis_tvalid"] and given["m_axis_tready"]:
            beats += 1
            got = (out["m_axis_tdata"], out["m_axis_tkeep"], out["m_axis_tlast"], out["final_o"])
            assert model.due, f"cycle {bench.cycle}: a beat that is not due: {got}"
            same("a beat", bench.cycle, got, model.due.popleft())
        if end:
            model.flush(1, 0)
        elif out["item_valid_o"] and out["item_ready_o"]:
            model.item(last)
        if offered and out["s_axis_tready"]:
            model.beat(*offered)
            offered = None
        assert bench.cycle < 4 * CYCLES, "beats are due that do not come"
    for _ in range(20):
        same("m_axis_tvalid afterwards", bench.cycle, (await bench.step(IDLE))["m_axis_tvalid"], 0)
    same("torn items", bench.cycle, torn, model.torn)
    assert beats > 100
    if not gap and not wait:
        assert beats * model.items > CYCLES * 0.5, f"{beats} beats of {model.items} in {CYCLES} cycles"
