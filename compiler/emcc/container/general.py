"""Any graph without its numbers, as the header's fields: for models that are compressed but not (or not yet) hardware.

The weights of the graph's codebooks are layers; all other constants are stored as they are.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

from emcc.container.arrays import DTYPES
from emcc.container.bits import FormatError
from emcc.container.fields import FieldReader, FieldWriter
from emcc.container.skeleton import CODE_WIDTHS
from emcc.ir.graph import Format, Graph, Node, Tensor

_WIDEST, _FRAC, _LARGEST = 64, 1 << 14, 1 << 31
# Bits of a constant: a layer (above it its code width, 2 bits) or an array (its dtype, 3 bits); a vector of the rows of
# the layer before. Bits of a tensor.
_LAYER, _ROWS = 1, 16
_SHAPE, _DTYPE, _FORMAT = 1, 2, 4


@dataclass(frozen=True)
class Constant:
    """code_w: bits a code, if it is a layer's weights (float32); else 0."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    code_w: int = 0

    @property
    def size(self) -> int:
        """Elements, with no overflow."""
        return prod(self.shape)


@dataclass(frozen=True)
class General:
    """What the header says. tensors: inputs, then in the order of the nodes. constants: in the order of their use."""

    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    tensors: Mapping[str, Tensor]
    constants: tuple[Constant, ...]
    nodes: tuple[Node, ...]
    host: tuple[tuple[str, Mapping[str, Any]], ...]

    @property
    def layers(self) -> tuple[Constant, ...]:
        """The constants that are a layer's weights."""
        return tuple(constant for constant in self.constants if constant.code_w)

    @property
    def arrays(self) -> tuple[Constant, ...]:
        """The other constants."""
        return tuple(constant for constant in self.constants if not constant.code_w)


def general_of(graph: Graph) -> General:
    """The header of a graph. ValueError if it is none."""
    used = [name for node in graph.nodes for name in node.inputs if name in graph.constants]
    constants = []
    for name in dict.fromkeys([*used, *sorted(graph.constants)]):
        value, book = graph.constants[name], graph.codebooks.get(name)
        if str(value.dtype) not in DTYPES or (book and (value.dtype != "float32" or value.ndim < 2)):
            raise ValueError(f"constant {name!r} is {value.dtype} of {value.ndim} dimensions")
        constants.append(Constant(name, str(value.dtype), value.shape, book.code_w if book else 0))
    made = [*graph.inputs, *(name for node in graph.nodes for name in node.outputs)]
    tensors = {name: graph.tensors[name] for name in dict.fromkeys([*made, *sorted(graph.tensors)])}
    names = {*tensors, *graph.constants, ""}
    if not {name for node in graph.nodes for name in node.inputs} | set(graph.outputs) <= names:
        raise ValueError("a node or an output refers to what is not there")
    if set(tensors) & set(graph.constants) or not set(graph.codebooks) <= set(graph.constants):
        raise ValueError("a name is a tensor's and a constant's, or a codebook is no constant's")
    return General(graph.name, graph.inputs, graph.outputs, tensors, tuple(constants), graph.nodes, graph.host)


def write(head: General) -> FieldWriter:
    """The fields, in the order of docs/format.md."""
    out = FieldWriter()
    out.text(head.name)
    out.uint(len(head.tensors))
    before = Tensor("", (), "float32")
    for tensor in head.tensors.values():
        _write_tensor(out, tensor, before)
        before = tensor
    out.uint(len(head.constants))
    rows = 0
    for constant in head.constants:
        of_rows = constant.shape == (rows,)
        kind = (
            _LAYER | CODE_WIDTHS.index(constant.code_w) << 1 if constant.code_w else DTYPES.index(constant.dtype) << 1
        )
        out.text(constant.name)
        out.byte(kind | _ROWS * of_rows)
        if not of_rows:
            out.dims(constant.shape)
        rows = constant.shape[0] if constant.code_w else rows
    names = _Names(head)
    for ends in (head.inputs, head.outputs):
        names.write(out, ends)
    out.uint(len(head.nodes))
    for node in head.nodes:
        _write_node(out, node, names)
    out.uint(len(head.host))
    for op, attrs in head.host:
        out.text(op)
        out.attrs(dict(attrs))
    return out


def read(data: FieldReader, max_sections: int) -> General:
    """The inverse of `write`; leaves `data` after the last field."""
    name, tensors, before = data.text(), {}, Tensor("", (), "float32")
    for _ in range(data.uint(data.left)):
        before = _read_tensor(data, before)
        tensors[before.name] = before
    constants: list[Constant] = []
    rows = n_layers = 0
    for _ in range(data.uint(data.left)):
        constant = _read_constant(data, rows)
        constants.append(constant)
        rows = constant.shape[0] if constant.code_w else rows
        n_layers += constant.code_w > 0
    if n_layers > max_sections:
        raise FormatError(f"{n_layers} layers")
    head = General(name, (), (), tensors, tuple(constants), (), ())
    names = _Names(head)
    if len(names) != len(tensors) + len(constants):
        raise FormatError("two tensors or constants have one name")
    inputs, outputs = names.read(data), names.read(data)
    nodes = tuple(_read_node(data, names) for _ in range(data.uint(data.left)))
    host = tuple((data.text(), data.attrs()) for _ in range(data.uint(data.left)))
    return General(name, inputs, outputs, tensors, tuple(constants), nodes, host)


class _Names:
    """Tensors and then constants by number from 1; 0 is the name of nothing. Knows what a plain node would take."""

    def __init__(self, head: General) -> None:
        self._names = ["", *head.tensors, *(constant.name for constant in head.constants)]
        self._numbers = {name: number for number, name in enumerate(self._names)}
        self._first_constant = len(head.tensors) + 1
        self.tensor, self.constant = 1, self._first_constant

    def __len__(self) -> int:
        return len(self._numbers) - 1

    def write(self, out: FieldWriter, names: tuple[str, ...]) -> None:
        out.uint(len(names))
        for name in names:
            out.uint(self._numbers[name])

    def read(self, data: FieldReader) -> tuple[str, ...]:
        return tuple(self._names[data.uint(len(self._names) - 1)] for _ in range(data.uint(data.left)))

    def plain(self, constants: int) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
        """(inputs, outputs) of a node that takes the latest tensor and the next constants and gives the next tensor."""
        if self.tensor + 1 >= self._first_constant or self.constant + constants > len(self._names):
            return None
        own = self._names[self.constant : self.constant + constants]
        return (self._names[self.tensor], *own), (self._names[self.tensor + 1],)

    def take(self, inputs: tuple[str, ...], outputs: tuple[str, ...]) -> None:
        """Note what a node took and gave."""
        for name in inputs:
            self.constant = max(self.constant, self._numbers[name] + 1)
        for name in outputs:
            self.tensor = self._numbers[name]


def _write_node(out: FieldWriter, node: Node, names: _Names) -> None:
    out.text(node.name)
    out.text(node.op)
    plain = names.plain(len(node.inputs) - 1) == (node.inputs, node.outputs)
    out.uint(len(node.inputs) if plain else 0)
    if not plain:
        names.write(out, node.inputs)
        names.write(out, node.outputs)
    out.attrs(dict(node.attrs))
    names.take(node.inputs, node.outputs)


def _read_node(data: FieldReader, names: _Names) -> Node:
    name, op, count = data.text(), data.text(), data.uint(1 << 16)
    ends = names.plain(count - 1) if count else (names.read(data), names.read(data))
    if ends is None:
        raise FormatError("a node takes constants that are not there")
    names.take(*ends)
    return Node(name, op, *ends, data.attrs())


def _write_tensor(out: FieldWriter, tensor: Tensor, before: Tensor) -> None:
    own = {
        _SHAPE: tensor.shape != before.shape,
        _DTYPE: tensor.dtype != before.dtype,
        _FORMAT: tensor.fmt is not None,
    }
    out.text(tensor.name)
    out.byte(sum(bit for bit, is_set in own.items() if is_set))
    if own[_SHAPE]:
        out.dims(tuple(0 if size is None else size + 1 for size in tensor.shape))
    if own[_DTYPE]:
        out.text(tensor.dtype)
    if tensor.fmt is not None:
        out.uint(tensor.fmt.width)
        out.sint(tensor.fmt.frac_bits)


def _read_tensor(data: FieldReader, before: Tensor) -> Tensor:
    name, flags = data.text(), data.byte()
    if flags >= 2 * _FORMAT:
        raise FormatError("a tensor of no known kind")
    shape = tuple(size - 1 if size else None for size in data.dims(_LARGEST)) if flags & _SHAPE else before.shape
    dtype = data.text() if flags & _DTYPE else before.dtype
    fmt = Format(data.uint(_WIDEST), data.sint(_FRAC)) if flags & _FORMAT else None
    return Tensor(name, shape, dtype, fmt)


def _read_constant(data: FieldReader, rows: int) -> Constant:
    name, kind = data.text(), data.byte()
    shape = (rows,) if kind & _ROWS else data.dims(_LARGEST)
    if kind >= 2 * _ROWS:
        raise FormatError("a constant of no known kind")
    if not kind & _LAYER:
        return Constant(name, DTYPES[kind >> 1 & 7], shape)
    if kind & 8 or len(shape) < 2:
        raise FormatError("a layer of no known kind")
    return Constant(name, "float32", shape, CODE_WIDTHS[kind >> 1 & 3])
