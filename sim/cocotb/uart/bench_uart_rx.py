"""emcc_uart_rx: bytes at exact and inexact rates, glitches, breaks, and a byte without a stop bit."""

from typing import Any

import cocotb
from common.stepper import Stepper, rng, same, spec

OUTPUTS = ("data_o", "valid_o")


class Line:
    """The wire, driven a level at a time; `got`: the bytes that came out."""

    def __init__(self, dut: Any) -> None:
        self.bench, self.got = Stepper(dut, OUTPUTS), bytearray()
        self._owed = 0.0

    async def level(self, value: int, clocks: float) -> None:
        """Hold a level for some clocks, on average."""
        self._owed += clocks
        while self._owed >= 1:
            self._owed -= 1
            out = await self.bench.step({"rx_i": value})
            if out["valid_o"]:
                self.got.append(out["data_o"])

    async def byte(self, value: int, bit: float, stop: int = 1) -> None:
        """Send a byte, `bit` clocks a bit."""
        for level in (0, *(value >> at & 1 for at in range(8)), stop):
            await self.level(level, bit)


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def takes_bytes(dut: Any) -> None:
    div, random, line = spec()["div"], rng("rx"), Line(dut)
    await line.bench.start({"rx_i": 1})
    await line.level(1, 3 * div)
    # A bit of 4 clocks is sampled as much as 2 of them late, so less may be off than with many.
    for off in (0, 0.02, -0.02) if div < 8 else (0, 0.03, -0.03):
        sent = bytes([0, 255, 0x55, 0xAA, *random.randbytes(12)])
        for value in sent:
            await line.byte(value, div * (1 + off))
            if random.random() < 0.3:
                await line.level(1, random.randrange(3 * div))
        await line.level(1, 2 * div)
        same("bytes", line.bench.cycle, bytes(line.got), sent)
        line.got.clear()


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def leaves_what_is_no_byte(dut: Any) -> None:
    div, line = spec()["div"], Line(dut)
    await line.bench.start({"rx_i": 0})
    await line.level(0, 30 * div)  # A cable that is not there
    await line.level(1, 2 * div)
    await line.level(0, max(1, div // 2 - 1))  # A glitch
    await line.level(1, 12 * div)
    await line.byte(0x12, div, stop=0)
    await line.level(0, 40 * div)
    await line.level(1, 2 * div)
    same("bytes", line.bench.cycle, bytes(line.got), b"")
    await line.byte(0x34, div)
    await line.level(1, 2 * div)
    same("bytes", line.bench.cycle, bytes(line.got), b"\x34")
