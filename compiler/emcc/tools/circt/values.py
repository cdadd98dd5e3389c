"""What C's expressions are while they are read: integers of a kind, known or named, and what holds them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    """An integer type."""

    bits: int
    signed: bool

    def __str__(self) -> str:
        return f"i{self.bits}"

    def wrapped(self, value: int) -> int:
        """Return an integer as this type holds it."""
        value &= (1 << self.bits) - 1
        return value - (1 << self.bits) if self.signed and value >> (self.bits - 1) else value


BOOL, INT, LONG = Kind(1, False), Kind(32, True), Kind(64, True)
KINDS = {
    f"{'' if signed else 'u'}int{bits}_t": Kind(bits, signed) for bits in (8, 16, 32, 64) for signed in (True, False)
}
KINDS |= {"int": INT, "long": LONG}


@dataclass(frozen=True)
class Value:
    """An integer: `known` at compile time, else `name`d in the emitted text."""

    kind: Kind
    known: int | None = None
    name: str = ""


@dataclass
class Cell:
    """A variable."""

    kind: Kind
    value: Value | None


@dataclass(frozen=True)
class Array:
    """A memory, or a table where `values` are there. `name`: without the emitted text's sign."""

    name: str
    kind: Kind
    size: int
    values: tuple[int, ...] = ()


@dataclass(frozen=True)
class Record:
    """A struct: a table's row of numbers, or the memories of a scratch."""

    fields: dict[str, "Value | Array"]


@dataclass(frozen=True)
class Records:
    """A table of structs."""

    rows: tuple[Record, ...]


Thing = Value | Array | Record | Records


def common(a: Kind, b: Kind) -> Kind:
    """Return the type that two operands are computed in: C99, 6.3.1.8."""
    bits = max(a.bits, b.bits, 32)
    return Kind(bits, all(kind.signed for kind in (a, b) if kind.bits == bits))
