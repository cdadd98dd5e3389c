"""C's expressions: computed where they are known, else emitted; calls are inlined."""

from collections.abc import Callable, Iterator
from typing import Any

from emcc.tools.circt.blocks import COMPARED, OPERATORS, Blocks
from emcc.tools.circt.declared import Declared, constant
from emcc.tools.circt.unread import kind_of_node, unread
from emcc.tools.circt.values import BOOL, INT, Array, Cell, Kind, Record, Records, Thing, Value, common


def inside(node: Any) -> Iterator[Any]:
    """Yield a node and all in it."""
    yield node
    for _, child in node.children():
        yield from inside(child)


def is_pure(*nodes: Any) -> bool:
    """Whether code neither touches a memory nor calls, so that it may run where C would not run it."""
    free = {"ID", "Constant", "BinaryOp", "UnaryOp", "TernaryOp", "Cast", "Typename", "TypeDecl", "IdentifierType"}
    free |= {"StructRef", "Assignment", "Compound"}
    return all(kind_of_node(inner) in free for node in nodes if node is not None for inner in inside(node))


class Expressions:
    """Expressions over the variables in scope. `scopes`: from the file's names inwards."""

    def __init__(self, declared: Declared, blocks: Blocks) -> None:
        self.declared, self.blocks = declared, blocks
        self.scopes: list[dict[str, Cell | Thing]] = [dict(declared.things)]

    def call(self, node: Any) -> Thing | None:
        """Run a function; return what it returns."""
        raise NotImplementedError

    def found(self, name: str) -> Cell | Thing:
        """Return what a name stands for."""
        for scope in reversed(self.scopes):
            if name in scope:
                return scope[name]
        raise unread(f"the name {name}")

    def thing(self, node: Any) -> Thing:
        """Evaluate."""
        reader: Callable[[Any], Thing] | None = getattr(self, f"_{kind_of_node(node).lower()}", None)
        if reader is None:
            raise unread(f"an expression of kind {kind_of_node(node)}", node)
        return reader(node)

    def value(self, node: Any) -> Value:
        """Evaluate what is an integer."""
        thing = self.thing(node)
        if not isinstance(thing, Value):
            raise unread("something else than an integer here", node)
        return thing

    def array(self, node: Any) -> Array:
        """Evaluate what is an array."""
        thing = self.thing(node)
        if not isinstance(thing, Array):
            raise unread("something else than an array here", node)
        return thing

    def _constant(self, node: Any) -> Thing:
        return constant(node)

    def _id(self, node: Any) -> Thing:
        found = self.found(node.name)
        if isinstance(found, Cell):
            return found.value or Value(found.kind, 0)
        return found

    def _structref(self, node: Any) -> Thing:
        record = self.thing(node.name)
        if not isinstance(record, Record):
            raise unread("a field of what is no struct", node)
        return record.fields[node.field.name]

    def _arrayref(self, node: Any) -> Thing:
        base = self.thing(node.name)
        index = self.value(node.subscript)
        if isinstance(base, Records):
            if index.known is None:
                raise unread("a struct at a place that is not known", node)
            return base.rows[index.known]
        if not isinstance(base, Array):
            raise unread("an element of what is no array", node)
        return self.blocks.load(base, index)

    def _cast(self, node: Any) -> Thing:
        return self.blocks.cast(self.value(node.expr), self.kind(node.to_type.type))

    def kind(self, node: Any) -> Kind:
        """Return the integer type of a type's node."""
        kind = self.declared.kind(node)
        if kind is None:
            raise unread("a type that is no integer here", node)
        return kind

    def _funccall(self, node: Any) -> Thing:
        value = self.call(node)
        if value is None:
            raise unread("the answer of a function without one", node)
        return value

    def _unaryop(self, node: Any) -> Thing:
        if node.op == "&":
            return self.thing(node.expr)
        value = self.value(node.expr)
        if node.op == "-":
            return self.blocks.compute("-", Value(INT, 0), value)
        if node.op == "!":
            return self.blocks.negated(value)
        if node.op == "~":
            return self.blocks.compute("^", value, Value(INT, -1))
        raise unread(f"the operator {node.op} in an expression", node)

    def _binaryop(self, node: Any) -> Thing:
        if node.op in ("&&", "||"):
            return self._logical(node)
        return self.operated(node.op, self.value(node.left), self.value(node.right), node)

    def operated(self, operator: str, a: Value, b: Value, node: Any) -> Value:
        """Apply an operator of two operands."""
        if operator in COMPARED:
            return self.blocks.compare(operator, a, b)
        if operator in OPERATORS:
            return self.blocks.compute(operator, a, b)
        if operator in ("<<", ">>"):
            return self.blocks.shift(operator, a, b)
        raise unread(f"the operator {operator}", node)

    def _logical(self, node: Any) -> Value:
        left, ends = self.blocks.truth(self.value(node.left)), Value(BOOL, int(node.op == "||"))
        if left.known is not None:
            return left if left.known == ends.known else self.blocks.truth(self.value(node.right))
        if not is_pure(node.right):
            raise unread(f"a memory or a call to the right of {node.op}", node)
        right = self.blocks.truth(self.value(node.right))
        return self.blocks.select(left, ends, right) if node.op == "||" else self.blocks.select(left, right, ends)

    def _ternaryop(self, node: Any) -> Thing:
        condition = self.blocks.truth(self.value(node.cond))
        if condition.known is not None:
            return self.value(node.iftrue if condition.known else node.iffalse)
        blocks, kind = self.blocks, self._kind_of_both(node)
        if is_pure(node.iftrue, node.iffalse):
            a, b = (blocks.cast(self.value(arm), kind) for arm in (node.iftrue, node.iffalse))
            return blocks.select(condition, a, b)
        then, other, end = blocks.label(), blocks.label(), blocks.label()
        blocks.fork(condition, then, other)
        for label, arm in ((then, node.iftrue), (other, node.iffalse)):
            blocks.begin(label)
            blocks.jump(end, [blocks.cast(self.value(arm), kind)])
        return blocks.begin(end, [kind])[0]

    def _kind_of_both(self, node: Any) -> Kind:
        """Return the type of a choice: both sides are read, and nothing is kept."""
        with self.blocks.dropping():
            return common(self.value(node.iftrue).kind, self.value(node.iffalse).kind)
