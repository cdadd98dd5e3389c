"""What the header says of a graph: everything but its numbers, as one msgpack list (docs/format.md)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import msgpack

from emcc import ops
from emcc.container.arrays import DTYPES
from emcc.container.bits import FormatError
from emcc.ir.affine import sound
from emcc.ir.codebook import CODE_WIDTHS, IDENTITY_WIDTHS
from emcc.ir.graph import Array, Format, Graph, Node, Tensor
from emcc.ir.norms import NORMS

CODED = 8
"""The kind of a constant: below it an array's dtype, from it on the log2 of a code width."""

WIDTHS = (*CODE_WIDTHS, 16)
"""Bits of a code; with 16 the code is the weight."""

VOCABULARY = """
codes codebook bias multiplier coarse fine weight kernel scale mean var ArgMax AveragePool BatchNormalization
Clip Concat Conv Flatten Gemm GlobalAveragePool LeakyRelu Linear LogSoftmax MaxPool QAveragePool QConv QLinear
QProduct QSum Relu Reshape Sigmoid Softmax Tanh Transpose Add Mul Sub MatMul act_w alpha axes axis beta
ceil_mode code_w count_include_pad dilations epsilon function group hi_bits high keepdims kernel_shape lo_bits
low pads perm select_last_index shape shift strides transB weight_frac weights z_frac
"""
WORDS = tuple(VOCABULARY.split())
"""Names of constants' roles, operators and attributes by number; any other is a text. Part of the format."""

_WIDEST, _FRAC, _LARGEST, _DEEPEST = 64, 1 << 14, 1 << 31, 8
_LONGEST, _LETTERS = 1 << 22, 1 << 24
MOST_DIMENSIONS = 32
"""Of a shape; NumPy has no more everywhere."""


Scales = tuple[int, int, str]
"""How many scales and offsets an input or output has, and the norm that its samples are divided by, or ""."""


@dataclass(frozen=True)
class Constant:
    """One constant.

    Attributes:
        dtype, shape: of the array; of codes looked up in another constant, uint8, of codes that are the weights, int8
            or int16; of weights, float32.
        code_w: bits a code, where it is coded; else 0.
        codebook: where it is coded, the constant that holds the codebook, itself if its codes are the weights; -1 where
            it has one of its own.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    code_w: int = 0
    codebook: int = -1

    @property
    def identity(self) -> bool:
        """Whether its codes are the weights."""
        return self.code_w > 0 and self.dtype.startswith("int")

    @property
    def size(self) -> int:
        """Elements, with no overflow."""
        return prod(self.shape)


@dataclass(frozen=True)
class Header:
    """A graph without its numbers.

    tensors: inputs, then in the order of the nodes; constants: in that of their use; affines: by tensor, the numbers of
    scales and of offsets, and the norm or "".
    """

    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    tensors: Mapping[str, Tensor]
    constants: tuple[Constant, ...]
    nodes: tuple[Node, ...]
    host: tuple[tuple[str, Mapping[str, Any]], ...]
    affines: Mapping[str, Scales]

    @property
    def layers(self) -> tuple[Constant, ...]:
        """The constants that are coded."""
        return tuple(constant for constant in self.constants if constant.code_w)

    @property
    def arrays(self) -> tuple[Constant, ...]:
        """The constants that are stored as arrays."""
        return tuple(constant for constant in self.constants if not constant.code_w)


def header_of(graph: Graph) -> Header:
    """The header of a graph. ValueError if it is none."""
    used = [name for node in graph.nodes for name in node.inputs if name in graph.constants]
    names = list(dict.fromkeys([*used, *sorted(graph.constants)]))
    books, constants = _codebooks(graph, names), []
    for name in names:
        dtype, shape = str(graph.constants[name].dtype), graph.constants[name].shape
        if dtype not in DTYPES:
            raise ValueError(f"constant {name!r} is {dtype}")
        constants.append(Constant(name, dtype, shape, *books.get(name, ())))
    made = [*graph.inputs, *(name for node in graph.nodes for name in node.outputs)]
    tensors = {name: graph.tensors[name] for name in dict.fromkeys([*made, *sorted(graph.tensors)])}
    if not {name for node in graph.nodes for name in node.inputs} | {*graph.outputs} <= {*tensors, *names, ""}:
        raise ValueError("a node or an output refers to what is not there")
    if set(tensors) & set(names) or "" in {*tensors, *names} or not set(graph.codebooks) <= set(names):
        raise ValueError("a name is empty, or a tensor's and a constant's, or a codebook is no constant's")
    if not all(name in tensors and sound(affine, tensors[name].features) for name, affine in graph.affines.items()):
        raise ValueError("an affine is no tensor's, or of another size")
    if any(tensor.dtype not in DTYPES for tensor in tensors.values()):
        raise ValueError("a tensor is of no known dtype")
    shapes = [*(constant.shape for constant in constants), *(tensor.shape for tensor in tensors.values())]
    if any(len(shape) > MOST_DIMENSIONS for shape in shapes):
        raise ValueError(f"a shape has more than {MOST_DIMENSIONS} dimensions")
    if sum(map(len, names)) > _LETTERS:
        raise ValueError(f"the names of constants have more than {_LETTERS} letters")
    affines = {name: (each.scale.size, each.offset.size, each.norm) for name, each in graph.affines.items()}
    ends = (graph.inputs, graph.outputs, tensors, tuple(constants), graph.nodes, graph.host)
    return Header(graph.name, *ends, {name: affines[name] for name in tensors if name in affines})


def _codebooks(graph: Graph, names: list[str]) -> dict[str, tuple[int, int]]:
    """(code width, the constant that is the codebook or -1) of every constant that is coded.

    Those are weights with a codebook of the graph, and codes: the inputs that an operator's entry calls "k".
    """
    books = {name: (book.code_w, -1) for name, book in graph.codebooks.items()}
    for name in books:
        if graph.constants[name].dtype != "float32" or graph.constants[name].ndim < 2:
            raise ValueError(f"the weights {name!r} are {graph.constants[name].dtype}")
    uses: dict[str, set[tuple[int, str]]] = {}
    for node in graph.nodes:
        letters = ops.get(node.op).inputs if ops.traits(node.op) else ""
        for i, name in enumerate(node.inputs):
            is_codes = letters[i : i + 1] == "k" and name in graph.constants
            book = (*node.inputs, "")[i + 1]
            uses.setdefault(name, set()).add((node.attrs.get("code_w", 0), book) if is_codes else (0, ""))
    for name, ways in uses.items():
        ((code_w, book),) = ways if len(ways) == 1 else ((0, ""),)
        if code_w in CODE_WIDTHS and _fits(graph.constants[name], graph.constants.get(book), code_w):
            books[name] = code_w, names.index(book)
        elif code_w in IDENTITY_WIDTHS and not book and _is_weights(graph.constants[name], code_w):
            books[name] = code_w, names.index(name)
    return books


def _is_weights(codes: Array, code_w: int) -> bool:
    """Whether codes without a codebook can be coded."""
    return codes.dtype == f"int{code_w}" and codes.ndim >= 2 and bool(codes.size)


def _fits(codes: Array, book: Array | None, code_w: int) -> bool:
    """Whether codes can be coded with a codebook."""
    if book is None or codes.dtype != "uint8" or codes.ndim < 2 or not codes.size:
        return False
    return book.dtype == "int64" and book.ndim == 1 and int(codes.max()) < min(book.size, 1 << code_w)


def pack(head: Header) -> bytes:
    """The header's bytes."""
    words = {word: number for number, word in enumerate(WORDS)}
    kinds: dict[tuple[int, ...], int] = {}

    def row(op: str, links: list[Any], attrs: Mapping[str, Any]) -> list[Any]:
        key = tuple(words.setdefault(name, len(words)) for name in (op, *sorted(attrs)))
        return [kinds.setdefault(key, len(kinds)), *links, *(_plain(attrs[name]) for name in sorted(attrs))]

    numbers = {name: i for i, name in enumerate(["", *head.tensors, *(constant.name for constant in head.constants)])}
    ends = [[numbers[name] for name in names] for names in (head.inputs, head.outputs)]
    nodes, plain = [], _Plain(len(head.tensors))
    for node in head.nodes:
        inputs, outputs = ([numbers[name] for name in names] for names in (node.inputs, node.outputs))
        short = plain.expected(len(inputs)) == (inputs, outputs)
        nodes.append(row(node.op, [len(inputs)] if short else [inputs, outputs], node.attrs))
        plain.take(inputs, outputs)
    host = [row(op, [], attrs) for op, attrs in head.host]
    users = _users([[numbers[name] for name in node.inputs] for node in head.nodes], head.nodes, len(numbers))
    constants = _constant_rows(head, users[1 + len(head.tensors) :])
    texts = [head.name, *head.tensors, *(node.name for node in head.nodes), *list(words)[len(WORDS) :]]
    affines = [[numbers[name], *sizes, *([norm] if norm else [])] for name, (*sizes, norm) in head.affines.items()]
    fields = [texts, _tensor_rows(head), constants, *ends, list(map(list, kinds)), nodes, host, affines]
    packed = msgpack.packb(fields, unicode_errors="surrogatepass")
    if len(packed) > _LONGEST:
        raise FormatError(f"names and attributes take {len(packed)} bytes, more than {_LONGEST}")
    return bytes(packed)


def unpack(data: bytes) -> Header:
    """The inverse of `pack`. FormatError for anything else."""
    if len(data) > _LONGEST:
        raise FormatError(f"names and attributes take {len(data)} bytes, more than {_LONGEST}")
    try:
        fields = msgpack.unpackb(data, use_list=False, unicode_errors="surrogatepass")
    except (ValueError, TypeError, RecursionError, OverflowError, msgpack.UnpackException) as error:
        raise FormatError(f"it is not msgpack: {error}") from None
    texts, tensor_rows, constant_rows, inputs, outputs, kinds, rows, host, scales = map(_tuple, _tuple(fields, 9))
    names, nodes_at = [_text(text) for text in texts], 1 + len(tensor_rows)
    words_at, last = nodes_at + len(rows), nodes_at + len(constant_rows)
    if len(names) < words_at:
        raise FormatError("names are missing")
    words = [*WORDS, *names[words_at:]]
    known = [[words[_int(at, len(words) - 1)] for at in _tuple(kind, at_least=1)] for kind in kinds]

    def read(kind: Any, values: tuple[Any, ...]) -> tuple[str, dict[str, Any]]:
        op, *keys = known[_int(kind, len(known) - 1)]
        return op, {key: _attribute(value) for key, value in zip(keys, _tuple(values, len(keys)), strict=True)}

    def numbers(value: Any) -> list[int]:
        return [_int(number, last - 1) for number in _tuple(value)]

    plain, drafts = _Plain(len(tensor_rows)), []
    for row in rows:
        if isinstance(_tuple(row, at_least=2)[1], tuple):
            links, values = (numbers(row[1]), numbers(_tuple(row, at_least=3)[2])), row[3:]
        else:
            links, values = plain.expected(_int(row[1], last - plain.constant + 1)), row[2:]
        plain.take(*links)
        drafts.append((*links, *read(row[0], values)))
    made = [Node(name, op, (), (), attrs) for name, (_, _, op, attrs) in zip(names[nodes_at:], drafts, strict=False)]
    users = _users([number for number, *_ in drafts], made, last)[nodes_at:]
    tensors, constants = _read_tensors(tensor_rows, names), _read_constants(constant_rows, users)
    of = ["", *tensors, *(constant.name for constant in constants)]
    if len(set(of)) != last:
        raise FormatError("two tensors or constants have one name")

    def named(value: list[int]) -> tuple[str, ...]:
        if max(value, default=0) >= last:
            raise FormatError("a node takes or gives what is not there")
        return tuple(of[number] for number in value)

    nodes = tuple(
        Node(node.name, node.op, named(takes), named(gives), node.attrs)
        for node, (takes, gives, *_) in zip(made, drafts, strict=True)
    )
    tail = tuple(read(row[0], row[1:]) for row in (_tuple(row, at_least=1) for row in host))
    ends = named(numbers(inputs)), named(numbers(outputs))
    scalable = [number for number in (*inputs, *outputs) if 0 < number < nodes_at]
    affines = _read_affines(scales, {number: tensors[of[number]] for number in scalable}, set(inputs))
    return Header(names[0], *ends, tensors, constants, nodes, tail, affines)


def _users(takes: Sequence[Sequence[int]], nodes: Sequence[Node], count: int) -> list[str]:
    """By number, the name of the first node that takes a tensor or constant; "" for none."""
    users = [""] * count
    for numbers, node in reversed(list(zip(takes, nodes, strict=True))):
        for number in numbers:
            if number < count:
                users[number] = node.name
    return users


class _Plain:
    """Knows what a plain node would take: the latest tensor and the next constants; it gives the next tensor."""

    def __init__(self, tensors: int) -> None:
        self.tensors, self.tensor, self.constant = tensors, 1, tensors + 1

    def expected(self, count: int) -> tuple[list[int], list[int]]:
        """The inputs, so many, and outputs of a plain node."""
        return [self.tensor, *range(self.constant, self.constant + count - 1)][:count], [self.tensor + 1]

    def take(self, inputs: list[int], outputs: list[int]) -> None:
        """Note what a node took and gave."""
        self.constant = max([self.constant, *(number + 1 for number in inputs if number > self.tensors)])
        self.tensor = max([self.tensor, *(number for number in outputs if number <= self.tensors)])


def _shared(before: str, name: str) -> int:
    """How many leading characters two names have in common."""
    pairs = zip(before, name, strict=False)
    return next((i for i, (a, b) in enumerate(pairs) if a != b), min(len(before), len(name)))


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise FormatError("a name is no text")
    return value


def _tensor_rows(head: Header) -> list[list[Any]]:
    """Shape, fraction bits, width, dtype; what is as in the row before is left out at the end."""
    rows: list[list[Any]] = []
    before: list[Any] = [[], None, 16, 0]
    for tensor in head.tensors.values():
        fmt = tensor.fmt
        width, frac = (fmt.width, fmt.frac_bits) if fmt else (before[2], None)
        row = [list(tensor.shape), frac, width, DTYPES.index(tensor.dtype)]
        same = next(i for i in range(4, -1, -1) if not i or row[i - 1] != before[i - 1])
        rows.append(row[:same])
        before = row
    return rows


def _read_tensors(rows: tuple[Any, ...], names: list[str]) -> dict[str, Tensor]:
    tensors, before = {}, ((), None, 16, 0)
    for name, own in zip(names[1:], rows, strict=False):
        if len(_tuple(own)) > 4:
            raise FormatError("a tensor of no known kind")
        row = (*own, *before[len(own) :])
        shape = tuple(None if size is None else _int(size, _LARGEST) for size in _dimensions(row[0]))
        fmt = None if row[1] is None else Format(_int(row[2], _WIDEST, 1), _int(row[1], _FRAC, -_FRAC))
        tensors[name] = Tensor(name, shape, DTYPES[_int(row[3], len(DTYPES) - 1)], fmt)
        before = row
    return tensors


def _read_affines(rows: tuple[Any, ...], ends: Mapping[int, Tensor], inputs: set[int]) -> dict[str, Scales]:
    """By tensor, one of `ends`, the numbers of scales and of offsets: 1 or as many as elements; of inputs a norm."""
    affines: dict[str, Scales] = {}
    for row in rows:
        number, *sizes = _tuple(row, at_least=3)[:3]
        norm = "".join(map(_text, row[3:]))
        if len(row) > 3 and (len(row) > 4 or norm not in NORMS or number not in inputs):
            raise FormatError("a norm of no known kind, or of no input")
        tensor = ends.get(_int(number, _LARGEST, 1))
        if tensor is None:
            raise FormatError("scales of what is no input and no output")
        scales, offsets = (_int(size, _LARGEST, 1) for size in sizes)
        if tensor.name in affines or not {scales, offsets} <= {1, tensor.features}:
            raise FormatError(f"{scales} scales and {offsets} offsets of a tensor of {tensor.features} elements")
        affines[tensor.name] = scales, offsets, norm
    return affines


def _constant_rows(head: Header, users: list[str]) -> list[list[Any]]:
    """Name, kind, shape (left out where it is a vector of the rows of the latest coded one), codebook from here on.

    A name is a number, of a word behind the name of the constant's first user and a dot; or how many leading
    characters are that user's, and the rest.
    """
    rows: list[list[Any]] = []
    height = 0
    for at, (constant, user) in enumerate(zip(head.constants, users, strict=True)):
        front, _, word = constant.name.rpartition(".")
        shared = _shared(user, constant.name)
        is_role = word in WORDS and front == user and bool(user)
        row: list[Any] = [WORDS.index(word) if is_role else [shared, constant.name[shared:]]]
        row.append(CODED + WIDTHS.index(constant.code_w) if constant.code_w else DTYPES.index(constant.dtype))
        row += [] if constant.shape == (height,) else [list(constant.shape)]
        if constant.code_w:
            height = constant.shape[0]
            row += [constant.codebook - at] if constant.codebook >= 0 else []
        rows.append(row)
    return rows


def _read_constants(rows: tuple[Any, ...], users: list[str]) -> tuple[Constant, ...]:
    constants: list[Constant] = []
    height = letters = 0
    for at, (user, row) in enumerate(zip(users, rows, strict=True)):
        label, kind, *rest = _tuple(row, at_least=2)
        is_role = not isinstance(label, tuple)
        name = (
            f"{user}.{WORDS[_int(label, len(WORDS) - 1)]}"
            if is_role
            else user[: _int(_tuple(label, 2)[0], len(user))] + _text(label[1])
        )
        letters += len(name)
        if letters > _LETTERS:
            raise FormatError(f"the names of constants have more than {_LETTERS} letters")
        shape = tuple(_int(size, _LARGEST) for size in _dimensions(rest[0])) if rest else (height,)
        if _int(kind, CODED + len(WIDTHS) - 1) < CODED and len(rest) < 2:
            constants.append(Constant(name, DTYPES[kind], shape))
        elif kind >= CODED and len(shape) > 1 and len(rest) < 3:
            code_w = WIDTHS[kind - CODED]
            book = at + _int(rest[1], len(rows), -len(rows)) if len(rest) > 1 else -1
            if (book == at and code_w not in IDENTITY_WIDTHS) or (book not in (-1, at) and code_w not in CODE_WIDTHS):
                raise FormatError(f"codes of {code_w} bits {'without' if book == at else 'with'} a codebook")
            dtype = "float32" if len(rest) < 2 else f"int{code_w}" if book == at else "uint8"
            constants.append(Constant(name, dtype, shape, code_w, book))
            height = shape[0]
        else:
            raise FormatError("a constant of no known kind")
    for constant in constants:
        source = constants[constant.codebook] if 0 <= constant.codebook < len(constants) else None
        looked_up = constant.dtype == "uint8" and constant.code_w
        if looked_up and (source is None or source.dtype != "int64" or len(source.shape) != 1):
            raise FormatError("codes without a codebook")
    return tuple(constants)


def _dimensions(value: Any) -> tuple[Any, ...]:
    if len(_tuple(value)) > MOST_DIMENSIONS:
        raise FormatError(f"a shape of {len(value)} dimensions")
    return _tuple(value)


def _tuple(value: Any, size: int | None = None, at_least: int = 0) -> tuple[Any, ...]:
    """A list that msgpack had; its extension types are tuples too, of a class of their own."""
    if type(value) is not tuple or len(value) < at_least or (size is not None and len(value) != size):
        raise FormatError("a list is missing, or of another length")
    return value


def _int(value: Any, high: int, low: int = 0) -> int:
    if type(value) is not int or not low <= value <= high:
        raise FormatError(f"{str(value)[:20]} where an integer from {low} to {high} belongs")
    return value


def _plain(value: Any, depth: int = 0) -> Any:
    """An attribute: None, bool, int, float, str, bytes, or a tuple of such."""
    if isinstance(value, tuple) and depth < _DEEPEST:
        return [_plain(item, depth + 1) for item in value]
    if value is None or type(value) in (bool, int, float, str, bytes):
        return value
    raise TypeError(f"no attribute can hold a {type(value).__name__}")


def _attribute(value: Any, depth: int = 0) -> Any:
    """The inverse of `_plain`, of what is not to be trusted."""
    if type(value) is tuple and depth < _DEEPEST:
        return tuple(_attribute(item, depth + 1) for item in value)
    if value is None or type(value) in (bool, int, float, str, bytes):
        return value
    raise FormatError(f"no attribute is a {type(value).__name__}")
