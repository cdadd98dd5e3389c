"""C's statements: what is known runs here; loops of one round and known choices are gone, others are blocks."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from emcc.tools.circt.blocks import Emitted
from emcc.tools.circt.expressions import Expressions, inside, is_pure
from emcc.tools.circt.unread import kind_of_node, unread
from emcc.tools.circt.values import INT, Cell, Record, Thing, Value

COUNTS = ("++", "p++", "--", "p--")
ROUNDS = 128
"""So many rounds at most of a loop that is computed here, because nothing in it depends on data."""


def assigned(*nodes: Any) -> set[str]:
    """Return the names of the variables that code writes."""
    names = set()
    for node in (inner for outer in nodes if outer is not None for inner in inside(outer)):
        if kind_of_node(node) == "Assignment" and kind_of_node(node.lvalue) == "ID":
            names.add(node.lvalue.name)
        elif kind_of_node(node) == "UnaryOp" and node.op in COUNTS:
            names.add(node.expr.name)
    return names


class Statements(Expressions):
    """Statements over the variables in scope.

    Attributes:
        returned: what the function that runs has returned.
    """

    returned: Thing | None = None

    def run(self, node: Any) -> None:
        """Run a statement."""
        reader = getattr(self, f"_run_{kind_of_node(node).lower()}", None)
        if reader is None:
            raise unread(f"a statement of kind {kind_of_node(node)}", node)
        reader(node)

    def call(self, node: Any) -> Thing | None:
        """Run a function in a scope of its own; return what it returns."""
        function = self.declared.functions.get(node.name.name)
        if function is None:
            raise unread(f"the function {node.name.name}", node)
        scope: dict[str, Any] = {}
        for parameter, argument in zip(function.decl.type.args.params, node.args.exprs, strict=True):
            thing, kind = self.thing(argument), self.declared.kind(parameter.type)
            if isinstance(thing, Value) and kind is not None:
                scope[parameter.name] = Cell(kind, self.blocks.cast(thing, kind))
            else:
                scope[parameter.name] = thing
        answer = self.ran(function.body, scope)
        kind = self.declared.kind(function.decl.type.type)
        return answer if kind is None or not isinstance(answer, Value) else self.blocks.cast(answer, kind)

    def ran(self, body: Any, scope: dict[str, Any]) -> Thing | None:
        """Run a function's body with its arguments; return what it returns."""
        outside, self.scopes = self.scopes, [self.scopes[0], scope]
        before, self.returned = self.returned, None
        self.run(body)
        self.scopes, value, self.returned = outside, self.returned, before
        return value

    @contextmanager
    def _scope(self) -> Iterator[None]:
        self.scopes.append({})
        yield
        self.scopes.pop()

    def _run_compound(self, node: Any) -> None:
        with self._scope():
            for item in node.block_items or ():
                self.run(item)
                if self.returned is not None:
                    break

    def _run_emptystatement(self, node: Any) -> None:
        pass

    def _run_decllist(self, node: Any) -> None:
        for decl in node.decls:
            self.run(decl)

    def _run_decl(self, node: Any) -> None:
        if kind_of_node(node.init) == "InitList":
            self.scopes[-1][node.name] = self._record(node)
            return
        if self.declared.is_record(node.type) and node.init is not None:
            self.scopes[-1][node.name] = self.thing(node.init)
            return
        kind, memories = self.declared.kind(node.type), self.declared.memories(node.type)
        if kind is not None:
            value = None if node.init is None else self.blocks.cast(self.value(node.init), kind)
            self.scopes[-1][node.name] = Cell(kind, value)
        elif memories is not None and "static" in node.storage:
            self.scopes[-1][node.name] = memories
        else:
            raise unread("a variable that is neither an integer nor a scratch", node)

    def _record(self, node: Any) -> Record:
        """Return a struct of integers with the values that it is declared with."""
        fields, values = self.declared.fields(node.type), node.init.exprs
        if len(values) != len(fields):
            raise unread("a struct with other values than one a field", node)
        pairs = zip(fields, values, strict=True)
        return Record({name: self.blocks.cast(self.value(value), kind) for (name, kind), value in pairs})

    def _run_return(self, node: Any) -> None:
        if node.expr is None:
            raise unread("a return without a value", node)
        self.returned = self.thing(node.expr)

    def _run_funccall(self, node: Any) -> None:
        self.call(node)

    def _run_assignment(self, node: Any) -> None:
        operator = node.op.removesuffix("=")
        if kind_of_node(node.lvalue) == "ArrayRef":
            array, index = self.array(node.lvalue.name), self.value(node.lvalue.subscript)
            value = self.value(node.rvalue)
            if operator:
                value = self.operated(operator, self.blocks.load(array, index), value, node)
            self.blocks.store(array, index, value)
        else:
            value = self.value(node.rvalue)
            self._set(node.lvalue, self.operated(operator, self.value(node.lvalue), value, node) if operator else value)

    def _run_unaryop(self, node: Any) -> None:
        if node.op not in COUNTS:
            raise unread(f"the operator {node.op} as a statement", node)
        operator = node.op.removeprefix("p")[0]
        self._set(node.expr, self.operated(operator, self.value(node.expr), Value(INT, 1), node))

    def _set(self, node: Any, value: Value) -> None:
        cell = self.found(node.name) if kind_of_node(node) == "ID" else None
        if not isinstance(cell, Cell):
            raise unread("an assignment to what is no variable", node)
        cell.value = self.blocks.cast(value, cell.kind)

    def _run_if(self, node: Any) -> None:
        condition = self.blocks.truth(self.value(node.cond))
        if condition.known is not None:
            if arm := node.iftrue if condition.known else node.iffalse:
                self.run(arm)
            return
        cells = self._cells(node.iftrue, node.iffalse)
        before = [cell.value for cell in cells]
        if is_pure(node.iftrue, node.iffalse):
            then = self._arm(node.iftrue, cells)
            _put(cells, before)
            other = self._arm(node.iffalse, cells)
            chosen = [self.blocks.select(condition, a, b) for a, b in zip(then, other, strict=True)]
        else:
            labels = [self.blocks.label() for _ in range(3)]
            self.blocks.fork(condition, labels[0], labels[1])
            for label, arm in zip(labels, (node.iftrue, node.iffalse), strict=False):
                _put(cells, before)
                self.blocks.begin(label)
                self.blocks.jump(labels[2], self._arm(arm, cells))
            chosen = self.blocks.begin(labels[2], [cell.kind for cell in cells])
        _put(cells, chosen)

    def _arm(self, node: Any, cells: Sequence[Cell]) -> list[Value]:
        """Run one side of a choice; return what variables are then."""
        if node is not None:
            self.run(node)
        if self.returned is not None:
            raise unread("a return that depends on data", node)
        return _values(cells)

    def _run_for(self, node: Any) -> None:
        if node.cond is None or node.next is None:
            raise unread("a loop that does not count", node)
        with self._scope():
            if node.init is not None:
                self.run(node.init)
            if not self._known(node):
                if self._once(node):
                    self._round(node)
                else:
                    self._loop(node)

    def _loop(self, node: Any) -> None:
        cells, blocks = self._cells(node.stmt, node.next), self.blocks
        head, body, end = blocks.label(), blocks.label(), blocks.label()
        blocks.jump(head, _values(cells))
        taken = blocks.begin(head, [cell.kind for cell in cells])
        _put(cells, taken)
        blocks.fork(blocks.truth(self.value(node.cond)), body, end)
        blocks.begin(body)
        self._round(node)
        blocks.jump(head, _values(cells))
        blocks.begin(end)
        _put(cells, taken)

    def _known(self, node: Any) -> bool:
        """Run a loop here, where everything in it is known; else leave things as they were."""

        def rounds() -> bool:
            for _ in range(ROUNDS):
                if self.blocks.truth(self.value(node.cond)).known == 0:
                    return True
                self._round(node)
            return False

        return self._tried(rounds)

    def _once(self, node: Any) -> bool:
        """Whether a loop has one round, whatever is in it."""
        if assigned(node.stmt) & {inner.name for inner in inside(node.cond) if kind_of_node(inner) == "ID"}:
            return False

        def first_only() -> bool:
            first = self.blocks.truth(self.value(node.cond)).known
            self.run(node.next)
            return first == 1 and self.blocks.truth(self.value(node.cond)).known == 0

        return self._tried(first_only, keep=False)

    def _round(self, node: Any) -> None:
        self.run(node.stmt)
        self.run(node.next)
        if self.returned is not None:
            raise unread("a return in a loop", node)

    def _tried(self, body: Callable[[], bool], keep: bool = True) -> bool:
        """Return what `body` says with nothing emitted; variables stay as it leaves them if it says yes and `keep`."""
        scopes = list(self.scopes)
        cells = [cell for scope in scopes for cell in scope.values() if isinstance(cell, Cell)]
        before, done = [cell.value for cell in cells], False
        with suppress(Emitted), self.blocks.trying():
            done = body()
        if not (done and keep):
            self.scopes = scopes
            _put(cells, before)
        return done

    def _cells(self, *nodes: Any) -> list[Cell]:
        """Return the variables from outside that code writes."""
        found = [self._outside(name) for name in sorted(assigned(*nodes))]
        return [cell for cell in found if cell is not None]

    def _outside(self, name: str) -> Cell | None:
        for scope in reversed(self.scopes):
            if name in scope:
                cell = scope[name]
                return cell if isinstance(cell, Cell) else None
        return None


def _values(cells: Sequence[Cell]) -> list[Value]:
    return [cell.value or Value(cell.kind, 0) for cell in cells]


def _put(cells: Sequence[Cell], values: Sequence[Value | None]) -> None:
    for cell, value in zip(cells, values, strict=True):
        cell.value = value
