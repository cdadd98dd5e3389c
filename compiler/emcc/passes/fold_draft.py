"""A graph while it is folded: nodes that come and go, and who reads what."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from emcc.base.errors import EmccError
from emcc.base.text import printable
from emcc.ir.graph import Array, Graph, Node, Tensor
from emcc.passes.fold_affine import unique


class Draft:
    """Nodes in order over tensors and constants.

    Attributes:
        nodes: in topological order.
        tensors, constants: by name; those that nothing reads any more are dropped at the end.
        outputs: the names of the outputs.
        host: what is left to the host.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.nodes: list[Node] = list(graph.nodes)
        self.tensors: dict[str, Tensor] = dict(graph.tensors)
        self.constants: dict[str, Array] = dict(graph.constants)
        self.outputs = list(graph.outputs)
        self.host: list[tuple[str, Mapping[str, Any]]] = []

    def users(self, name: str) -> list[Node]:
        """The nodes that read a tensor."""
        return [node for node in self.nodes if name in node.inputs]

    def only_user(self, name: str) -> Node | None:
        """The one node that reads a tensor, where there is one and no more, and it is no output."""
        users = self.users(name)
        return users[0] if len(users) == 1 and name not in self.outputs else None

    def producer(self, name: str) -> Node | None:
        """The node that makes a tensor; None for the input."""
        return next((node for node in self.nodes if name in node.outputs), None)

    def computed(self, node: Node) -> list[str]:
        """The tensors among a node's inputs."""
        return [name for name in node.inputs if name in self.tensors]

    def shape(self, name: str) -> tuple[int, ...]:
        """The shape of one sample of a tensor."""
        return tuple(size for size in self.tensors[name].shape[1:] if size is not None)

    def constant(self, name: str, value: Array) -> str:
        """A constant under a name of its own, `name` where nothing else has it."""
        name = unique(name, {*self.tensors, *self.constants})
        self.constants[name] = value
        return name

    def release(self, nodes: Sequence[Node]) -> None:
        """Forgets the constants that only these nodes read, so that their names are free."""
        gone = {id(node) for node in nodes}
        kept = {name for node in self.nodes if id(node) not in gone for name in node.inputs}
        for name in {name for node in nodes for name in node.inputs} - kept:
            self.constants.pop(name, None)

    def replace(self, old: Sequence[Node], new: Sequence[Node]) -> None:
        """`new` in the place of the last of `old`."""
        gone = {id(node) for node in old}
        at = max(i for i, node in enumerate(self.nodes) if id(node) in gone)
        before = [node for node in self.nodes[:at] if id(node) not in gone]
        self.nodes = [*before, *new, *self.nodes[at + 1 :]]

    def bypass(self, node: Node) -> None:
        """Takes out a node that changes nothing."""
        (old,), (new,) = self.computed(node), node.outputs
        self.nodes = [other for other in self.nodes if other is not node]
        if new in self.outputs:
            self.same(old, new)
            # An output keeps its name, if it is not the model's input.
            place = self.outputs.index(new)
            self.outputs[place], old, new = (new, new, old) if self.producer(old) else (old, old, new)
        self._renamed(new, old)

    def rename(self, old: str, new: str) -> None:
        """Tensor `old` gets the name `new`, of a tensor that nothing makes any more."""
        self.tensors[new] = replace(self.tensors.pop(old), name=new)
        self._renamed(old, new)

    def _renamed(self, old: str, new: str) -> None:
        self.nodes = [
            replace(
                other,
                inputs=tuple(new if name == old else name for name in other.inputs),
                outputs=tuple(new if name == old else name for name in other.outputs),
            )
            for other in self.nodes
        ]

    def same(self, old: str, new: str) -> None:
        """EmccError where output `new` of several is tensor `old` and nothing else, which is an output or input too."""
        if len(self.outputs) > 1 and (old in self.outputs or self.producer(old) is None):
            both = f"{printable(old)!r} and {printable(new)!r}"
            raise EmccError(
                f"{both} are one tensor: two outputs, or an input and one", hint="name others with --output"
            )

    def build(self) -> Graph:
        """The graph of what is left."""
        read = {name for node in self.nodes for name in (*node.inputs, *node.outputs)} | {*self.graph.inputs}
        tensors = {name: tensor for name, tensor in self.tensors.items() if name in read}
        constants = {name: value for name, value in self.constants.items() if name in read}
        ends = {"outputs": tuple(self.outputs), "host": tuple(self.host)}
        return self.graph.with_(nodes=tuple(self.nodes), tensors=tensors, constants=constants, **ends)
