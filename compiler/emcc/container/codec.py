"""Graph <-> the bytes of a model.emc. docs/format.md is the specification."""

from dataclasses import dataclass, replace
from fractions import Fraction
from math import prod

import numpy as np

from emcc.base.errors import EmccError
from emcc.container import arrays, matrices, wide
from emcc.container.bits import FormatError, read_uint, uint
from emcc.container.file import reading, seal, section_names, unframe
from emcc.container.header import Constant, Header, header_of, pack
from emcc.container.matrices import CODINGS, Matrix, side_by_side
from emcc.ir.affine import sound
from emcc.ir.blocks import Blocks
from emcc.ir.codebook import CODE_WIDTHS, IDENTITY_WIDTHS, raw
from emcc.ir.graph import Affine, Array, Codebook, Graph

WIDE = 16
_UNIT = 32767
_BASE, _PER_BYTE = 1 << 28, 1024
"""Elements that decoding may allocate, and more a byte of the file: a small file must not unfold into a huge model."""


@dataclass(frozen=True)
class Layer:
    """One coded constant as it was read. values: its own codebook, float64, or None; codebook_bytes: what that took.

    scale: of a codebook of its own, or None. block: weights that a code is for; then values are float32 [S, K, block].
    """

    name: str
    code_w: int
    values: Array | None
    matrix: Matrix
    codebook_bytes: int
    scale: Array | None = None
    block: int = 1


def encode(graph: Graph, *, coding: str = "huffman") -> bytes:
    """The file.

    Args:
        graph: any. Weights with codebooks (as the share pass leaves them) and codes (of quantised nodes) are coded;
            other constants are stored as arrays. A graph that does not fit together is a ValueError.
        coding: "huffman", with which hardware and firmware can read all sections; "range", usually smaller and ten
            times slower; "auto", the smaller of both, layer by layer, and "huffman" for large layers
            (`matrices.AUTO_LIMIT`).
    """
    if coding not in CODINGS:
        raise ValueError(f"no coding {coding!r}")
    head = header_of(graph)
    codes = [_codes_of(graph, constant) for constant in head.layers]

    def job(at: int) -> bytes:
        layer, rows_before = head.layers[at], len(codes[at - 1]) if at else 0
        book, front = _book_of(graph, head, layer)
        if layer.code_w == WIDE:
            return front + wide.write(codes[at], _geometry(layer), rows_before, coding)
        return front + matrices.write(raw(codes[at]), book, layer.code_w, _geometry(layer), rows_before, coding)

    plain = b"".join(arrays.write(graph.constants[constant.name]) for constant in head.arrays)
    parts = [graph.affines[name] for name in head.affines]
    scales = b"".join(arrays.write(array) for part in parts for array in (part.scale, part.offset))
    sections = (
        [plain] * bool(head.arrays)
        + [scales] * bool(parts)
        + side_by_side(len(head.layers), job, sum(array.size for array in codes))
    )
    data = seal(pack(head), dict(zip(section_names(head), sections, strict=True)), bool(graph.blocks))
    try:
        claim(head, len(data))
    except FormatError as error:
        raise EmccError(f"the model is too empty to be stored: {error}") from error
    return data


def decode(data: bytes, *, file: object | None = None) -> Graph:
    """The graph, exactly as it was encoded. EmccError, naming the section, where the bytes are not such a file."""
    head, sections = opened(data, file)
    stored = read_arrays(head, sections, file)
    constants: dict[str, Array] = {}
    books: dict[str, Codebook] = {}
    blocks: dict[str, Blocks] = {}
    layers = {layer.name: layer for layer in read_layers(head, sections, stored, file)}
    for constant in head.constants:
        if not constant.code_w:
            constants[constant.name] = stored[constant.name][0]
            continue
        layer = layers[constant.name]
        if constant.blocks and layer.values is not None:
            own = blocks[constant.name] = Blocks(layer.values, layer.matrix.codes, constant.shape)
            constants[constant.name] = own.weights()
            continue
        codes = layer.matrix.codes.reshape(constant.shape)
        constants[constant.name] = codes
        if layer.values is not None:
            book = books[constant.name] = Codebook(layer.values, codes, constant.code_w, layer.scale)
            plain = book.scale is None and not book.identity
            decoded = layer.values.astype(np.float32)[codes] if plain else book.weights().astype(np.float32)
            constants[constant.name] = decoded
    ends = (head.inputs, head.outputs, head.nodes, head.tensors)
    return Graph(head.name, *ends, constants, books, head.host, _affines(head, sections, file), blocks=blocks)


def opened(data: bytes, file: object | None) -> tuple[Header, dict[str, bytes]]:
    """(the header, the sections by name) of a file that asks for no more memory than it may."""
    head, sections = unframe(data, file)
    with reading("header", file):
        claim(head, len(data))
    return head, sections


def claim(head: Header, file_size: int) -> None:
    """FormatError where reading would allocate too much: codes are bytes (8 where they have 16 bits), weights
    floats beside them, arrays floats.

    A dimension of 0 counts as 1: NumPy has no array of nothing by more than can be.
    """
    left = limit = _BASE + _PER_BYTE * file_size
    left -= 8 * sum(scales + offsets for scales, offsets, _ in head.affines.values())
    if left < 0:
        raise FormatError(f"scales and offsets of more than {limit} elements in a file of this size")
    for constant in head.constants:
        coded = 8 if constant.code_w == WIDE else 1
        share = (4 * (constant.codebook < 0) + coded) if constant.code_w else 4
        left -= share * prod(max(size, 1) for size in constant.shape) + 8 * sum(constant.shape)
        left -= 8 * prod(constant.blocks) if constant.blocks else 0
        if left < 0:
            raise FormatError(
                f"constant {constant.name!r}: a model of more than {limit} elements in a file of this size"
            )


def read_arrays(head: Header, sections: dict[str, bytes], file: object | None) -> dict[str, tuple[Array, int]]:
    """(the value, the bytes that it took) of each constant that is stored as an array."""
    values: dict[str, tuple[Array, int]] = {}
    data, at = sections.get("constants", b""), 0
    with reading("constants", file):
        for constant in head.arrays:
            value, end = arrays.read(data, at, constant.size, constant.dtype)
            values[constant.name] = value.reshape(constant.shape), end - at
            at = end
        if at != len(data):
            raise FormatError(f"{len(data) - at} bytes too many")
    return values


def _affines(head: Header, sections: dict[str, bytes], file: object | None) -> dict[str, Affine]:
    """What the host does to tensors."""
    affines: dict[str, Affine] = {}
    data, at = sections.get("scales", b""), 0
    with reading("scales", file):
        for name, (scales, offsets, norm) in head.affines.items():
            scale, at = arrays.read(data, at, scales, "float64")
            offset, at = arrays.read(data, at, offsets, "float64")
            affines[name] = Affine(scale, offset, norm)
            if not sound(affines[name], head.tensors[name].features):
                raise FormatError("a number that is not finite, or a scale of 0")
        if at != len(data):
            raise FormatError(f"{len(data) - at} bytes too many")
    return affines


def read_layers(
    head: Header, sections: dict[str, bytes], stored: dict[str, tuple[Array, int]], file: object | None
) -> list[Layer]:
    """The coded constants, several at a time. `stored`: of `read_arrays`."""

    def job(at: int) -> Layer:
        layer, data = head.layers[at], sections[f"layer {at + 1}"]
        with reading(f"layer {at + 1}", file):
            rows, values, scale, end = layer.shape[0], None, None, 0
            if layer.blocks:
                block, entries, books = layer.blocks
                flat, end = arrays.read(data, 0, books * entries * block, "float32")
                if not np.isfinite(flat).all():
                    raise FormatError("a sub-vector that is not finite")
                matrix = matrices.read(data[end:], rows, layer.columns, _numbers(layer), _geometry(layer))
                if int(matrix.codes.max(initial=0)) >= entries:
                    raise FormatError("codes beyond the codebook")
                values = flat.reshape(books, entries, block)
                return Layer(layer.name, layer.code_w, values, matrix, end, block=block)
            if layer.codebook < 0:
                values, scale, end = _read_book(data, layer)
                count, book = values.size or None, relative(values, layer.code_w)
            elif layer.identity:
                count, book = None, _integers(layer.code_w)
            else:
                full = stored[head.constants[layer.codebook].name][0]
                count, book = full.size, _of_width(full, layer.code_w)
            columns = layer.size // max(rows, 1)
            if layer.code_w == WIDE:
                matrix = wide.read(data[end:], rows, columns, _geometry(layer))
            else:
                matrix = matrices.read(data[end:], rows, columns, book, _geometry(layer))
            if count is None and layer.code_w != WIDE:
                matrix = replace(matrix, codes=matrix.codes.view(np.int8))
            elif count is not None and matrix.codes.max(initial=0) >= count:
                raise FormatError("codes beyond the codebook")
        return Layer(layer.name, layer.code_w, values, matrix, end, scale)

    return side_by_side(len(head.layers), job, sum(layer.size for layer in head.layers))


def _book_of(graph: Graph, head: Header, layer: Constant) -> tuple[Array, bytes]:
    """(the integers by which codes are told apart, the codebook as the layer's section begins with it)."""
    if layer.blocks:
        blocks = graph.blocks[layer.name]
        if blocks.fault() or blocks.shape != layer.shape or not blocks.decodes_to(graph.constants[layer.name]):
            raise ValueError(f"constant {layer.name!r} is not what its blocks say")
        return _numbers(layer), arrays.write(blocks.values)
    if layer.identity:
        return _integers(layer.code_w), b""
    if layer.codebook >= 0:
        return _of_width(graph.constants[head.constants[layer.codebook].name], layer.code_w), b""
    book = graph.codebooks[layer.name]
    kind = f"int{book.code_w}" if book.identity else "uint8"
    fits = book.values.dtype == np.float64 and book.values.ndim == 1 and book.codes.dtype == kind
    widths = IDENTITY_WIDTHS if book.identity else CODE_WIDTHS
    if not fits or book.codes.shape != layer.shape or book.code_w not in widths or len(book.values) > 1 << book.code_w:
        raise ValueError(f"the codebook of {layer.name!r} is malformed")
    if book.scale is not None and (book.scale.dtype != np.float64 or book.scale.shape not in ((1,), layer.shape[:1])):
        raise ValueError(f"the scales of {layer.name!r} are malformed")
    beyond = not book.identity and book.codes.max(initial=0) >= len(book.values)
    if beyond or not _same(graph.constants[layer.name], book):
        raise ValueError(f"constant {layer.name!r} is not what its codebook says")
    return relative(book.values, layer.code_w), _written(book)


def _written(book: Codebook) -> bytes:
    """A codebook of its own: its entries; behind a 0, where it has none or has scales, entries and scales."""
    own = uint(book.values.size) + (arrays.write(book.values) if book.values.size else b"")
    if book.scale is None and not book.identity:
        return own
    scales = uint(0) if book.scale is None else uint(book.scale.size) + arrays.write(book.scale)
    return uint(0) + own + scales


def _read_book(data: bytes, layer: Constant) -> tuple[Array, Array | None, int]:
    """(entries, scales or None, the byte after them) of a codebook of its own."""
    count, at = read_uint(data, 0)
    scaled = not count
    if scaled:
        count, at = read_uint(data, at)
    widths = CODE_WIDTHS if count else IDENTITY_WIDTHS
    if count > 1 << layer.code_w or layer.code_w not in widths:
        raise FormatError(f"a codebook of {count} entries for codes of {layer.code_w} bits")
    values, scale = np.zeros(0), None
    if count:
        values, at = arrays.read(data, at, count, "float64")
    if scaled:
        scales, at = read_uint(data, at)
        if scales not in (0, 1, layer.shape[0]):
            raise FormatError(f"{scales} scales of {layer.shape[0]} rows")
        if scales:
            scale, at = arrays.read(data, at, scales, "float64")
    return values, scale, at


def _numbers(layer: Constant) -> Array:
    """int64 [2**code_w]: codes of sub-vectors are told apart by their numbers."""
    return np.arange(1 << layer.code_w)


def _integers(code_w: int) -> Array:
    """int64 [2**code_w]: what codes that are weights stand for."""
    return np.arange(1 << code_w).astype(f"uint{code_w}").view(f"int{code_w}").astype(np.int64)


def relative(values: Array, code_w: int) -> Array:
    """int64 [2**code_w]: the values as parts of the largest, in 2**-15, exactly rounded towards zero.

    Without values, codes are the weights.
    """
    if not values.size:
        return _integers(code_w)
    book = np.zeros(1 << code_w, np.int64)
    if np.isfinite(values).all() and values.any():
        exact = [Fraction(value) for value in values.tolist()]
        top = max(abs(value) for value in exact)
        book[: len(exact)] = [int(value * _UNIT / top) for value in exact]
    return book


def _of_width(book: Array, code_w: int) -> Array:
    """The first 2**code_w entries; 0 where there are fewer."""
    return np.concatenate([book, np.zeros(1 << code_w, np.int64)])[: 1 << code_w]


def _geometry(layer: Constant) -> tuple[int, int]:
    return (layer.shape[2], layer.shape[3]) if len(layer.shape) == 4 and not layer.blocks else (1, 1)


def _codes_of(graph: Graph, layer: Constant) -> Array:
    if layer.blocks:
        return graph.blocks[layer.name].codes
    codes = graph.codebooks[layer.name].codes if layer.codebook < 0 else graph.constants[layer.name]
    return np.asarray(codes).reshape(layer.shape[0], -1)


def _same(weights: Array, book: Codebook) -> bool:
    """Whether the weights are the codebook's, row by row, for there may be many."""
    if book.identity or book.scale is not None:
        return weights.shape == book.codes.shape and bool(
            np.array_equal(weights, book.weights().astype(np.float32), equal_nan=True)
        )
    values = book.values.astype(np.float32)
    return weights.shape == book.codes.shape and all(
        np.array_equal(own, values[codes], equal_nan=True) for own, codes in zip(weights, book.codes, strict=True)
    )
