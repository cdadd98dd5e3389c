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
        self._dut, self._outputs = dut, [(name, reader(getattr(dut, name))) for name in outputs]
        self._falls, self._settled = FallingEdge(dut.clk_i), ReadOnly()
        self._inputs: dict[str, Callable[[int], None]] = {}
        self._driven: dict[str, int] = {}
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
        await self._falls
        if self._release:
            inputs, self._release = {**self._release, **inputs}, {}
        self._set(inputs)
        await self._settled
        self.cycle += 1
        return {name: read() for name, read in self._outputs}

    def _set(self, inputs: Mapping[str, int]) -> None:
        """Drive inputs, this class's alone, but for those that are so already."""
        driven = self._driven
        for name, value in inputs.items():
            if driven.get(name) != value:
                if name not in self._inputs:
                    self._inputs[name] = _writer(getattr(self._dut, name))
                self._inputs[name](value)
                driven[name] = value


WORD = 31
"""Bits that the simulator takes and gives as an integer, whatever its sign: more go through text."""


def reader(handle: Any) -> Callable[[], int]:
    """What gives a signal's bits; with `handle.value`, an array of them, a bench takes twice as long."""
    signal = handle._handle
    if signal.get_num_elems() <= WORD:
        number: Callable[[], int] = signal.get_signal_val_long
        return number
    return lambda: int(signal.get_signal_val_binstr(), 2)


def _writer(handle: Any) -> Callable[[int], None]:
    """What drives an input; without the checks that cocotb makes of every value."""
    signal, bits = handle._handle, handle._handle.get_num_elems()
    if bits > WORD:
        return lambda value: setattr(handle, "value", value)

    def write(value: int) -> None:
        assert value >> bits == 0, f"{handle._name}: {value} has more than {bits} bits"
        signal.set_signal_val_int(0, value)

    return write


def same(what: str, cycle: int, got: object, wanted: object) -> None:
    """Stop at the first difference; the message names both sides."""
    assert got == wanted, f"cycle {cycle}: {what}: RTL {got!r}, reference {wanted!r}"
