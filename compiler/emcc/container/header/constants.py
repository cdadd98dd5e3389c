"""Rows of constants, whose names lean on the node that takes them."""

from typing import Any

from emcc.container.arrays import DTYPES
from emcc.container.bits import FormatError
from emcc.container.header.doors import as_int, as_text, as_tuple, dimensions
from emcc.container.header.values import CODED, LARGEST, LETTERS, WIDTHS, Constant, Header
from emcc.container.header.words import WORDS
from emcc.ir.codebook import CODE_WIDTHS, IDENTITY_WIDTHS


def constant_rows(head: Header, users: list[str]) -> list[list[Any]]:
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
        if as_int(kind, CODED + len(WIDTHS) - 1) < CODED and len(rest) < 2:
            constants.append(Constant(name, DTYPES[kind], shape))
        elif kind >= CODED and len(shape) > 1 and len(rest) < 3:
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


def _shared(before: str, name: str) -> int:
    """How many leading characters two names have in common."""
    pairs = zip(before, name, strict=False)
    return next((i for i, (a, b) in enumerate(pairs) if a != b), min(len(before), len(name)))
