"""docs/format.md is what the code writes: graphs that are not quantised."""

from fractions import Fraction
from math import prod
from typing import Any

import numpy as np
import plain_range
import plain_reader as plain
import pytest
from test_emc_shared import convolutions

from emcc.container import encode

DTYPES = ["float32", "float64", "int64", "int32", "int16", "int8", "uint8", "bool"]


@pytest.mark.parametrize("coding", ["huffman", "range"])
def test_a_reader_made_from_the_page_reads_the_same(coding: str) -> None:
    graph = convolutions()
    decoded = read(encode(graph, coding=coding))
    assert decoded["names"] == (graph.name, list(graph.inputs), list(graph.outputs))
    assert decoded["tensors"] == {
        t.name: (t.shape, t.dtype, t.fmt and (t.fmt.width, t.fmt.frac_bits)) for t in graph.tensors.values()
    }
    assert decoded["nodes"] == [(n.name, n.op, list(n.inputs), list(n.outputs), n.attrs) for n in graph.nodes]
    assert decoded["host"] == list(graph.host)
    for name, (values, codes) in decoded["layers"].items():
        assert values == graph.codebooks[name].values.tolist()
        assert np.array_equal(np.reshape(codes, graph.codebooks[name].codes.shape), graph.codebooks[name].codes)
    arrays = {name: value for name, value in graph.constants.items() if name not in graph.codebooks}
    assert decoded["arrays"] == {name: (str(v.dtype), v.shape, v.ravel().tolist()) for name, v in arrays.items()}


def read(content: bytes) -> dict[str, Any]:
    file = plain.Bytes(content)
    data, directory = plain.header(file, b"\x82")
    model, tensors, last = data.text(), {}, ((), "float32")
    for _ in range(data.uint()):
        name, flags = data.text(), data.byte()
        shape = tuple(d - 1 if d else None for d in dims(data)) if flags & 1 else last[0]
        last = shape, data.text() if flags & 2 else last[1]
        tensors[name] = (*last, (data.uint(), data.sint()) if flags & 4 else None)
    constants: list[tuple[str, int, list[int]]] = []
    rows = 0
    for _ in range(data.uint()):
        name, kind = data.text(), data.byte()
        constants.append((name, kind, [rows] if kind & 16 else dims(data)))
        rows = constants[-1][2][0] if kind & 1 else rows
    numbered = ["", *tensors, *(name for name, _, _ in constants)]
    inputs, outputs = names(data, numbered), names(data, numbered)
    nodes = read_nodes(data, numbered, len(tensors))
    host = [(data.text(), plain.attributes(data)) for _ in range(data.uint())]
    layers, others = ([c for c in constants if c[1] & 1 == bit] for bit in (1, 0))
    sections = ["constants"] * (len(others) > 0) + [f"layer {i + 1}" for i in range(len(layers))]
    assert data.at == len(data.data)
    contents = plain.contents(file, sections, directory)
    arrays = {name: array(contents["constants"], DTYPES[kind >> 1 & 7], shape) for name, kind, shape in others}
    books, before = {}, None
    for i, (name, kind, shape) in enumerate(layers, 1):
        books[name] = layer(contents[f"layer {i}"], shape, 1 << (kind >> 1 & 3), before)
        before = [sum(code > 0 for code in line) for line in books[name][1]]
    assert all(section.at == len(section.data) for section in contents.values())
    return {
        "names": (model, inputs, outputs),
        "tensors": tensors,
        "nodes": nodes,
        "host": host,
        "layers": books,
        "arrays": arrays,
    }


def dims(data: plain.Bytes) -> list[int]:
    return [data.uint() for _ in range(data.uint())]


def names(data: plain.Bytes, numbered: list[str]) -> list[str]:
    return [numbered[number] for number in dims(data)]


def read_nodes(data: plain.Bytes, numbered: list[str], tensors: int) -> list[Any]:
    nodes, latest, constant = [], 1, tensors
    for _ in range(data.uint()):
        name, op, count = data.text(), data.text(), data.uint()
        if count:
            inputs = [numbered[latest], *numbered[constant + 1 : constant + count]]
            outputs = [numbered[latest + 1]]
        else:
            inputs, outputs = names(data, numbered), names(data, numbered)
        constant = max(constant, *map(numbered.index, inputs))
        latest = numbered.index(outputs[-1])
        nodes.append((name, op, inputs, outputs, plain.attributes(data)))
    return nodes


def array(data: plain.Bytes, dtype: str, shape: list[int]) -> tuple[str, tuple[int, ...], list[Any]]:
    count = prod(shape)
    values = reals(data, count, dtype) if dtype.startswith("float") else plain.integers(data, count)
    return dtype, tuple(shape), values


def reals(data: plain.Bytes, count: int, dtype: str) -> list[float]:
    kind = data.byte()
    if kind >= 2:
        frac = data.sint()
        values = [float(Fraction(v) / Fraction(2) ** frac) for v in plain.integers(data, count)]
        signs = plain.integers(data, values.count(0.0))[::-1] if kind == 3 else []
        return [-0.0 if not v and signs and signs.pop() else v for v in values]
    own = np.dtype("float32" if kind == 1 else dtype)
    return [float(v) for v in np.frombuffer(data.take(count * own.itemsize), own)]


def layer(data: plain.Bytes, shape: list[int], code_w: int, before: list[int] | None) -> tuple[list[float], list[Any]]:
    values = reals(data, data.uint(), "float64")
    exact = [Fraction(v) for v in values]
    top = max(map(abs, exact)) or 1
    book = [int(v * 32767 / top) for v in exact] + [0] * ((1 << code_w) - len(exact))
    size = (shape[2], shape[3]) if len(shape) == 4 else (1, 1)
    return values, plain_range.any_matrix(data, shape[0], prod(shape[1:]), book, size, before)
