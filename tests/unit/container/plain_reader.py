"""A second reader of model.emc, from docs/format.md alone and with nothing of emcc.container: slow and plain."""

import struct
import zlib
from typing import Any

from plain_decisions import coded_bytes, coded_integers


class Bytes:
    """A place in some bytes, and in their bits."""

    def __init__(self, data: bytes, texts: list[str] | None = None) -> None:
        self.data, self.at, self.texts = data, 0, texts or []

    def take(self, n: int) -> bytes:
        self.at += n
        return self.data[self.at - n : self.at]

    def byte(self) -> int:
        return self.take(1)[0]

    def uint(self) -> int:
        low = self.byte()
        return low if low < 128 else low - 128 + 128 * self.uint()

    def sint(self) -> int:
        v = self.uint()
        return -(v + 1) // 2 if v % 2 else v // 2

    def text(self) -> str:
        return self.texts.pop(0)

    def bits(self, count_then_rest: Any) -> Any:
        """Runs a function of an iterator of bits; goes on after the last byte that it used."""
        used = [0]

        def stream() -> Any:
            for octet in self.data[self.at :]:
                for place in range(7, -1, -1):
                    used[0] += 1
                    yield octet >> place & 1

        result = count_then_rest(stream())
        self.at += (used[0] + 7) // 8
        return result


def number(bits: Any, n: int) -> int:
    return int("".join(str(next(bits)) for _ in range(n)) or "0", 2)


def gamma(bits: Any) -> int:
    n = 0
    while not next(bits):
        n += 1
    return (1 << n | number(bits, n)) - 1


def table(bits: Any) -> dict[str, int] | int:
    """{codeword: symbol}, or the lone symbol (-1: none)."""
    if next(bits):
        return gamma(bits) - 1
    lengths: dict[int, int] = {}
    symbol, length = 0, 4
    while sum(2.0**-n for n in lengths.values()) < 1:
        if not next(bits):
            if next(bits):
                length += -1 if next(bits) else 1
            elif next(bits):
                symbol += gamma(bits) + 1
                continue
            else:
                length = number(bits, 4)
        lengths[symbol] = length
        symbol += 1
    words, counter, before = {}, 0, 0
    for symbol in sorted(lengths, key=lambda s: (lengths[s], s)):
        counter <<= lengths[symbol] - before
        before = lengths[symbol]
        words[f"{counter:0{before}b}"] = symbol
        counter += 1
    return words


def symbol(words: dict[str, int] | int, bits: Any) -> int:
    if isinstance(words, int):
        return words
    word = ""
    while word not in words:
        word += str(next(bits))
    return words[word]


def coded(data: Bytes, count: int) -> list[int]:
    words = data.bits(table)
    return list(data.bits(lambda bits: [symbol(words, bits) for _ in range(count)]))


def entries(data: Bytes, count: int) -> list[tuple[int, int]]:
    """(run, code) of each."""
    codes = data.bits(table)
    runs = data.bits(table)
    return list(data.bits(lambda bits: [(symbol(runs, bits), symbol(codes, bits)) for _ in range(count)]))


def integers(data: Bytes, count: int) -> list[int]:
    if not count:
        return []
    head = data.byte()
    order, zeros = head // 64, head % 64
    seeds = [data.sint() for _ in range(order)]
    width = data.byte()
    if width == 254:
        values = coded_integers(data.take(data.uint()), count - order)
    elif width < 254:
        least = data.sint()
        values = data.bits(lambda bits: [least + number(bits, width) for _ in range(count - order)])
    else:
        sizes = coded(data, count - order)
        folded = data.bits(lambda bits: [n and 1 << n - 1 | number(bits, n - 1) for n in sizes])
        values = [-(v + 1) // 2 if v % 2 else v // 2 for v in folded]
    for seed in reversed(seeds):
        total, sums = seed, [seed]
        for step in values:
            total += step
            sums.append(total)
        values = sums
    return [((v << zeros) + 2**63) % 2**64 - 2**63 for v in values]


def attributes(data: Bytes) -> dict[str, Any]:
    return {data.text(): value(data) for _ in range(data.uint())}


def value(data: Bytes) -> Any:
    kind = data.byte()
    if kind < 3:
        return [None, False, True][kind]
    if kind == 9:
        return tuple(data.sint() for _ in range(data.uint()))
    if kind > 6:
        return [list, tuple][kind == 7](value(data) for _ in range(data.uint()))
    readers = [data.sint, lambda: struct.unpack("<d", data.take(8))[0], data.text, lambda: data.take(data.uint())]
    return readers[kind - 3]()


def header(data: Bytes, version: bytes) -> tuple[Bytes, list[tuple[int, bytes]]]:
    """(the fields, with their texts; size and checksum of each section)."""
    content, data.at = data.data, 0
    assert data.take(4) == b"EMC" + version
    end = data.uint()
    end += data.at
    directory = [(data.uint(), data.take(4)) for _ in range(data.uint())]
    size = data.uint()
    fields = Bytes(coded_bytes(data.take(end - data.at), size))
    fields.texts = [fields.take(fields.uint()).decode() for _ in range(fields.uint())]
    checked("header", content[:end], data.take(4))
    return fields, directory


def contents(data: Bytes, names: list[str], directory: list[tuple[int, bytes]]) -> dict[str, Bytes]:
    """The sections."""
    rows = zip(names, directory, strict=True)
    sections = {name: Bytes(checked(name, data.take(size), checksum)) for name, (size, checksum) in rows}
    assert data.at == len(data.data)
    return sections


def checked(name: str, content: bytes, checksum: bytes) -> bytes:
    assert zlib.crc32(name.encode() + content) == int.from_bytes(checksum, "little"), name
    return content
