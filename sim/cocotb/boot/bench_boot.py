"""emcc_boot against the reader of boot images: words, their order and cycles, and what happens to damaged ones.

The specification may name the `only` test to run.
"""

import zlib
from collections.abc import Awaitable, Callable
from functools import wraps
from random import Random
from typing import Any

import cocotb
from common import boot_case
from common.stepper import Stepper, same, spec

from emcc.backends.rom import digits, flash
from emcc.base.errors import EmccError

OUTPUTS = ("tready_o", "we_o", "sel_o", "addr_o", "start_o", "word_o", "done_o", "error_o")
IDLE = {"tvalid_i": 0, "tdata_i": 0}
AFTER = 40
"""Cycles that are watched when all bytes are in."""

Write = tuple[int, int, int, int]


def rng(*salt: object) -> Random:
    """A generator that depends on `salt` alone."""
    return Random(repr(salt))


def wanted(test: Callable[[Any], Awaitable[None]]) -> Callable[[Any], Awaitable[None]]:
    """Skip a test that is not the only one wanted."""

    @wraps(test)
    async def run(dut: Any) -> None:
        if spec().get("only", test.__name__) == test.__name__:
            await test(dut)

    return run


class Boot:
    """A run: the words that were written, and how it ended."""

    def __init__(self, dut: Any) -> None:
        self.bench = Stepper(dut, OUTPUTS)
        self.writes: list[Write] = []
        self.done = self.error = False

    async def run(self, data: bytes, random: Random, gaps: float) -> "Boot":
        """Feed a stream after a reset; a byte waits with probability `gaps`."""
        self.writes, self.done, self.error = [], False, False
        at, offered, since = 0, False, 0
        while since < AFTER:
            offered = at < len(data) and (offered or random.random() >= gaps)
            out = await self.bench.step({"tvalid_i": int(offered), "tdata_i": data[at] if offered else 0x5A})
            self._look(out)
            if offered and out["tready_o"]:
                at, offered = at + 1, False
            since = since + 1 if at == len(data) or self.done or self.error else 0
            assert self.bench.cycle < 60_000, "the stream is not taken"
        return self

    def _look(self, out: dict[str, int]) -> None:
        cycle = self.bench.cycle
        if out["we_o"]:
            assert not self.done | self.error, f"cycle {cycle}: a word after the end"
            self.writes.append((out["sel_o"], out["addr_o"], out["start_o"], out["word_o"]))
        assert self.done <= out["done_o"], f"cycle {cycle}: the end was not one"
        assert self.error <= out["error_o"], f"cycle {cycle}: the end was not one"
        assert not out["done_o"] & out["error_o"], f"cycle {cycle}: done and wrong"
        self.done, self.error = bool(out["done_o"]), bool(out["error_o"])


def words(data: bytes) -> list[tuple[int, int, int]]:
    """(memory, address, word) of an image, by the reader."""
    return [
        (n, at, int(word)) for n, made in enumerate(flash.read(data).memories) for at, word in enumerate(made.values)
    ]


def judged(data: bytes) -> tuple[list[tuple[int, int, int]], str]:
    """(The words of an image, why the reader refuses it)."""
    try:
        return words(data), ""
    except EmccError as error:
        return [], str(error)


def written(run: Boot) -> list[tuple[int, int, int]]:
    """The same of a run: each memory takes the low bits of a word, pointers have the start before the count."""
    result, count_w = [], boot_case.NUMBERS["CountW"]
    for sel, addr, start, word in run.writes:
        slot = boot_case.layout().slots[sel]
        word &= (1 << slot.coded) - 1
        result.append((sel, addr, start << count_w | word if slot.kind == "ptr" else word))
    return result


def most_cycles(data: bytes) -> int:
    """Cycles that an image takes where a byte is always there: a digit a cycle, and filling tables."""
    slots = boot_case.layout().slots
    fills = len({slot.kind for slot in slots}) * (digits.TABLES * (digits.ROWS + digits.SYMBOLS + 1) + 1)
    header = flash.HEAD + flash.END + len(slots) * (flash.SEGMENT + 1)
    return header + fills + sum(slot.depth * slot.digits + 12 for slot in slots)


def ended(data: bytes) -> bytes:
    """Bytes with the length and CRC that they should have behind them."""
    data += len(data).to_bytes(4, "little")[:3]
    return data + zlib.crc32(data).to_bytes(4, "little")


@cocotb.test(timeout_time=10, timeout_unit="ms")
@wanted
async def fills_memories(dut: Any) -> None:
    boot = Boot(dut)
    await boot.bench.start(IDLE)
    for number, gaps in enumerate((0.0, 0.0, 0.0, 0.6)):
        data = boot_case.image(rng(number))
        await boot.bench.reset(IDLE)
        await boot.run(data + b"more", rng(number, "gaps"), gaps)
        same("words", boot.bench.cycle, written(boot), words(data))
        assert boot.done, f"image {number} is refused"
        if not gaps:
            assert boot.bench.cycle - AFTER <= most_cycles(data), f"image {number}: fewer than a digit a cycle"


@cocotb.test(timeout_time=10, timeout_unit="ms")
@wanted
async def refuses_damage(dut: Any) -> None:
    boot, random = Boot(dut), rng("damage")
    await boot.bench.start(IDLE)
    data = boot_case.image(rng("damaged"))
    places = [*range(0, 18, 6), *range(19, len(data), len(data) // 8), *range(len(data) - 7, len(data), 2)]
    cases = [("a flipped bit", data[:at] + bytes([data[at] ^ 1 << at % 8]) + data[at + 1 :]) for at in places]
    for at in (3, len(data) // 2, len(data) - 5):
        cases += [("a lost byte", data[:at] + data[at + 1 :]), ("a byte twice", data[: at + 1] + data[at:])]
    cases += [("a stream that ends", data[:-1]), ("another stream behind a part", data[:200] + data)]
    for what, stream in cases:
        await boot.bench.reset(IDLE)
        await boot.run(stream, random, 0.0)
        assert not boot.done, f"{what} is accepted"
        if what == "a flipped bit" and stream[:18] != data[:18]:
            assert boot.error, "a wrong head is no error"
            assert not boot.writes, "a word of a wrong head"


@cocotb.test(timeout_time=20, timeout_unit="ms")
@wanted
async def agrees_about_wrong_codes(dut: Any) -> None:
    """Images with a right CRC and wrong tables or codewords: the reader's verdict is the hardware's."""
    boot, verdicts = Boot(dut), set()
    await boot.bench.start(IDLE)
    for number in range(10):
        random = rng("codes", number)
        data = bytearray(boot_case.image(random)[: -flash.END])
        begin = flash.HEAD + flash.SEGMENT if number % 2 else len(data) - 12
        data[min(begin + random.randrange(12), len(data) - 1)] ^= 1 << random.randrange(8)
        stream = ended(bytes(data))
        await boot.bench.reset(IDLE)
        await boot.run(stream, random, 0.0)
        right, verdict = judged(stream)
        verdicts.add(verdict)
        assert boot.done == (not verdict), f"image {number} is {'accepted' if boot.done else 'refused'}: {verdict}"
        if not verdict:
            same("words", boot.bench.cycle, written(boot), right)
    assert len(verdicts) > 1, f"one verdict on all: {verdicts}"
