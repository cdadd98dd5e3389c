"""emcc_lnzd against its rule: lanes of a word lowest first, words in order, no bubble, nothing lost and nothing extra.

A word pushed in cycle p is pending from p+2, or from the cycle after the word before it has ended; a pending lane is
emitted in every cycle without a stall. ready_o says that fewer than three words wait, and one more word may be on its
way (the CCU reads its flags when it sees ready_o and pushes a cycle later): the bench pushes exactly like that.
"""

from collections import deque
from typing import Any

import cocotb
from common.stepper import Stepper, rng, same, spec

WORDS = 250
BUFFER = 3
OUTPUTS = ("ready_o", "emit_o", "lane_o", "addr_o", "col_o", "pending_o", "idle_o")
IDLE = {"push_i": 0, "flags_i": 1, "addr_i": 0, "col_i": 0, "stall_i": 0}


def words(lanes: int, shape: str) -> list[tuple[int, int, int]]:
    """(flags, addr, col) of WORDS words with flags that are not all zero."""
    random = rng("words", shape)
    full = (1 << lanes) - 1
    result = []
    for _ in range(WORDS):
        kind = random.choice(("dense", "sparse", "one", "top", "any")) if shape == "mixed" else shape
        flags = {
            "dense": full & ~(random.getrandbits(lanes) & random.getrandbits(lanes) & random.getrandbits(lanes)),
            "sparse": random.getrandbits(lanes) & random.getrandbits(lanes) & random.getrandbits(lanes),
            "one": 1 << random.randrange(lanes),
            "top": 1 << (lanes - 1),
            "any": random.getrandbits(lanes),
            "full": full,
        }[kind]
        result.append((flags or 1 << random.randrange(lanes), random.getrandbits(6), random.getrandbits(10)))
    return result


class Model:
    """What is pending, cycle by cycle."""

    def __init__(self) -> None:
        self.waiting: deque[tuple[int, list[tuple[int, int, int]]]] = deque()
        self.current: list[tuple[int, int, int]] = []

    def push(self, cycle: int, flags: int, addr: int, col: int) -> None:
        """A word pushed in `cycle`."""
        lanes = [(1 << i, addr, col) for i in range(flags.bit_length()) if flags >> i & 1]
        self.waiting.append((cycle, lanes))

    def begin(self, cycle: int) -> None:
        """Load the next word if the one before has ended and this one came in time."""
        if not self.current and self.waiting and self.waiting[0][0] <= cycle - 2:
            self.current = self.waiting.popleft()[1]

    def held(self, cycle: int) -> int:
        """Words that wait behind the pending one."""
        return sum(pushed < cycle for pushed, _ in self.waiting)


@cocotb.test(timeout_time=1, timeout_unit="ms")
@cocotb.parametrize(
    push=[1.0, 0.4],
    stall=[0.0, 0.5, 0.9],
    shape=["mixed", "top", "full"],
)
async def emits_every_lane_once(dut: Any, push: float, stall: float, shape: str) -> None:
    random = rng(push, stall, shape)
    todo = deque(words(spec()["lanes"], shape)[: 40 if spec()["lanes"] > 8 else WORDS])
    model, bench = Model(), Stepper(dut, OUTPUTS)
    await bench.start(IDLE)
    going, quiet, emitted, wanted = False, 0, 0, sum(flags.bit_count() for flags, _, _ in todo)
    while quiet < 20:
        inputs = {"push_i": int(going), "stall_i": int(random.random() < stall)}
        if going:
            inputs["flags_i"], inputs["addr_i"], inputs["col_i"] = todo.popleft()
        out = await bench.step(inputs)
        now = bench.cycle
        model.begin(now)
        same("pending_o", now, out["pending_o"], int(bool(model.current)))
        same("idle_o", now, out["idle_o"], int(not model.current and not model.held(now)))
        same("ready_o", now, out["ready_o"], int(model.held(now) < BUFFER))
        same("emit_o", now, out["emit_o"], int(bool(model.current) and not inputs["stall_i"]))
        if out["emit_o"]:
            same("lane, addr, col", now, (out["lane_o"], out["addr_o"], out["col_o"]), model.current.pop(0))
            emitted += 1
        if going:
            model.push(now, inputs["flags_i"], inputs["addr_i"], inputs["col_i"])
        going = bool(out["ready_o"]) and bool(todo) and random.random() < push
        quiet = 0 if todo or going or model.waiting or model.current else quiet + 1
    same("lanes emitted", bench.cycle, emitted, wanted)
