"""Rows of constants, whose names lean on the node that takes them."""

from math import prod
from typing import Any

from emcc.container.arrays import DTYPES
from emcc.container.bits import FormatError
from emcc.container.header.doors import as_int, as_text, as_tuple, dimensions
from emcc.container.header.values import BLOCKS, CODED, LARGEST, LETTERS, WIDTHS, Constant, Header
from emcc.container.header.words import WORDS
from emcc.ir.codebook import CODE_WIDTHS, IDENTITY_WIDTHS


def constant_rows(head: Header, users: list[str]) -> list[list[Any]]:
    """Name, kind, shape (left out where it is a vector of the rows of the latest coded one), codebook from here on,
    or the numbers of its blocks.

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
        row.append(_kind(constant))
        row += [] if constant.shape == (height,) else [list(constant.shape)]
        if constant.code_w:
            height = constant.shape[0]
            row += [constant.codebook - at] if constant.codebook >= 0 else []
            row += [list(constant.blocks)] if constant.blocks else []
        rows.append(row)
    return rows


def read_constants(rows: tuple[Any, ...], users: list[str]) -> tuple[Constant, ...]:
    """The inverse of `constant_rows`; `users`: by constant, the name of its first user."""
    constants: list[Constant] = []
    height = letters = 0
    for at, (user, row) in enumerate(zip(users, rows, strict=True)):
        label, kind, *rest = as_tuple(row, at_least=2)
        is_role = not isinstance(label, tuple)
        name = (
            f"{user}.{WORDS[as_int(label, len(WORDS) - 1)]}"
            if is_role
            else user[: as_int(as_tuple(label, 2)[0], len(user))] + as_text(label[1])
        )
        letters += len(name)
        if letters > LETTERS:
            raise FormatError(f"the names of constants have more than {LETTERS} letters")
        shape = tuple(as_int(size, LARGEST) for size in dimensions(rest[0])) if rest else (height,)
        if as_int(kind, BLOCKS) < CODED and len(rest) < 2:
            constants.append(Constant(name, DTYPES[kind], shape))
        elif kind == BLOCKS and len(rest) == 2:
            constants.append(_in_blocks(name, shape, rest[1]))
            height = shape[0]
        elif CODED <= kind < BLOCKS and len(shape) > 1 and len(rest) < 3:
            code_w = WIDTHS[kind - CODED]
            book = at + as_int(rest[1], len(rows), -len(rows)) if len(rest) > 1 else -1
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


def _kind(constant: Constant) -> int:
    """The number of a constant's kind."""
    if constant.blocks:
        return BLOCKS
    return CODED + WIDTHS.index(constant.code_w) if constant.code_w else DTYPES.index(constant.dtype)


def _in_blocks(name: str, shape: tuple[int, ...], numbers: Any) -> Constant:
    """Product-quantised weights: the weights of a block, sub-vectors of a codebook, codebooks."""
    block, entries, books = (as_int(number, LARGEST, 1) for number in as_tuple(numbers, 3))
    columns = prod(shape[1:])
    if len(shape) < 2 or not prod(shape) or block < 2 or columns % block or entries > 1 << CODE_WIDTHS[-1]:
        raise FormatError(f"{entries} sub-vectors of {block} for weights {shape}")
    if books not in (1, columns // block):
        raise FormatError(f"{books} codebooks for {columns // block} blocks a row")
    code_w = next(width for width in CODE_WIDTHS if entries <= 1 << width)
    return Constant(name, "float32", shape, code_w, -1, (block, entries, books))


def _shared(before: str, name: str) -> int:
    """How many leading characters two names have in common."""
    pairs = zip(before, name, strict=False)
    return next((i for i, (a, b) in enumerate(pairs) if a != b), min(len(before), len(name)))
