"""Stepping a DUT in lock with its model: one call a clock cycle.

Inputs change at the falling edge and everything is sampled after they have settled, so a sample is what the next
rising edge sees: no race between bench and DUT, and combinational outputs are those of the inputs just set.
"""

import json
import os
import random
from collections.abc import Callable, Mapping
from typing import Any

from cocotb.clock import Clock
from cocotb.triggers import FallingEdge, ReadOnly, RisingEdge


def spec() -> dict[str, Any]:
    """What the pytest side wants done: see common.simulator.simulate."""
    found: dict[str, Any] = json.loads(os.environ["EMCC_BENCH"])
    return found


def rng(*salt: object) -> random.Random:
    """A generator that depends on the bench's specification and `salt` alone."""
    return random.Random(repr((sorted(spec().items()), salt)))


class Stepper:
    """Drives `dut` a cycle at a time.

    Attributes:
        cycle: number of the cycle that was sampled last, from 0 after reset.
    """

    def __init__(self, dut: Any, outputs: tuple[str, ...]) -> None:
        self._dut, self._outputs = dut, [(name, _reader(getattr(dut, name))) for name in outputs]
        self._inputs: dict[str, Any] = {}
        self._driven: dict[str, Any] = {}
        self._release: dict[str, int] = {}
        self.cycle = -1

    async def start(self, idle: Mapping[str, int], cycles: int = 4) -> None:
        """Start the clock and hold reset for some cycles, inputs at `idle`."""
        self._set({**idle, "rst_ni": 0})
        Clock(self._dut.clk_i, 2, unit="ns").start(start_high=False)
        await RisingEdge(self._dut.clk_i)
        await self.reset(idle, cycles)

    async def reset(self, idle: Mapping[str, int], cycles: int = 4) -> None:
        """Hold reset for some cycles; it ends with the next step."""
        for _ in range(cycles):
            await self.step({**idle, "rst_ni": 0})
        self._release = {"rst_ni": 1}
        self.cycle = -1

    async def step(self, inputs: Mapping[str, int]) -> dict[str, int]:
        """Begin a cycle, set inputs (those not named stay), and sample the outputs."""
        await FallingEdge(self._dut.clk_i)
        self._set({**self._release, **inputs})
        self._release = {}
        await ReadOnly()
        self.cycle += 1
        return {name: int(read(), 2) for name, read in self._outputs}

    def _set(self, inputs: Mapping[str, int]) -> None:
        """Drive inputs, this class's alone, but for those that are so already."""
        for name, value in inputs.items():
            if self._driven.get(name) != value:
                if name not in self._inputs:
                    self._inputs[name] = getattr(self._dut, name)
                self._inputs[name].value = value
                self._driven[name] = value


def _reader(handle: Any) -> Callable[[], str]:
    """What gives a signal's bits; with `handle.value`, an array of them, a bench takes twice as long."""
    read: Callable[[], str] = handle._handle.get_signal_val_binstr
    return read


def same(what: str, cycle: int, got: object, wanted: object) -> None:
    """Stop at the first difference; the message names both sides."""
    assert got == wanted, f"cycle {cycle}: {what}: RTL {got!r}, reference {wanted!r}"
