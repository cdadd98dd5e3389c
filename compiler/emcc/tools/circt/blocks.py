"""Text in MLIR's dialects func, cf, arith and memref, block after block."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from emcc.tools.circt.values import BOOL, INT, Array, Kind, Value, common

OPERATORS = {"+": "addi", "-": "subi", "*": "muli", "&": "andi", "|": "ori", "^": "xori"}
COMPARED = {"<": "lt", "<=": "le", ">": "gt", ">=": "ge", "==": "eq", "!=": "ne"}


class Emitted(Exception):
    """Something had to be emitted where everything was tried to be known."""


class Blocks:
    """A function's body, as it is written. What is known is computed here and takes no line.

    Attributes:
        tables: arrays of numbers that are read at places not known, by their names. memories: the others.
    """

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.tables: dict[str, Array] = {}
        self.memories: dict[str, Array] = {}
        self._names, self._labels, self._trying = 0, 0, False
        self._constants: dict[tuple[int, Kind], str] = {}

    @contextmanager
    def trying(self) -> Iterator[None]:
        """Let nothing be emitted: Emitted is raised instead."""
        before, self._trying = self._trying, True
        try:
            yield
        finally:
            self._trying = before

    @contextmanager
    def dropping(self) -> Iterator[None]:
        """Keep nothing of what is emitted meanwhile."""
        lines, constants = len(self.lines), dict(self._constants)
        yield
        del self.lines[lines:]
        self._constants = constants

    def line(self, text: str) -> None:
        """Emit a line."""
        if self._trying:
            raise Emitted
        self.lines.append(f"  {text}")

    def label(self) -> str:
        """Return a name for a block."""
        self._labels += 1
        return f"^b{self._labels}"

    def begin(self, label: str, kinds: Sequence[Kind] = ()) -> list[Value]:
        """Begin a block, which takes values."""
        values = [Value(kind, name=self._fresh()) for kind in kinds]
        given = ", ".join(f"{value.name}: {value.kind}" for value in values)
        self.line(f"{label}({given}):" if values else f"{label}:")
        self._constants = {}
        return values

    def jump(self, label: str, values: Sequence[Value] = ()) -> None:
        """End a block."""
        self.line(f"cf.br {self._target(label, values)}")

    def fork(self, condition: Value, then: str, other: str) -> None:
        """End a block with a choice."""
        self.line(f"cf.cond_br {self.named(condition)}, {then}, {other}")

    def _target(self, label: str, values: Sequence[Value]) -> str:
        if not values:
            return label
        names = [self.named(value) for value in values]
        return f"{label}({', '.join(names)}: {', '.join(str(value.kind) for value in values)})"

    def named(self, value: Value) -> str:
        """Return a value's name; a number is a constant of the block."""
        if value.known is None:
            return value.name
        key = value.known, value.kind
        if key not in self._constants:
            number = ("true" if value.known else "false") if value.kind == BOOL else f"{value.known} : {value.kind}"
            self._constants[key] = self._new(f"arith.constant {number}")
        return self._constants[key]

    def cast(self, value: Value, kind: Kind) -> Value:
        """Convert."""
        if value.known is not None:
            return Value(kind, kind.wrapped(value.known))
        if value.kind.bits == kind.bits:
            return Value(kind, name=value.name)
        how = "trunci" if kind.bits < value.kind.bits else "extsi" if value.kind.signed else "extui"
        return Value(kind, name=self._new(f"arith.{how} {value.name} : {value.kind} to {kind}"))

    def truth(self, value: Value) -> Value:
        """Return whether a value is not 0."""
        return value if value.kind == BOOL else self.compare("!=", value, Value(INT, 0))

    def negated(self, value: Value) -> Value:
        """Return whether a value is 0."""
        return self.compare("==", value, Value(INT, 0))

    def compare(self, operator: str, a: Value, b: Value) -> Value:
        """Compare, in the operands' common type."""
        kind = common(a.kind, b.kind)
        a, b = self.cast(a, kind), self.cast(b, kind)
        name = COMPARED[operator]
        if a.known is not None and b.known is not None:
            return Value(BOOL, int(getattr(a.known, f"__{name}__")(b.known)))
        how = name if name in ("eq", "ne") else ("s" if kind.signed else "u") + name
        return Value(BOOL, name=self._new(f"arith.cmpi {how}, {self.named(a)}, {self.named(b)} : {kind}"))

    def compute(self, operator: str, a: Value, b: Value) -> Value:
        """Compute, in the operands' common type."""
        kind = common(a.kind, b.kind)
        a, b = self.cast(a, kind), self.cast(b, kind)
        name = OPERATORS[operator]
        if a.known is not None and b.known is not None:
            method = {"addi": "add", "subi": "sub", "muli": "mul", "andi": "and", "ori": "or", "xori": "xor"}[name]
            return Value(kind, kind.wrapped(getattr(a.known, f"__{method}__")(b.known)))
        for one, other in ((a, b), (b, a)):
            if one.known == 0 and operator == "*":
                return one
            neutral = {"+": 0, "*": 1, "|": 0, "^": 0, "-": 0 if one is b else None}.get(operator)
            if one.known is not None and one.known == neutral:
                return other
        return Value(kind, name=self._new(f"arith.{name} {self.named(a)}, {self.named(b)} : {kind}"))

    def shift(self, operator: str, a: Value, b: Value) -> Value:
        """Shift: the type is the left operand's."""
        kind = common(a.kind, INT)
        a, b = self.cast(a, kind), self.cast(b, kind)
        if b.known == 0:
            return a
        if a.known is not None and b.known is not None:
            return Value(kind, kind.wrapped(a.known << b.known if operator == "<<" else a.known >> b.known))
        how = "shli" if operator == "<<" else "shrsi" if kind.signed else "shrui"
        return Value(kind, name=self._new(f"arith.{how} {self.named(a)}, {self.named(b)} : {kind}"))

    def select(self, condition: Value, a: Value, b: Value) -> Value:
        """Choose between two values of one type."""
        if a == b:
            return a
        words = f"arith.select {self.named(condition)}, {self.named(a)}, {self.named(b)} : {a.kind}"
        return Value(a.kind, name=self._new(words))

    def load(self, array: Array, index: Value) -> Value:
        """Read an element."""
        if not array.values:
            return Value(array.kind, name=self._new(f"memref.load {self._at(array, index)}"))
        if index.known is not None:
            return Value(array.kind, array.values[index.known])
        place = self.named(self.cast(index, INT))
        value = Value(array.kind, name=self._new(f"func.call @{array.name}({place}) : (i32) -> {array.kind}"))
        self.tables[array.name] = array
        return value

    def store(self, array: Array, index: Value, value: Value) -> None:
        """Write an element."""
        name = self.named(self.cast(value, array.kind))
        self.line(f"memref.store {name}, {self._at(array, index)}")

    def _at(self, array: Array, index: Value) -> str:
        self.memories[array.name] = array
        place = self._new(f"arith.index_cast {self.named(index)} : {index.kind} to index")
        return f"%{array.name}[{place}] : memref<{max(2, array.size)}x{array.kind}>"

    def _fresh(self) -> str:
        self._names += 1
        return f"%v{self._names}"

    def _new(self, text: str) -> str:
        name = self._fresh()
        self.line(f"{name} = {text}")
        return name
