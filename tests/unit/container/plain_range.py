"""The matrices of docs/format.md and docs/range-coding.md, read from those pages alone: slow and plain."""

from __future__ import annotations

import plain_reader as plain
from plain_decisions import Decisions, stretch


def level(v: int) -> int:
    k = max(0, v.bit_length() - 2)
    return v if v < 4 else 2 * k + (v >> k)


def any_matrix(
    data: plain.Bytes, rows: int, columns: int, codebook: list[int], size: tuple[int, int]
) -> list[list[int]]:
    """The rest of `data`, by either coder."""
    kind = data.byte()
    if kind >= 32:
        top = data.uint()
        if kind & 1:
            size = data.uint(), data.uint()
        rest = data.take(len(data.data) - data.at)
        return matrix(rest, rows, columns, codebook, top, size)
    flat = [0] * rows * columns
    at = -1
    for run, code in plain.entries(data, data.uint()):
        at += run + 1
        flat[at] = code
    return [[flat[c * rows + r] if kind >= 16 else flat[r * columns + c] for c in range(columns)] for r in range(rows)]


def matrix(
    data: bytes, rows: int, columns: int, codebook: list[int], top: int, size: tuple[int, int]
) -> list[list[int]]:
    height, width = size
    lines = [[0] * columns for _ in range(rows)]
    if not top:
        return lines
    bits = Decisions(data)
    signed = {s: [c for c in range(1, top + 1) if (codebook[c] < 0) == s] for s in (False, True)}
    for codes in signed.values():
        codes.sort(key=lambda c: (codebook[c] == 0, abs(codebook[c]), c))
    depth = (max(len(codes) for codes in signed.values()) - 1).bit_length()
    mean = max(1, sum(abs(v) for v in codebook[1 : top + 1]))
    value = [0] + [(-1 if v < 0 else 1) * (abs(v) * 128 * top // mean) for v in codebook[1 : top + 1]]
    n = [0] * columns
    e = 0
    for line in lines:
        e_before, e = e, 0
        while not bits.decide("size", [e, (e, e_before)], (0, 1)):
            e += 1
        v = 1
        for _ in range(e):
            v = 2 * v + bits.decide("tail", [(e, min(v, 255))], (0, 1))
        k, total = v - 1, sum(n)
        if not k:
            continue
        own = [256 * n[j] + 288 * total // columns + 9 for j in range(columns)]
        near = list(own)
        for j in range(columns):
            for dy, dx, i in around(j, height, width, 1, 1):
                near[j] += 18 * n[i] * (1 if dx and dy else 2)
        row_codes(bits, line, k, (own, near), n, size, value, signed, depth)
        n = [count + (code > 0) for count, code in zip(n, line, strict=True)]
    assert bits.at >= len(data)
    assert not data or data[-1]
    return lines


def around(j: int, height: int, width: int, away: int, after: int) -> list[tuple[int, int, int]]:
    """(dy, dx, column) of the places of j's channel at most so far away; in y, at most `after` behind j."""
    y, x = j % (height * width) // width, j % width
    spans = range(max(-away, -y), min(after, height - 1 - y) + 1), range(max(-away, -x), min(away, width - 1 - x) + 1)
    return [(dy, dx, j + dy * width + dx) for dy in spans[0] for dx in spans[1]]


def row_codes(
    bits: Decisions,
    line: list[int],
    k: int,
    rates: tuple[list[int], ...],
    n: list[int],
    size: tuple[int, int],
    value: list[int],
    signed: dict[bool, list[int]],
    depth: int,
) -> None:
    height, width = size
    area, coded = height * width, []
    for j in range(len(line)):
        if not k:
            return
        felt = [
            (36 // (dy * dy + dx * dx), value[line[i]])
            for dy, dx, i in around(j, height, width, 3, 0)
            if i < j and line[i]
        ]
        weight = sum(part for part, _ in felt)
        fixed = tuple(stretch(max(1, min(65000, 65536 * k * f[j] // sum(f[j:])))) for f in rates)
        likely = stretch(65000)
        if k < len(line) - j:
            likely = fixed[1]
            steps = {(0, -1): 1, (-1, 0): 2, (-1, -1): 4, (-1, 1): 8, (0, -2): 16, (-2, 0): 32}
            near = {(dy, dx): i for dy, dx, i in around(j, height, width, 2, 0)}
            pattern = sum(bit for step, bit in steps.items() if step in near and line[near[step]])
            o, c = min(15, level(n[j])), min(15, level(weight >> 3))
            in_channel = sum(code > 0 for code in line[j - j % area : j])
            slots = [
                ((likely + 3072) // 192, pattern),
                ((fixed[0] + 3072) // 192, o),
                (min(15, level(in_channel)), c),
            ]
            if not bits.decide("place", slots, (c, o), fixed):
                continue
        k -= 1
        pull, heft = sum(part * v for part, v in felt), sum(part * abs(v) for part, v in felt)
        g = min(7, level(abs(pull) >> 7)) * (-1 if pull < 0 else 1)
        average = min(15, level(heft // weight >> 3)) if weight else 0
        last, h = 0, 15
        if coded:
            sign, rank = coded[-1][1:]
            last = 1 + 32 * sign + min(30, rank >> max(0, depth - 5))
            h = min(14, level(sum(abs(value[code]) for code, _, _ in coded) // len(coded) >> 2))
        node = 1
        for _ in range(depth + 1):
            slots = [node, (node, g), (node, (likely + 3072) // 96), (node, average), (node, last), (node, h)]
            node = 2 * node + bits.decide("code", slots, (node, g))
        sign, rank = (node >> depth) - 2, node & ((1 << depth) - 1)
        line[j] = signed[bool(sign)][rank]
        coded.append((line[j], sign, rank))
