"""The range-coded decisions of docs/format.md, and what else they code: from that page alone, slow and plain."""

import math
import re
from collections import defaultdict
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

PAGE = (Path(__file__).parents[3] / "docs" / "format.md").read_text()


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

    def bit(self, p: int, known: int | None = None) -> int:
        if known is not None:
            return known
        bound = self.range * p >> 16
        decision = int(self.low < bound)
        self.low -= 0 if decision else bound
        self.range = bound if decision else self.range - bound
        while self.range < 2**24:
            self.range *= 256
            self.low = self.low * 256 + (self.data[self.at] if self.at < len(self.data) else 0)
            self.at += 1
        return decision

    def decide(
        self, kind: str, slots: list[Any], sets: tuple[Any, Any], fixed: tuple[int, ...] = (), known: int | None = None
    ) -> int:
        rate = {"place": 3, "code": 12, "byte": 14}.get(kind, 8)
        states = [self.slots[kind, i, slot] for i, slot in enumerate(slots)]
        confidences = [sum(n >= least for least in (1, 2, 4, 10, 32)) for _, n in states] + [0] * len(fixed)
        inputs = [stretch(s >> 6) for s, _ in states] + list(fixed)
        keys = [[(kind, number, i, c) for i, c in enumerate(confidences)] for number in enumerate(sets)]
        totals = []
        for key_row in keys:
            for key in key_row:
                place = 10000 if key[2] > 2 else 1500 * key[3]
                grows = {"place": place, "code": 2500 * key[3], "byte": 6000 * key[3], "length": 8000 * key[3]}
                self.sets.setdefault(key, grows.get(kind, 2**15))
            total = sum(x * self.sets[key] for x, key in zip(inputs, key_row, strict=True)) >> 16
            totals.append(max(-3071, min(3071, total)))
        d = self.bit(squash(sum(totals) >> 1), known)
        for key_row, total in zip(keys, totals, strict=True):
            for x, key in zip(inputs, key_row, strict=True):
                self.sets[key] += (x * (65536 * d - squash(total)) * rate + 2**17) >> 18
        for state in states:
            s, n = state
            state[:] = s + (((d << 22) - d - s) * (131072 // (2 * n + 3)) >> 16), min(n + 1, 1023)
        return d


def primer() -> bytes:
    lines = PAGE.partition("The primer:\n\n")[2].partition("\n\n")[0]
    return bytes.fromhex(re.sub(r"\s", "", lines))


@cache
def primed() -> Decisions:
    bits = Decisions(b"")
    read_bytes(bits, bytearray(), list(primer()))
    return bits


def coded_bytes(data: bytes, size: int) -> bytes:
    bits, content = Decisions(data), bytearray(primer())
    bits.slots, bits.sets = deepcopy(primed().slots), dict(primed().sets)
    read_bytes(bits, content, [None] * size)
    assert bits.at >= len(data)
    return bytes(content[-size:])


def read_bytes(bits: Decisions, content: bytearray, steps: list[int] | list[None]) -> None:
    """Appends a byte for each step: that one, or if it is None the next."""
    for at, known in enumerate(steps, len(content)):
        contexts = []
        for k, order in enumerate((0, 1, 2, 3, 5)):
            h = order
            for back in range(1, order + 1):
                h = (h * 0x2F0B4C47 + (content[at - back] if at >= back else 0) + 1) % 2**32
            contexts.append((k, h * 0x1E3779B1 % 2**32 >> 22))
        node = 1
        for place in range(7, -1, -1):
            slots = [(context, node) for context in contexts]
            fourth, fifth = (min(2, bits.slots["byte", i, slots[i]][1]) for i in (3, 4))
            bit = None if known is None else known >> place & 1
            node = 2 * node + bits.decide("byte", slots, (3 * fifth + fourth, place), known=bit)
        content.append(node & 255)


def coded_integers(data: bytes, count: int) -> list[int]:
    bits, values, a, b, sign = Decisions(data), [], 0, 0, 0
    for _ in range(count):
        n = 0
        while n < 62:
            slots = [n, (b, n), (min(15, b >> 1), min(15, a >> 1), n)]
            if bits.decide("length", slots, (0, 1)):
                break
            n += 1
        a, b, v = b, n, 0
        if n:
            negative = bits.decide("digit", [("sign", sign)], (0, 1))
            sign, v = 1 + negative, 1
            for _ in range(n - 1):
                v = 2 * v + (bits.decide("digit", [(n, v)], (0, 1)) if v < 8 else bits.bit(2**15))
            v = -v if negative else v
        values.append(v)
    assert bits.at >= len(data)
    return values
