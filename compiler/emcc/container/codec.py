"""Graph after Quantise <-> the bytes of a model.emc. docs/format.md is the specification."""

import numpy as np

from emcc.container import huffman, ints
from emcc.container.bits import FormatError
from emcc.container.budget import Budget
from emcc.container.file import frame, reading, unframe
from emcc.container.matrix import MAX_RUN_W, Entries, entries, matrix
from emcc.container.skeleton import LayerHead, skeleton_of
from emcc.container.varint import read_uint, uint
from emcc.errors import EmccError
from emcc.ir.graph import Array, Graph

_WIDEST_TABLE = 1 << 16


def encode(graph: Graph) -> bytes:
    """The file. The graph is as the quantise pass leaves it, or ValueError."""
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
    for layer in head.layers:
        sections += _write_layer(graph, layer)
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
    for number, layer in enumerate(head.layers, 1):
        names = layer.node.inputs[1:]
        values = read_layer(sections, number, layer, file) + (tables[layer.table] if layer.table >= 0 else ())
        for name, value in zip(names, values, strict=True):
            with reading("header", file):
                if name in constants and not np.array_equal(constants[name], value):
                    raise FormatError("two constants have one name")
            constants[name] = value
    nodes = tuple(layer.node for layer in head.layers)
    return Graph(head.name, head.inputs, head.outputs, nodes, head.tensors, constants, host=head.host)


def read_layer(sections: dict[str, bytes], number: int, layer: LayerHead, file: object | None) -> tuple[Array, ...]:
    """(codes, codebook, bias) of layer `number`, from 1."""
    found = read_entries(sections, number, layer, file)
    with reading(f"layer {number} runs", file):
        codes = matrix(found, layer.rows, layer.columns)
    with reading(f"layer {number} values", file):
        codebook, bias, _ = read_values(sections[f"layer {number} values"], layer)
    return codes, codebook, bias


def read_entries(sections: dict[str, bytes], number: int, layer: LayerHead, file: object | None) -> Entries:
    """The entries of layer `number`, from 1."""
    with reading(f"layer {number} codes", file):
        data = sections[f"layer {number} codes"]
        if not data:
            raise FormatError("it is empty")
        flags = data[0]
        by_columns, run_w = bool(flags & 16), flags & 15
        if flags > 31 or run_w > MAX_RUN_W:
            raise FormatError(f"no runs have the kind {flags}")
        count, at = read_uint(data, 1)
        if count > layer.rows * layer.columns:
            raise FormatError(f"{count} entries in a {layer.rows} x {layer.columns} matrix")
        code, _ = huffman.decode(data, count, 1 << layer.code_w, at)
    with reading(f"layer {number} runs", file):
        run, _ = huffman.decode(sections[f"layer {number} runs"], count, 1 << run_w)
    return Entries(by_columns, run_w, run, code.astype(np.uint8))


def _write_layer(graph: Graph, layer: LayerHead) -> list[bytes]:
    """codes: byte run_w | by_columns << 4, uint entries, the codes; runs: the runs; values: codebook and bias."""
    codes_name, codebook_name, bias_name = layer.node.inputs[1:4]
    codes = _constant(graph, codes_name, np.uint8)
    codebook, bias = _constant(graph, codebook_name, np.int64), _constant(graph, bias_name, np.int64)
    fits = codebook.shape == (1 << layer.code_w,) and _is_16_bit(codebook)
    if not fits or bias.shape != (layer.rows,) or codes.max(initial=0) >> layer.code_w:
        raise ValueError(f"the constants of node {layer.node.name!r} do not fit together")
    found = entries(codes, layer.code_w)
    front = bytes([found.run_w | found.by_columns << 4]) + uint(len(found.code))
    return [
        front + huffman.encode(found.code, 1 << layer.code_w),
        huffman.encode(found.run, 1 << found.run_w),
        write_codebook(codebook) + ints.write(bias),
    ]


def write_codebook(codebook: Array) -> bytes:
    """uint 2 n + has a first entry, the first entry as an array of one unless it is 0, the next n; the others are 0."""
    used = np.flatnonzero(codebook[1:])
    count = int(used[-1]) + 1 if len(used) else 0
    first = codebook[:1] if codebook[0] else codebook[:0]
    return uint(2 * count + len(first)) + ints.write(first) + ints.write(codebook[1 : 1 + count])


def read_values(data: bytes, layer: LayerHead) -> tuple[Array, Array, int]:
    """(codebook, bias, the bytes that the codebook took)."""
    mark, at = read_uint(data, 0)
    codebook = np.zeros(1 << layer.code_w, np.int64)
    if mark // 2 >= len(codebook):
        raise FormatError(f"a codebook of {mark // 2 + 1} entries for codes of {layer.code_w} bits")
    codebook[: mark & 1], at = ints.read(data, at, mark & 1)
    codebook[1 : 1 + mark // 2], at = ints.read(data, at, mark // 2)
    bias, end = ints.read(data, at, layer.rows)
    if end != len(data):
        raise FormatError(f"{len(data) - end} bytes too many")
    if not _is_16_bit(codebook):
        raise FormatError("the codebook has entries beyond 16 bits")
    return codebook, bias, at


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
            if not _is_16_bit(values):
                raise FormatError("a table has entries beyond 16 bits")
            pair.append(values)
        tables.append(tuple(pair))
    if at != len(data):
        raise FormatError(f"{len(data) - at} bytes too many")
    return tables


def _claim(layers: tuple[LayerHead, ...], budget: Budget) -> None:
    for number, layer in enumerate(layers, 1):
        budget.take(layer.rows * layer.columns + 8 * (layer.rows + layer.columns), f"layer {number}: a model")


def _is_16_bit(values: Array) -> bool:
    return bool(values.min(initial=0) >= -(1 << 15) and values.max(initial=0) < 1 << 15)


def _constant(graph: Graph, name: str, dtype: type) -> Array:
    value = np.asarray(graph.constants[name])
    if value.dtype != dtype:
        raise ValueError(f"constant {name!r} is {value.dtype}, not {np.dtype(dtype)}")
    return value
