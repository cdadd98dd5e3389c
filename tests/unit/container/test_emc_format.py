"""docs/format.md is what the code writes."""

import re
from typing import Any

import numpy as np
import plain_range
import plain_reader as plain
import pytest
from emc_models import quantised, random_layer, same
from plain_decisions import PAGE, primer

from emcc.container import decode, encode
from emcc.container.text import PRIMER
from emcc.ir.graph import Graph


def test_the_example_is_right() -> None:
    file, _, fields = PAGE.partition("## Example")[2].partition("The fields are")
    data, expected = (
        bytes.fromhex("".join(re.findall(r"^    ((?:[0-9a-f]{2} {1,2})+)", dump, re.MULTILINE)).replace(" ", ""))
        for dump in (file, fields.partition("Range coded")[0])
    )
    layer = {
        "codes": np.array([[0, 1, 0], [3, 0, 0]], np.uint8),
        "codebook": np.array([0, -100, 0, 250]),
        "code_w": 2,
        "bias": np.array([1048576, -786432]),
    }
    graph = quantised([layer])
    assert encode(graph, coding="huffman") == data
    assert same(decode(data), graph)
    assert plain.header(plain.Bytes(data), b"\2")[0].data == expected
    [matrix] = re.findall(r"Range coded, the same matrix is `(.*)`", PAGE)
    assert encode(graph, coding="range").endswith(data[-10:-6] + bytes.fromhex(matrix))


def test_the_primer_is_right() -> None:
    assert primer() == PRIMER


def graphs() -> dict[str, Graph]:
    rng = np.random.default_rng(0)
    ramp = {"coarse": np.arange(-128, 128) ** 2, "fine": np.array([0]), "lo_bits": 0, "hi_bits": 0}
    split = {"coarse": np.rint(np.tanh(np.linspace(-4, 4, 512)) * 32767).astype(np.int64), "fine": np.arange(32)}
    split |= {"lo_bits": 3, "hi_bits": 2}
    wild = {"bias": rng.integers(-(2**62), 2**62, 8), "codebook": rng.integers(-32768, 32768, 256)}
    layers = [random_layer(rng, 9, 7, 0.3), random_layer(rng, 8, 9, 0.6, 8) | wild]
    layers += [random_layer(rng, 5, 8, 0, 1) | ramp, random_layer(rng, 90, 5, 0.5, 2) | split]
    host = (("Softmax", {"axis": -1, "odd": (None, True, [2.5, b"\0\xff", "é"])}), ("ArgMax", {}))
    kernels = [random_layer(rng, 6, 2 * 4 * 5, 0.4), random_layer(rng, 20, 6, 1.0), random_layer(rng, 8, 20, 0.3, 8)]
    return {
        "image": quantised([random_layer(rng, 20, 64, 0.1), random_layer(rng, 10, 20, 0.3)], (1, 8, 8)),
        "mixed": quantised(layers, host=host),
        "convolved": quantised(kernels, (2, 4, 5)),
    }


@pytest.mark.parametrize("coding", ["huffman", "range", "auto"])
@pytest.mark.parametrize("name", ["image", "mixed", "convolved"])
def test_a_reader_made_from_the_page_reads_the_same(name: str, coding: str) -> None:
    graph = graphs()[name]
    decoded = read(encode(graph, coding=coding))
    assert decoded.pop("name") == graph.name
    assert decoded.pop("host") == list(graph.host)
    for node, layer in zip(graph.nodes, decoded.pop("layers"), strict=True):
        codes, codebook, bias, *tables = (graph.constants[name].tolist() for name in node.inputs[1:])
        assert layer == (node.name, node.attrs["weight_frac"], node.attrs["z_frac"], codes, codebook, bias, tables)
    assert not decoded


def read(content: bytes) -> dict[str, Any]:
    """Names, fractions and numbers of a file whose layers have no fields of their own."""
    file = plain.Bytes(content)
    data, directory = plain.header(file, b"\2")
    decoded: dict[str, Any] = {"name": data.text()}
    n_layers, n_tables = data.uint(), data.uint()
    data.take(2 * n_tables)
    data.text()
    columns, image = tensor(data, 0)
    heads = []
    for _ in range(n_layers):
        flags, rows, weight_frac, z_frac = data.uint(), data.uint(), data.sint(), data.sint()
        name = data.text()
        table = data.uint() if flags % 4 == 2 else None
        assert flags < 32
        data.text()
        assert tensor(data, rows) == (rows, None)
        heads.append((name, rows, columns, weight_frac, z_frac, table, 1 << (flags >> 2 & 3)))
        columns = rows
    decoded["host"] = [(data.text(), plain.attributes(data)) for _ in range(data.uint())]
    names = [f"layer {i + 1}" for i in range(n_layers)]
    assert data.at == len(data.data)
    sections = plain.contents(file, ["tables"] * (n_tables > 0) + names, directory)
    tables = [[plain.integers(sections["tables"], sections["tables"].uint()) for _ in "cf"] for _ in range(n_tables)]
    decoded["layers"], before = [], None
    for i, (name, rows, columns, weight_frac, z_frac, table, code_w) in enumerate(heads, 1):
        size = image if i == 1 and image else (1, 1)
        lines, book, bias = numbers(sections[f"layer {i}"], rows, columns, code_w, size, before)
        before = [sum(code > 0 for code in line) for line in lines]
        decoded["layers"].append((name, weight_frac, z_frac, lines, book, bias, [] if table is None else tables[table]))
    assert all(section.at == len(section.data) for section in sections.values())
    return decoded


def tensor(data: plain.Bytes, elements: int) -> tuple[int, tuple[int, int] | None]:
    """The elements of a tensor, and the height and width of an image."""
    flags, image = data.byte(), None
    if flags & 1:
        shape = [data.uint() for _ in range(data.uint())]
        elements = int(np.prod(shape))
        image = (shape[1], shape[2]) if len(shape) == 3 else None
    if flags & 8:
        data.sint()
    assert flags & ~9 == 0
    return elements, image


def numbers(
    data: plain.Bytes, rows: int, columns: int, code_w: int, size: tuple[int, int], before: list[int] | None
) -> tuple[Any, ...]:
    mark = data.uint()
    book = (plain.integers(data, 1) if mark % 2 else [0]) + plain.integers(data, mark // 2)
    book += [0] * ((1 << code_w) - len(book))
    bias = plain.integers(data, rows)
    return plain_range.any_matrix(data, rows, columns, book, size, before), book, bias
