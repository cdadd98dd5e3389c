"""emcc_boot and streams of bytes: words, their order and cycles as the reader of boot images has them, or an error.

common/boot_case.py says which streams; what is wrong with one is in its name.
"""

import json
import random
from pathlib import Path
from typing import Any

import cocotb
from common.stepper import Stepper, same

OUTPUTS = ("tready_o", "we_o", "sel_o", "addr_o", "start_o", "word_o", "done_o", "error_o")
IDLE = {"tvalid_i": 0, "tdata_i": 0}
AFTER = 40
"""Cycles that are watched when all bytes are in, or the end is reached."""


class Boot:
    """A run: the words that were written, and how it ended."""

    def __init__(self, dut: Any, stimulus: dict[str, Any]) -> None:
        self.bench, self.slots, self.count_w = Stepper(dut, OUTPUTS), stimulus["slots"], stimulus["count_w"]
        self.words: list[list[int]] = []
        self.done = self.error = False

    async def run(self, data: bytes, gaps: float) -> None:
        """Feed a stream after a reset; a byte waits with probability `gaps`."""
        await self.bench.reset(IDLE)
        rng = random.Random(gaps)
        self.words, self.done, self.error = [], False, False
        at, offered, since = 0, False, 0
        while since < AFTER:
            offered = at < len(data) and (offered or rng.random() >= gaps)
            out = await self.bench.step({"tvalid_i": int(offered), "tdata_i": data[at] if offered else 0x5A})
            self._look(out)
            if offered and out["tready_o"]:
                at, offered = at + 1, False
            since = since + 1 if at == len(data) or self.done or self.error else 0
            assert self.bench.cycle < 10_000, "the stream is not taken"

    def _look(self, out: dict[str, int]) -> None:
        cycle = self.bench.cycle
        if out["we_o"]:
            assert not self.done | self.error, f"cycle {cycle}: a word after the end"
            coded, pointer = self.slots[out["sel_o"]]
            word = out["word_o"] & (1 << coded) - 1
            self.words.append([out["sel_o"], out["addr_o"], out["start_o"] << self.count_w | word if pointer else word])
        assert self.done <= out["done_o"], f"cycle {cycle}: the end was not one"
        assert self.error <= out["error_o"], f"cycle {cycle}: the end was not one"
        assert not out["done_o"] & out["error_o"], f"cycle {cycle}: done and wrong"
        self.done, self.error = bool(out["done_o"]), bool(out["error_o"])


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def fills_memories_or_refuses(dut: Any) -> None:
    stimulus = json.loads(Path("stimulus.json").read_text(encoding="utf-8"))
    boot = Boot(dut, stimulus)
    await boot.bench.start(IDLE)
    for number, case in enumerate(stimulus["cases"]):
        name = f"stream {number} ({case['what'] or 'a good one'})"
        await boot.run(bytes.fromhex(case["stream"]), case["gaps"])
        if case["words"] is None:
            assert not boot.done, f"{name} is accepted"
        else:
            same(f"{name}: words", boot.bench.cycle, boot.words, case["words"])
            assert boot.done, f"{name} is refused"
            if not case["gaps"]:
                assert boot.bench.cycle - AFTER <= case["most"], f"{name}: fewer than a digit a cycle"
        if case["head"]:
            assert boot.error, f"{name} is no error"
            assert not boot.words, f"{name}: words of a wrong head"
