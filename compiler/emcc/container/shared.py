"""The sections of any graph whose weights have codebooks: layers in codes, all other constants as they are."""

from fractions import Fraction

import numpy as np

from emcc.container import arrays, matrices
from emcc.container.bits import FormatError
from emcc.container.budget import Budget
from emcc.container.file import reading
from emcc.container.general import Constant, General, general_of
from emcc.container.layers import Layer
from emcc.container.matrices import ones, side_by_side
from emcc.container.varint import read_uint, uint
from emcc.ir.graph import Array, Codebook, Graph

_UNIT = 32767


def write(graph: Graph, coding: str) -> tuple[General, list[bytes]]:
    """(the header, the sections). ValueError if a constant is not what its codebook says."""
    head, plain = general_of(graph), coding == "huffman"

    def job(at: int, done: matrices.Done[bytes]) -> bytes:
        layer = head.layers[at]
        book = graph.codebooks[layer.name]
        fits = book.values.dtype == np.float64 and book.values.ndim == 1 and book.codes.dtype == np.uint8
        if not fits or book.codes.shape != layer.shape or len(book.values) > 1 << book.code_w:
            raise ValueError(f"the codebook of {layer.name!r} is malformed")
        if book.codes.max(initial=0) >= len(book.values) or not _same(graph.constants[layer.name], book):
            raise ValueError(f"constant {layer.name!r} is not what its codebook says")
        codes = book.codes.reshape(layer.shape[0], -1)
        before = _codes(graph, head.layers[at - 1]) if at else codes[:0]
        matrix = matrices.write(
            codes, relative(book.values, layer.code_w), layer.code_w, _geometry(layer), len(before),
            lambda: ones(before), coding,
        )  # fmt: skip
        return uint(len(book.values)) + arrays.write(book.values, plain=plain) + matrix

    constants = b"".join(arrays.write(graph.constants[constant.name], plain=plain) for constant in head.arrays)
    return head, ([constants] if head.arrays else []) + side_by_side(len(head.layers), job)


def claim(head: General, budget: Budget) -> None:
    """Take what reading will allocate: a layer's weights are floats."""
    for constant in head.constants:
        elements = 5 * constant.size if constant.code_w else 4 * constant.size
        budget.take(elements + 8 * sum(constant.shape), f"constant {constant.name!r}: a model")


def read(head: General, sections: dict[str, bytes], file: object | None) -> Graph:
    """The inverse of `write`."""
    constants, books = {name: value for name, (value, _) in read_arrays(head, sections, file).items()}, {}
    for constant, layer in zip(head.layers, read_layers(head, sections, file), strict=True):
        codes = layer.matrix.codes.reshape(constant.shape)
        books[constant.name] = Codebook(layer.codebook, codes, constant.code_w)
        constants[constant.name] = layer.codebook.astype(np.float32)[codes]
    return Graph(head.name, head.inputs, head.outputs, head.nodes, head.tensors, constants, books, head.host)


def read_arrays(head: General, sections: dict[str, bytes], file: object | None) -> dict[str, tuple[Array, int]]:
    """(the value, the bytes that it took) of each constant that is not a layer's weights."""
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


def read_layers(head: General, sections: dict[str, bytes], file: object | None) -> list[Layer]:
    """The layers' sections, several at a time; without biases."""

    def job(at: int, done: matrices.Done[Layer]) -> Layer:
        layer, data = head.layers[at], sections[f"layer {at + 1}"]
        rows = layer.shape[0]
        with reading(f"layer {at + 1}", file):
            count, begin = read_uint(data, 0)
            if not 0 < count <= 1 << layer.code_w:
                raise FormatError(f"a codebook of {count} entries for codes of {layer.code_w} bits")
            values, end = arrays.read(data, begin, count, "float64")
            matrix = matrices.read(
                data[end:],
                rows,
                layer.size // max(rows, 1),
                relative(values, layer.code_w),
                _geometry(layer),
                lambda: ones(done(at - 1).matrix.codes) if at else np.zeros(0, np.int64),
            )
            if matrix.codes.max(initial=0) >= count:
                raise FormatError("codes beyond the codebook")
        return Layer(layer.name, layer.code_w, values, None, matrix, end, 0)

    return side_by_side(len(head.layers), job)


def relative(values: Array, code_w: int) -> Array:
    """int64 [2**code_w]: the values as parts of the largest, in 2**-15, exactly rounded towards zero."""
    book = np.zeros(1 << code_w, np.int64)
    if np.isfinite(values).all() and values.any():
        exact = [Fraction(value) for value in values.tolist()]
        top = max(abs(value) for value in exact)
        book[: len(exact)] = [int(value * _UNIT / top) for value in exact]
    return book


def _geometry(layer: Constant) -> tuple[int, int]:
    return (layer.shape[2], layer.shape[3]) if len(layer.shape) == 4 else (1, 1)


def _codes(graph: Graph, layer: Constant) -> Array:
    return graph.codebooks[layer.name].codes.reshape(layer.shape[0], -1)


def _same(weights: Array, book: Codebook) -> bool:
    """Whether the weights are the codebook's, row by row, for there may be many."""
    values = book.values.astype(np.float32)
    return weights.shape == book.codes.shape and all(
        np.array_equal(own, values[codes], equal_nan=True) for own, codes in zip(weights, book.codes, strict=True)
    )
