"""emcc_act_queue against a list: order, nothing lost, and near_full_o exactly when documented.

near_full_o is a register: in cycle t+1 it says whether the queue held depth - 8 words or more in cycle t. LNZD stops a
cycle after it sees that, and what it emitted in cycle t is pushed in cycle t+6: the bench's producer does the same, so
the queue is filled to its last word and never beyond. Some of what comes is written and not pushed.
"""

from collections import deque
from typing import Any

import cocotb
from common.stepper import Stepper, rng, same, spec

CYCLES = 2500
MARGIN = 8
EMIT_TO_PUSH = 6
OUTPUTS = ("data_o", "valid_o", "near_full_o")
IDLE = {"we_i": 0, "push_i": 0, "data_i": 0, "pop_i": 0}


class Model:
    """The queue as a list, and the register behind near_full_o."""

    def __init__(self, depth: int) -> None:
        self.depth, self.words = depth, deque[int]()
        self.near_full, self.most = False, 0

    def check(self, cycle: int, out: dict[str, int]) -> None:
        """Compare the outputs of a cycle, before its push and pop."""
        same("valid_o", cycle, out["valid_o"], int(bool(self.words)))
        same("near_full_o", cycle, out["near_full_o"], int(self.near_full))
        if self.words:
            same("data_o", cycle, out["data_o"], self.words[0])

    def clock(self, push: int | None, pop: bool) -> None:
        """The rising edge that ends a cycle."""
        self.near_full = len(self.words) >= self.depth - MARGIN
        if pop:
            self.words.popleft()
        if push is not None:
            self.words.append(push)
        self.most = max(self.most, len(self.words))
        assert self.most <= self.depth, "the bench's own producer overran the queue"


@cocotb.test(timeout_time=1, timeout_unit="ms")
@cocotb.parametrize(push=[1.0, 0.6, 0.2], pop=[1.0, 0.5, 0.1, 0.0])
async def keeps_order_and_warns_in_time(dut: Any, push: float, pop: float) -> None:
    depth, width = spec()["depth"], spec()["width"]
    random, model, bench = rng(push, pop), Model(depth), Stepper(dut, OUTPUTS)
    await bench.start(IDLE)
    on_the_way = deque([False] * EMIT_TO_PUSH)
    stalled, pushed, popped = False, 0, 0
    while bench.cycle < CYCLES or any(on_the_way) or model.words:
        emitting = bench.cycle < CYCLES and not stalled and random.random() < push
        on_the_way.append(emitting)
        comes = on_the_way.popleft()
        word = random.getrandbits(width) if comes and (push == 1.0 or random.random() < 0.7) else None
        take = bool(model.words) and random.random() < (pop if bench.cycle < CYCLES else 1.0)
        given = {"we_i": int(comes), "push_i": int(word is not None), "pop_i": int(take)}
        out = await bench.step({**given, "data_i": random.getrandbits(width) if word is None else word})
        model.check(bench.cycle, out)
        model.clock(word, take)
        stalled = bool(out["near_full_o"])
        pushed, popped = pushed + (word is not None), popped + take
    for _ in range(20):
        model.check(bench.cycle + 1, await bench.step(IDLE))
        model.clock(None, False)
    same("words out", bench.cycle, popped, pushed)
    if push == 1.0 and pop == 0.0:
        # A margin larger than needed would waste memory: what was on its way fills the queue to the brim.
        same("most words held", bench.cycle, model.most, depth)
