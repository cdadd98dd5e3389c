"""A graph while it is folded: nodes that come and go, and who reads what."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

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
        self.outputs: list[str] = list(graph.outputs)
        self.host: list[tuple[str, Mapping[str, Any]]] = []

    def users(self, name: str) -> list[Node]:
        """The nodes that read a tensor."""
        return [node for node in self.nodes if name in node.inputs]

    def only_user(self, name: str) -> Node | None:
        """The one node that reads a tensor, where there is one, and the tensor is no output."""
        users = self.users(name)
        return users[0] if len(users) == 1 and name not in self.outputs else None

    def producer(self, name: str) -> Node | None:
        """The node that makes a tensor; None for an input."""
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

    def tensor(self, name: str, like: Tensor, shape: tuple[int, ...]) -> str:
        """A tensor like another, of another shape of a sample, under a name of its own."""
        name = unique(name, {*self.tensors, *self.constants})
        self.tensors[name] = replace(like, name=name, shape=(None, *shape))
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
        """Takes out a node that changes nothing; between two that have to keep their names it becomes a Reshape."""
        (old,), (new,) = self.computed(node), node.outputs
        if new in self.outputs and (old in self.outputs or not self.producer(old)):
            self.replace([node], [replace(node, op="Reshape", inputs=(old,), attrs={"shape": self.shape(new)})])
            return
        self.nodes = [other for other in self.nodes if other is not node]
        if new in self.outputs:
            old, new = new, old
        self._renamed(old=new, new=old)

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

    def build(self) -> Graph:
        """The graph of what is left."""
        read = {name for node in self.nodes for name in (*node.inputs, *node.outputs)} | {*self.graph.inputs}
        tensors = {name: tensor for name, tensor in self.tensors.items() if name in read}
        constants = {name: value for name, value in self.constants.items() if name in read}
        return self.graph.with_(
            outputs=tuple(self.outputs),
            nodes=tuple(self.nodes),
            tensors=tensors,
            constants=constants,
            host=tuple(self.host),
        )
