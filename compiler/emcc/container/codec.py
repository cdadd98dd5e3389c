"""Graph after Quantise <-> the bytes of a model.emc. docs/format.md is the specification."""

import os
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np

from emcc.container import ints, layers
from emcc.container.bits import FormatError
from emcc.container.budget import Budget
from emcc.container.file import frame, reading, unframe
from emcc.container.layers import CODINGS, Layer, is_16_bit
from emcc.container.skeleton import LayerHead, Skeleton, skeleton_of
from emcc.container.varint import read_uint, uint
from emcc.errors import EmccError
from emcc.ir.graph import Array, Graph

_WIDEST_TABLE = 1 << 16


def encode(graph: Graph, *, coding: str = "auto") -> bytes:
    """The file. The graph is as the quantise pass leaves it, or ValueError.

    coding: "huffman", which hardware can read; "range", usually smaller and ten times slower; "auto", the smaller of
    both, layer by layer, and "huffman" for large layers (`layers.AUTO_LIMIT`).
    """
    if coding not in CODINGS:
        raise ValueError(f"no coding {coding!r}")
    heads: list[tuple[int, int]] = []
    tables: dict[bytes, int] = {}
    table_of = []
    for node in graph.nodes:
        if node.op != "QLinear":
            raise ValueError(f"node {node.name!r} is a {node.op}: only a quantised graph can be encoded")
        table_of.append(-1)
        if node.attrs["function"] == "table":
            shape = (int(node.attrs["lo_bits"]), int(node.attrs["hi_bits"]))
            table = bytes(shape) + _write_table(*(_constant(graph, name, np.int64) for name in node.inputs[4:6]))
            if table not in tables:
                heads.append(shape)
            table_of[-1] = tables.setdefault(table, len(tables))
    head = skeleton_of(graph, heads, table_of)
    used = {name for node in graph.nodes for name in node.inputs[1:]}
    if used != set(graph.constants) or graph.codebooks:
        raise ValueError("the graph has constants that no QLinear uses")
    sections = [b"".join(table[2:] for table in tables)] if tables else []
    sections += _write_layers(graph, head, coding)
    data = frame(head, sections)
    try:
        _claim(head.layers, Budget(len(data)))
    except FormatError as error:
        raise EmccError(f"the model is too empty to be stored: {error}") from error
    return data


def decode(data: bytes, *, file: object | None = None) -> Graph:
    """The graph, exactly as it was encoded. EmccError, naming the section, where the bytes are not such a file."""
    head, sections = unframe(data, file)
    budget = Budget(len(data))
    with reading("header", file):
        _claim(head.layers, budget)
    tables = []
    if head.tables:
        with reading("tables", file):
            tables = _read_tables(sections["tables"], len(head.tables))
    constants: dict[str, Array] = {}
    for layer, found in zip(head.layers, read_layers(head, sections, file), strict=True):
        table = tables[layer.table] if layer.table >= 0 else ()
        for name, value in zip(layer.node.inputs[1:], (found.codes, found.codebook, found.bias, *table), strict=True):
            with reading("header", file):
                if name in constants and not np.array_equal(constants[name], value):
                    raise FormatError("two constants have one name")
            constants[name] = value
    nodes = tuple(layer.node for layer in head.layers)
    return Graph(head.name, head.inputs, head.outputs, nodes, head.tensors, constants, host=head.host)


def read_layers(head: Skeleton, sections: dict[str, bytes], file: object | None) -> list[Layer]:
    """The layers' sections, several at a time."""
    futures: list[Future[Layer]] = []

    def job(at: int) -> Layer:
        head_of = head.layers[at]
        with reading(f"layer {at + 1}", file):
            return layers.read(
                sections[f"layer {at + 1}"],
                head_of.rows,
                head_of.columns,
                head_of.code_w,
                head.tensors[head_of.node.inputs[0]],
                lambda: _ones(futures[at - 1].result().codes) if at else np.zeros(0, np.int64),
            )

    with ThreadPoolExecutor(_workers()) as pool:
        for at in range(len(head.layers)):
            futures.append(pool.submit(job, at))
        return [future.result() for future in futures]


def _write_layers(graph: Graph, head: Skeleton, coding: str) -> list[bytes]:
    def job(at: int) -> bytes:
        layer = head.layers[at]
        codes_name, codebook_name, bias_name = layer.node.inputs[1:4]
        codes = _constant(graph, codes_name, np.uint8)
        codebook, bias = _constant(graph, codebook_name, np.int64), _constant(graph, bias_name, np.int64)
        fits = codebook.shape == (1 << layer.code_w,) and is_16_bit(codebook)
        if not fits or bias.shape != (layer.rows,) or codes.max(initial=0) >> layer.code_w:
            raise ValueError(f"the constants of node {layer.node.name!r} do not fit together")
        before = graph.constants[head.layers[at - 1].node.inputs[1]] if at else codes[:0]
        x = graph.tensors[layer.node.inputs[0]]
        return layers.write(codes, codebook, bias, layer.code_w, x, len(before), lambda: _ones(before), coding)

    with ThreadPoolExecutor(_workers()) as pool:
        return list(pool.map(job, range(len(head.layers))))


def _ones(codes: Array) -> Array:
    """Non-zero codes in each row."""
    return np.array([np.count_nonzero(row) for row in codes], np.int64)


def _workers() -> int:
    return min(8, os.cpu_count() or 1)


def _write_table(coarse: Array, fine: Array) -> bytes:
    return uint(len(coarse)) + ints.write(coarse) + uint(len(fine)) + ints.write(fine)


def _read_tables(data: bytes, count: int) -> list[tuple[Array, ...]]:
    at, tables = 0, []
    for _ in range(count):
        pair = []
        for _ in ("coarse", "fine"):
            size, at = read_uint(data, at)
            if size > _WIDEST_TABLE:
                raise FormatError(f"a table of {size} entries")
            values, at = ints.read(data, at, size)
            if not is_16_bit(values):
                raise FormatError("a table has entries beyond 16 bits")
            pair.append(values)
        tables.append(tuple(pair))
    if at != len(data):
        raise FormatError(f"{len(data) - at} bytes too many")
    return tables


def _claim(layers: tuple[LayerHead, ...], budget: Budget) -> None:
    for number, layer in enumerate(layers, 1):
        budget.take(layer.rows * layer.columns + 8 * (layer.rows + layer.columns), f"layer {number}: a model")


def _constant(graph: Graph, name: str, dtype: type) -> Array:
    value = np.asarray(graph.constants[name])
    if value.dtype != dtype:
        raise ValueError(f"constant {name!r} is {value.dtype}, not {np.dtype(dtype)}")
    return value
