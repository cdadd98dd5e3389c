"""emcc_uart_tx: the level of every clock of every bit; a byte may follow a clock behind the stop bit."""

from typing import Any

import cocotb
from common.stepper import Stepper, rng, same, spec


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def sends_bytes(dut: Any) -> None:
    div, random, bench = spec()["div"], rng("tx"), Stepper(dut, ("ready_o", "tx_o"))
    await bench.start({"valid_i": 0, "data_i": 0})
    offered, levels, sent = None, [], 0
    while sent < 12 or levels:
        if offered is None and sent < 12 and random.random() < 0.8:
            offered = random.choice((0, 255, random.getrandbits(8)))
        inputs = {"valid_i": int(offered is not None), "data_i": offered or 0}
        out = await bench.step(inputs)
        same("ready_o", bench.cycle, out["ready_o"], int(not levels))
        same("tx_o", bench.cycle, out["tx_o"], levels.pop(0) if levels else 1)
        if offered is not None and out["ready_o"]:
            bits = (0, *(offered >> at & 1 for at in range(8)), 1)
            levels = [bit for bit in bits for _ in range(div)]
            offered, sent = None, sent + 1
