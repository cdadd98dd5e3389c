"""What a file declares: types, tables, functions."""

from typing import Any

from emcc.tools.circt.unread import kind_of_node, unread
from emcc.tools.circt.values import INT, KINDS, LONG, Array, Kind, Record, Records, Thing, Value


class Declared:
    """The names of a file.

    Attributes:
        functions: their definitions. things: tables of numbers, by name.
    """

    def __init__(self, tree: Any) -> None:
        self.functions: dict[str, Any] = {}
        self.things: dict[str, Thing] = {}
        self._types: dict[str, Any] = {}
        for node in tree.ext:
            if kind_of_node(node) == "Typedef":
                self._types[node.name] = node.type
            elif kind_of_node(node) == "FuncDef":
                self.functions[node.decl.name] = node
            elif kind_of_node(node) == "Decl" and node.init is not None:
                self.things[node.name] = self._table(node)

    def kind(self, node: Any) -> Kind | None:
        """Return the integer type of a type's node, or None where it is another one."""
        base = self.base(node)
        return base if isinstance(base, Kind) else None

    def base(self, node: Any) -> Any:
        """Return a Kind, or the node of what is no integer."""
        inner = node.type if kind_of_node(node) == "TypeDecl" else node
        if kind_of_node(inner) != "IdentifierType":
            return inner
        name = inner.names[-1]
        return KINDS[name] if name in KINDS else self.base(self._types[name]) if name in self._types else inner

    def memories(self, node: Any) -> Record | None:
        """Return the memories of a struct of arrays; None where a type is no such struct."""
        struct = self.base(node)
        if kind_of_node(struct) != "Struct":
            return None
        return Record({decl.name: self._memory(decl) for decl in struct.decls})

    def is_record(self, node: Any) -> bool:
        """Tell whether a type is a struct of integers."""
        struct = self.base(node)
        return kind_of_node(struct) == "Struct" and all(self.kind(decl.type) for decl in struct.decls)

    def fields(self, node: Any) -> list[tuple[str, Kind]]:
        """Return the names and types of a struct of integers."""
        if not self.is_record(node):
            raise unread("a list of values for anything but a struct of integers here", node)
        return [(decl.name, self.kind(decl.type) or INT) for decl in self.base(node).decls]

    def _memory(self, decl: Any) -> Array:
        kind = self.kind(decl.type.type) if kind_of_node(decl.type) == "ArrayDecl" else None
        if kind is None:
            raise unread("a struct of anything but arrays", decl)
        return Array(decl.name, kind, number(decl.type.dim))

    def _table(self, node: Any) -> Thing:
        kind = self.kind(node.type.type)
        if kind is not None:
            values = tuple(kind.wrapped(number(value)) for value in node.init.exprs)
            return Array(node.name, kind, len(values), values)
        return Records(tuple(_record(self.fields(node.type.type), row.exprs) for row in node.init.exprs))


def _record(fields: list[tuple[str, Kind]], values: list[Any]) -> Record:
    return Record(
        {name: Value(kind, kind.wrapped(number(value))) for (name, kind), value in zip(fields, values, strict=True)}
    )


def number(node: Any) -> int:
    """Return a number as it stands in a table or a size."""
    if kind_of_node(node) == "Constant":
        return int(node.value.rstrip("uUlL"), 0)
    if kind_of_node(node) == "UnaryOp" and node.op == "-":
        return -number(node.expr)
    raise unread("an expression in a table or size", node)


def constant(node: Any) -> Value:
    """Return a number in an expression, with its type."""
    value = number(node)
    bits = 64 if "long" in node.type or value >> 32 else 32
    if "unsigned" in node.type:
        return Value(Kind(bits, False), value)
    return Value(LONG if bits == 64 or value >> 31 else INT, value)
