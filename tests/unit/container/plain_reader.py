"""A second reader of model.emc, from docs/format.md alone and with nothing of emcc.container: slow and plain."""

import zlib
from fractions import Fraction
from math import prod
from typing import Any

import msgpack
import numpy as np
import plain_range

DTYPES = ["float32", "float64", "int64", "int32", "int16", "int8", "uint8", "bool"]


class Bytes:
    """A place in some bytes, and in their bits."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

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
    if width < 255:
        least = data.sint()
        values = data.bits(lambda bits: [least + number(bits, width) for _ in range(count - order)])
    else:
        sizes = row(data, count - order)
        folded = data.bits(lambda bits: [n and 1 << n - 1 | number(bits, n - 1) for n in sizes])
        values = [-(v + 1) // 2 if v % 2 else v // 2 for v in folded]
    for seed in reversed(seeds):
        total, sums = seed, [seed]
        for step in values:
            total += step
            sums.append(total)
        values = sums
    return [((v << zeros) + 2**63) % 2**64 - 2**63 for v in values]


def row(data: Bytes, count: int) -> list[int]:
    """So many small numbers."""
    matrix = Bytes(data.take(data.uint()))
    [line] = plain_range.any_matrix(matrix, 1, count, [], (1, 1))
    assert matrix.at == len(matrix.data)
    return line


def reals(data: Bytes, count: int, dtype: str) -> list[float]:
    kind = data.byte()
    if kind == 0:
        own = np.dtype(dtype)
        return [float(v) for v in np.frombuffer(data.take(count * own.itemsize), own)]
    if kind == 1:
        exponents = row(data, count)
        rest = [int.from_bytes(data.take(3), "big") for _ in range(count)]
        bits = [r >> 23 << 31 | e << 23 | r & 0x7FFFFF for e, r in zip(exponents, rest, strict=True)]
        return [float(v) for v in np.array(bits, np.uint32).view(np.float32)]
    frac = data.sint()
    return [float(Fraction(v) / Fraction(2) ** frac) for v in integers(data, count)]


def checked(name: str, content: bytes, checksum: bytes) -> bytes:
    assert zlib.crc32(name.encode() + content) == int.from_bytes(checksum, "little"), name
    return content


def read(content: bytes, words: list[str]) -> dict[str, Any]:
    """All that a file says; layers as (codebook or None, codes), arrays as (dtype, shape, values)."""
    data = Bytes(content)
    assert data.take(4) in (b"EMC\5", b"EMC\6")
    end = data.uint()
    end += data.at
    directory = [(data.uint(), data.take(4)) for _ in range(data.uint())]
    fields = msgpack.unpackb(data.take(end - data.at), unicode_errors="surrogatepass", use_list=False)
    checked("header", content[:end], data.take(4))
    head = graph(fields, words)
    kinds = [kind for _, kind, *_ in head["constants"]]
    names = ["constants"] * any(kind < 8 for kind in kinds)
    names += ["scales"] * bool(head["scaled"])
    names += [f"layer {i + 1}" for i in range(sum(kind >= 8 for kind in kinds))]
    sections = {}
    for name, (size, checksum) in zip(names, directory, strict=True):
        sections[name] = Bytes(checked(name, data.take(size), checksum))
    assert data.at == len(content)
    arrays: dict[str, Any] = {}
    for name, kind, shape, _ in head["constants"]:
        if kind < 8:
            dtype, count = DTYPES[kind], prod(shape)
            part = sections["constants"]
            values = reals(part, count, dtype) if dtype.startswith("float") else integers(part, count)
            arrays[name] = dtype, shape, values
    scales = {
        name: [reals(sections["scales"], count, "float64") for count in counts] for name, *counts, _ in head["scaled"]
    }
    layers: dict[str, Any] = {}
    for name, kind, shape, book in head["constants"]:
        if kind == 13:
            assert content[3] == 6
            part = sections[f"layer {len(layers) + 1}"]
            block, entries, books = book
            flat = reals(part, block * entries * books, "float32")
            width = next(w for w in (1, 2, 4, 8) if entries <= 2**w)
            codes = plain_range.any_matrix(part, shape[0], prod(shape[1:]) // block, list(range(1 << width)), (1, 1))
            at = [[(j % books * entries + code) * block for j, code in enumerate(line)] for line in codes]
            layers[name] = flat, [[n for first in line for n in flat[first : first + block]] for line in at]
        elif kind >= 8:
            part = sections[f"layer {len(layers) + 1}"]
            width, size = 1 << kind - 8, shape[2:] if len(shape) == 4 else (1, 1)
            values = None if book else own_book(part)
            if book == name or values == []:
                numbers = [n - (n >= 1 << width - 1 and 1 << width) for n in range(1 << width)]
            else:
                numbers = arrays[book][2] if values is None else shares(values)
                numbers = (numbers + [0] * 256)[: 1 << width]
            if width == 16:
                matrix = wide(part, shape[0], prod(shape[1:]), size)
            else:
                matrix = plain_range.any_matrix(part, shape[0], prod(shape[1:]), numbers, size)
            if book == name:
                matrix = [[n if width == 16 else numbers[n] for n in line] for line in matrix]
            layers[name] = values, matrix
    assert all(section.at == len(section.data) for section in sections.values())
    norms = {name: norm for name, *_, norm in head["scaled"] if norm}
    return {**head, "arrays": arrays, "scales": scales, "norms": norms, "layers": layers}


def own_book(part: Bytes) -> list[float]:
    """The entries, none where the code is the weight; behind a 0, with scales, which are left out here."""
    count = part.uint()
    if count:
        return reals(part, count, "float64")
    count = part.uint()
    values = reals(part, count, "float64") if count else []
    if scales := part.uint():
        reals(part, scales, "float64")
    return values


def wide(part: Bytes, rows: int, columns: int, size: tuple[int, int]) -> list[list[int]]:
    """Weights of 16 bits: classes, then the bits below the highest of each."""
    matrix = Bytes(part.take(part.uint()))
    classes = plain_range.any_matrix(matrix, rows, columns, list(range(256)), size)
    assert matrix.at == len(matrix.data)
    flat = [n for line in classes for n in line]
    folded = part.bits(lambda bits: [n and 1 << n - 1 | number(bits, n - 1) for n in flat])
    values = [-(v + 1) // 2 if v % 2 else v // 2 for v in folded]
    return [values[at : at + columns] for at in range(0, len(values), columns)]


def shares(values: list[float]) -> list[int]:
    exact = [Fraction(v) for v in values]
    top = max(map(abs, exact)) or 1
    return [int(v * 32767 / top) for v in exact]


def graph(fields: Any, words: list[str]) -> dict[str, Any]:
    texts, tensor_rows, constant_rows, inputs, outputs, kinds, node_rows, host, scaled = fields
    model, rest = texts[0], list(texts[1:])
    tensors, last = {}, ((), None, 16, 0)
    for name, own in zip(rest, tensor_rows, strict=False):
        last = (*own, *last[len(own) :])
        shape, frac, width, dtype = last
        tensors[name] = shape, DTYPES[dtype], None if frac is None else (width, frac)
    node_names = rest[len(tensors) : len(tensors) + len(node_rows)]
    words = [*words, *rest[len(tensors) + len(node_rows) :]]
    first, links = len(tensors) + 1, []
    latest, constant = 1, first - 1
    for own in node_rows:
        count = own[1]
        if isinstance(count, int):
            takes, gives, values = [latest, *range(constant + 1, constant + count)], [latest + 1], own[2:]
        else:
            takes, gives, values = list(own[1]), list(own[2]), own[3:]
        constant = max([constant, *takes])
        latest = max([latest, *gives])
        links.append((takes, gives, dict(zip([words[at] for at in kinds[own[0]][1:]], values, strict=True)), own[0]))
    constants, height = [], 0
    for at, (label, kind, *more) in enumerate(constant_rows):
        user = next((n for n, link in zip(node_names, links, strict=True) if first + at in link[0]), "")
        name = f"{user}.{words[label]}" if isinstance(label, int) else user[: label[0]] + label[1]
        shape = more[0] if more else (height,)
        height = shape[0] if kind >= 8 else height
        last = more[1] if len(more) > 1 else None
        constants.append([name, kind, shape, last + at if isinstance(last, int) else last])
    names = ["", *tensors, *(name for name, *_ in constants)]
    for own in constants:
        own[3] = constants[own[3]][0] if isinstance(own[3], int) else own[3] or False
    nodes = [
        (name, words[kinds[kind][0]], tuple(names[n] for n in takes), tuple(names[n] for n in gives), attrs)
        for name, (takes, gives, attrs, kind) in zip(node_names, links, strict=True)
    ]
    tail = [(words[kinds[k][0]], dict(zip([words[w] for w in kinds[k][1:]], v, strict=True))) for k, *v in host]
    ends = [tuple(names[n] for n in numbers) for numbers in (inputs, outputs)]
    scaled = [(names[n], scales, offsets, *(norm or [""])) for n, scales, offsets, *norm in scaled]
    parts = {"tensors": tensors, "constants": constants, "nodes": nodes, "host": tail, "scaled": scaled}
    return {"name": model, "ends": ends, **parts}
