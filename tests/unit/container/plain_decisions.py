"""The decisions of docs/range-coding.md, from that page alone: slow and plain."""

import math
from collections import defaultdict
from functools import cache
from typing import Any


@cache
def stretch(p: int) -> int:
    p = max(p, 1)
    return max(-3071, min(3071, round(256 * math.log(p / (65536 - p)))))


@cache
def squash(t: int) -> int:
    return max(1, min(65535, round(65536 / (1 + math.exp(-t / 256)))))


def fresh() -> list[int]:
    return [2**21, 0]


class Decisions:
    """The decisions in some bytes."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 4
        self.low, self.range = int.from_bytes(data[:4].ljust(4, b"\0"), "big"), 2**32 - 1
        self.slots: dict[Any, list[int]] = defaultdict(fresh)
        self.sets: dict[Any, int] = {}

    def bit(self, p: int) -> int:
        bound = self.range * p >> 16
        decision = int(self.low < bound)
        self.low -= 0 if decision else bound
        self.range = bound if decision else self.range - bound
        while self.range < 2**24:
            self.range *= 256
            self.low = self.low * 256 + (self.data[self.at] if self.at < len(self.data) else 0)
            self.at += 1
        return decision

    def decide(self, kind: str, slots: list[Any], sets: tuple[Any, Any], fixed: tuple[int, ...] = ()) -> int:
        rate = {"place": 3, "code": 12}.get(kind, 8)
        states = [self.slots[kind, i, slot] for i, slot in enumerate(slots)]
        confidences = [sum(n >= least for least in (1, 2, 4, 10, 32)) for _, n in states] + [0] * len(fixed)
        inputs = [stretch(s >> 6) for s, _ in states] + list(fixed)
        keys = [[(kind, number, i, c) for i, c in enumerate(confidences)] for number in enumerate(sets)]
        totals = []
        for key_row in keys:
            for key in key_row:
                place = 10000 if key[2] > 2 else 1500 * key[3]
                grows = {"place": place, "code": 2500 * key[3]}
                self.sets.setdefault(key, grows.get(kind, 2**15))
            total = sum(x * self.sets[key] for x, key in zip(inputs, key_row, strict=True)) >> 16
            totals.append(max(-3071, min(3071, total)))
        d = self.bit(squash(sum(totals) >> 1))
        for key_row, total in zip(keys, totals, strict=True):
            for x, key in zip(inputs, key_row, strict=True):
                self.sets[key] += (x * (65536 * d - squash(total)) * rate + 2**17) >> 18
        for state in states:
            s, n = state
            state[:] = s + (((d << 22) - d - s) * (131072 // (2 * n + 3)) >> 16), min(n + 1, 1023)
        return d
