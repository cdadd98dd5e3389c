"""The sections of a quantised graph: a chain of QLinear, everything in integers."""

import numpy as np

from emcc.container import ints, matrices
from emcc.container.bits import FormatError
from emcc.container.budget import Budget
from emcc.container.file import reading
from emcc.container.layers import Layer, geometry_of, is_16_bit, read_values, write_codebook
from emcc.container.matrices import ones, side_by_side
from emcc.container.skeleton import Skeleton, skeleton_of
from emcc.container.varint import read_uint, uint
from emcc.ir.graph import Array, Graph

_WIDEST_TABLE = 1 << 16


def write(graph: Graph, coding: str) -> tuple[Skeleton, list[bytes]]:
    """(the header, the sections). ValueError if it is not as the quantise pass leaves it."""
    heads: list[tuple[int, int]] = []
    tables: dict[bytes, int] = {}
    table_of = []
    for node in graph.nodes:
        table_of.append(-1)
        if node.attrs["function"] == "table":
            shape = (int(node.attrs["lo_bits"]), int(node.attrs["hi_bits"]))
            coarse, fine = (_constant(graph, name, np.int64) for name in node.inputs[4:6])
            table = bytes(shape) + _write_table(coarse, fine, coding == "huffman")
            if table not in tables:
                heads.append(shape)
            table_of[-1] = tables.setdefault(table, len(tables))
    head = skeleton_of(graph, heads, table_of)
    used = {name for node in graph.nodes for name in node.inputs[1:]}
    if used != set(graph.constants) or graph.codebooks:
        raise ValueError("the graph has constants that no QLinear uses")
    sections = [b"".join(table[2:] for table in tables)] if tables else []
    return head, sections + _write_layers(graph, head, coding)


def claim(head: Skeleton, budget: Budget) -> None:
    """Take what reading will allocate."""
    for number, layer in enumerate(head.layers, 1):
        budget.take(layer.rows * layer.columns + 8 * (layer.rows + layer.columns), f"layer {number}: a model")


def read(head: Skeleton, sections: dict[str, bytes], file: object | None) -> Graph:
    """The inverse of `write`."""
    tables = []
    if head.tables:
        with reading("tables", file):
            tables = _read_tables(sections["tables"], len(head.tables))
    constants: dict[str, Array] = {}
    for layer, parts in zip(head.layers, read_layers(head, sections, file), strict=True):
        assert parts.bias is not None
        table = tables[layer.table] if layer.table >= 0 else ()
        values = (parts.matrix.codes, parts.codebook, parts.bias, *table)
        for name, value in zip(layer.node.inputs[1:], values, strict=True):
            with reading("header", file):
                if name in constants and not np.array_equal(constants[name], value):
                    raise FormatError("two constants have one name")
            constants[name] = value
    nodes = tuple(layer.node for layer in head.layers)
    return Graph(head.name, head.inputs, head.outputs, nodes, head.tensors, constants, host=head.host)


def read_layers(head: Skeleton, sections: dict[str, bytes], file: object | None) -> list[Layer]:
    """The layers' sections, several at a time."""

    def job(at: int, done: matrices.Done[Layer]) -> Layer:
        layer, data = head.layers[at], sections[f"layer {at + 1}"]
        expected = geometry_of(head.tensors[layer.node.inputs[0]], layer.columns)
        with reading(f"layer {at + 1}", file):
            codebook, bias, book_end, end = read_values(data, layer.code_w, layer.rows)
            matrix = matrices.read(
                data[end:],
                layer.rows,
                layer.columns,
                codebook,
                expected,
                lambda: ones(done(at - 1).matrix.codes) if at else np.zeros(0, np.int64),
            )
        return Layer(layer.node.name, layer.code_w, codebook, bias, matrix, book_end, end - book_end)

    return side_by_side(len(head.layers), job)


def _write_layers(graph: Graph, head: Skeleton, coding: str) -> list[bytes]:
    def job(at: int, done: matrices.Done[bytes]) -> bytes:
        layer = head.layers[at]
        codes_name, codebook_name, bias_name = layer.node.inputs[1:4]
        codes = _constant(graph, codes_name, np.uint8)
        codebook, bias = _constant(graph, codebook_name, np.int64), _constant(graph, bias_name, np.int64)
        fits = codebook.shape == (1 << layer.code_w,) and is_16_bit(codebook)
        if not fits or bias.shape != (layer.rows,) or codes.max(initial=0) >> layer.code_w:
            raise ValueError(f"the constants of node {layer.node.name!r} do not fit together")
        before = graph.constants[head.layers[at - 1].node.inputs[1]] if at else codes[:0]
        expected = geometry_of(graph.tensors[layer.node.inputs[0]], layer.columns)
        matrix = matrices.write(codes, codebook, layer.code_w, expected, len(before), lambda: ones(before), coding)
        plain = coding == "huffman"
        return write_codebook(codebook, plain=plain) + ints.write(bias, plain=plain) + matrix

    return side_by_side(len(head.layers), job)


def _write_table(coarse: Array, fine: Array, plain: bool) -> bytes:
    return b"".join(uint(len(part)) + ints.write(part, plain=plain) for part in (coarse, fine))


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


def _constant(graph: Graph, name: str, dtype: type) -> Array:
    value = np.asarray(graph.constants[name])
    if value.dtype != dtype:
        raise ValueError(f"constant {name!r} is {value.dtype}, not {np.dtype(dtype)}")
    return value
