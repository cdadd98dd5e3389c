"""The graph without its numbers: names, shapes, formats and attributes, as the header's fields."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from emcc.container.bits import FormatError
from emcc.container.fields import FieldReader, FieldWriter
from emcc.ir.graph import Format, Graph, Node, Tensor
from emcc.ir.program import FUNCTIONS

CODE_WIDTHS = (1, 2, 4, 8)
_PLAIN = ("code_w", "weight_frac", "z_frac", "shift", "function", "act_w", "lo_bits", "hi_bits")
_WIDEST = 64
_FRAC = 1 << 14
# Bits of a layer's flags, above its function (2 bits) and its code width (2 bits); the rare ones last.
_NO_TABLE, _ACT_W, _SHIFT, _NAMES, _MORE = 16, 32, 64, 128, 256


@dataclass(frozen=True)
class LayerHead:
    """A QLinear node; `table` indexes the distinct tables or is -1."""

    node: Node
    rows: int
    columns: int
    table: int

    @property
    def code_w(self) -> int:
        """Bits a code."""
        return int(self.node.attrs["code_w"])


@dataclass(frozen=True)
class Skeleton:
    """What the header says of the graph. tables: (lo_bits, hi_bits) of each distinct table."""

    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    tensors: Mapping[str, Tensor]
    layers: tuple[LayerHead, ...]
    tables: tuple[tuple[int, int], ...]
    host: tuple[tuple[str, Mapping[str, Any]], ...]


def write(skeleton: Skeleton) -> FieldWriter:
    """The fields, in the order of docs/format.md."""
    out = FieldWriter()
    out.text(skeleton.name)
    out.uint(len(skeleton.layers))
    out.uint(len(skeleton.tables))
    for lo_bits, hi_bits in skeleton.tables:
        out.byte(lo_bits)
        out.byte(hi_bits)
    x = skeleton.tensors[skeleton.inputs[0]]
    out.text(x.name)
    _write_tensor(out, x, None)
    for layer in skeleton.layers:
        y = skeleton.tensors[layer.node.outputs[0]]
        _write_layer(out, layer, x, y)
        x = y
    out.uint(len(skeleton.host))
    for op, attrs in skeleton.host:
        out.text(op)
        out.attrs(dict(attrs))
    return out


def read(data: FieldReader, max_layers: int) -> Skeleton:
    """The inverse of `write`; leaves `data` after the last field."""
    name = data.text()
    n_layers = data.uint(max_layers)
    tables = tuple((data.byte(), data.byte()) for _ in range(data.uint(n_layers)))
    x_name = data.text()
    x = _read_tensor(data, x_name, None, 0)
    tensors, layers, first = {x.name: x}, [], x
    for _ in range(n_layers):
        layer, y = _read_layer(data, x, tables)
        tensors[y.name] = y
        layers.append(layer)
        x = y
    host = tuple((data.text(), data.attrs()) for _ in range(data.uint(data.left)))
    if len(tensors) != n_layers + 1:
        raise FormatError("two tensors have one name")
    return Skeleton(name, (first.name,), (x.name,), tensors, tuple(layers), tables, host)


def skeleton_of(graph: Graph, tables: list[tuple[int, int]], table_of: list[int]) -> Skeleton:
    """The skeleton of a graph after Quantise. ValueError where it is not such a one."""
    known = set(graph.inputs)
    layers = []
    for node, table in zip(graph.nodes, table_of, strict=True):
        wanted = 4 if table < 0 else 6
        if len(node.inputs) != wanted or node.inputs[0] not in known or len(node.outputs) != 1:
            raise ValueError(f"node {node.name!r} is not a QLinear in a chain")
        rows, columns = graph.constants[node.inputs[1]].shape
        x, y = graph.tensors[node.inputs[0]], graph.tensors[node.outputs[0]]
        if features(x) != columns or features(y) != rows:
            raise ValueError(f"the {rows} x {columns} matrix of node {node.name!r} does not fit its tensors")
        layers.append(LayerHead(node, rows, columns, table))
        known = {node.outputs[0]}
    if known != set(graph.outputs) or len(graph.inputs) != 1 or len(graph.tensors) != len(layers) + 1:
        raise ValueError("the graph is not one chain of QLinear from its input to its output")
    if any(tensor.fmt is None or tensor.shape[:1] != (None,) for tensor in graph.tensors.values()):
        raise ValueError("every tensor needs a format and a batch axis")
    return Skeleton(graph.name, graph.inputs, graph.outputs, graph.tensors, tuple(layers), tuple(tables), graph.host)


def features(tensor: Tensor) -> int:
    """Elements a sample, with no overflow."""
    product = 1
    for size in tensor.shape[1:]:
        product *= size or 0
    return product


def _write_layer(out: FieldWriter, layer: LayerHead, x: Tensor, y: Tensor) -> None:
    attrs, function = layer.node.attrs, layer.node.attrs["function"]
    assert x.fmt
    assert y.fmt
    no_table = layer.table < 0 and attrs.get("lo_bits") == attrs.get("hi_bits") == 0
    plain = _PLAIN if no_table or layer.table >= 0 else _PLAIN[:6]
    more = {key: value for key, value in attrs.items() if key not in plain}
    constants = layer.node.inputs[1:]
    own = {
        _NO_TABLE: no_table,
        _ACT_W: attrs["act_w"] != y.fmt.width,
        _SHIFT: attrs["shift"] != x.fmt.frac_bits + attrs["weight_frac"] - attrs["z_frac"],
        _NAMES: constants != _constant_names(layer.node.name, function),
        _MORE: bool(more),
    }
    flags = FUNCTIONS.index(function) | CODE_WIDTHS.index(layer.code_w) << 2
    out.uint(flags | sum(bit for bit, is_set in own.items() if is_set))
    out.uint(layer.rows)
    out.sint(attrs["weight_frac"])
    out.sint(attrs["z_frac"])
    out.text(layer.node.name)
    if layer.table >= 0:
        out.uint(layer.table)
    if own[_ACT_W]:
        out.uint(attrs["act_w"])
    if own[_SHIFT]:
        out.sint(attrs["shift"])
    for name in constants if own[_NAMES] else ():
        out.text(name)
    if more:
        out.attrs(more)
    out.text(y.name)
    _write_tensor(out, y, x, attrs["z_frac"])


def _read_layer(data: FieldReader, x: Tensor, tables: tuple[tuple[int, int], ...]) -> tuple[LayerHead, Tensor]:
    flags = data.uint(2 * _MORE - 1)
    if flags & 3 >= len(FUNCTIONS):
        raise FormatError("a layer has an unknown function")
    assert x.fmt
    function, rows = FUNCTIONS[flags & 3], data.uint(1 << 31)
    attrs: dict[str, Any] = {"code_w": CODE_WIDTHS[flags >> 2 & 3], "function": function}
    attrs["weight_frac"], attrs["z_frac"] = data.sint(_FRAC), data.sint(_FRAC)
    name, table = data.text(), -1
    if function == "table":
        if not tables:
            raise FormatError("a function table is missing")
        table = data.uint(len(tables) - 1)
        attrs["lo_bits"], attrs["hi_bits"] = tables[table]
    elif flags & _NO_TABLE:
        attrs["lo_bits"] = attrs["hi_bits"] = 0
    act_w = data.uint(_WIDEST) if flags & _ACT_W else None
    attrs["shift"] = data.sint(_FRAC) if flags & _SHIFT else x.fmt.frac_bits + attrs["weight_frac"] - attrs["z_frac"]
    if not 0 <= attrs["shift"] < _WIDEST:
        raise FormatError(f"a layer shifts by {attrs['shift']}")
    constants = _constant_names(name, function)
    if flags & _NAMES:
        constants = tuple(data.text() for _ in constants)
    more = data.attrs() if flags & _MORE else {}
    y = _read_tensor(data, data.text(), x, attrs["z_frac"], rows)
    assert y.fmt
    attrs["act_w"] = y.fmt.width if act_w is None else act_w
    node = Node(name, "QLinear", (x.name, *constants), (y.name,), more | attrs)
    return LayerHead(node, rows, features(x), table), y


def _constant_names(node: str, function: str) -> tuple[str, ...]:
    """What the quantise pass calls a layer's constants."""
    parts = ("codes", "codebook", "bias", "coarse", "fine")
    return tuple(f"{node}.{part}" for part in (parts if function == "table" else parts[:3]))


def _write_tensor(out: FieldWriter, tensor: Tensor, before: Tensor | None, frac: int = 0) -> None:
    """byte has shape | has dtype << 1 | has width << 2 | has frac << 3, and those.

    Otherwise: a vector of the layer's rows, the dtype and width of the tensor before (float32, 16), the layer's z_frac.
    """
    assert tensor.fmt
    own_shape = before is None or len(tensor.shape) != 2
    own_dtype = tensor.dtype != (before.dtype if before else "float32")
    own_width = tensor.fmt.width != (before.fmt.width if before and before.fmt else 16)
    own_frac = tensor.fmt.frac_bits != frac
    out.byte(own_shape | own_dtype << 1 | own_width << 2 | own_frac << 3)
    if own_shape:
        out.uint(len(tensor.shape) - 1)
        for size in tensor.shape[1:]:
            out.uint(size or 0)
    if own_dtype:
        out.text(tensor.dtype)
    if own_width:
        out.uint(tensor.fmt.width)
    if own_frac:
        out.sint(tensor.fmt.frac_bits)


def _read_tensor(data: FieldReader, name: str, before: Tensor | None, frac: int, rows: int | None = None) -> Tensor:
    flags = data.byte()
    shape: tuple[int | None, ...] = (None, rows)
    if flags & 1:
        shape = (None, *(data.uint(1 << 31) for _ in range(data.uint(data.left))))
    elif rows is None:
        raise FormatError("the input has no shape")
    dtype = data.text() if flags & 2 else before.dtype if before else "float32"
    width = data.uint(_WIDEST) if flags & 4 else before.fmt.width if before and before.fmt else 16
    fmt = Format(width, data.sint(_FRAC) if flags & 8 else frac)
    tensor = Tensor(name, shape, dtype, fmt)
    if flags > 15 or not width or (rows is not None and features(tensor) != rows):
        raise FormatError(f"a tensor of shape {shape} and {width} bits does not fit its layer")
    return tensor
