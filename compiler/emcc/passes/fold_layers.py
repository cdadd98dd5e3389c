"""The chain that folding builds: layers, and where the model's current tensor lies in the last one's output."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from emcc.base.errors import EmccError
from emcc.ir.graph import Array, Graph, Node, Tensor
from emcc.passes.fold_affine import float32, require_finite, unique
from emcc.passes.fold_view import View

DIAGONAL_LIMIT = 1 << 26
"""Most elements of a weight that folding makes up."""


@dataclass
class Layer:
    """y = f(W x + b) under construction; `open` while f is not known. Names are those of the tensors z and y."""

    name: str
    weight: Array
    bias: Array
    names: Sequence[str]
    z: str
    y: str
    activation: Node | None = None


class Chain:
    """Built in the model's order by `move`, `affine`, `linear`, `activation`, then `finish` and `build`."""

    def __init__(self, source: str, shape: tuple[int, ...], taken: set[str]) -> None:
        self.source = self.current = source
        self.view = View.whole(shape)
        self.layers: list[Layer] = []
        self.taken = taken

    @property
    def open(self) -> Layer | None:
        """The last layer, where it has no activation yet."""
        return self.layers[-1] if self.layers and self.layers[-1].activation is None else None

    def move(self, output: str, change: Callable[[Array], Array]) -> None:
        """Elements are moved, none is changed."""
        self.view = self.view.moved(change)
        self.current = output

    def affine(self, output: str, scale: Array | None, offset: Array | None) -> None:
        """x becomes scale x + offset."""
        self.view = self.view.affine(scale, offset)
        self.current = output

    def linear(
        self, name: str, output: str, weight: Array, bias: Array, shape: tuple[int, ...], names: Sequence[str]
    ) -> None:
        """x becomes weight x + bias, in the shape `shape`; `names` are those of the constants it came from."""
        self._settle()
        weight, added = self.view.columns(weight, self._features())
        self.layers.append(Layer(name, weight, bias + added, names, output, output))
        self.view, self.current = View.whole(shape), output

    def activation(self, node: Node) -> None:
        """x becomes node(x)."""
        if not self._settle():
            self._diagonal(f"{node.name}.identity", self._fresh(f"{self.current}.identity"), node.name)
        layer = self.layers[-1]
        layer.activation, layer.y, self.current = node, node.outputs[0], node.outputs[0]

    def finish(self) -> None:
        """The current tensor is the output: whatever is still to do is done to it."""
        if self._settle():
            return
        last = self.layers[-1] if self.layers else None
        if last and self.view.only_moves(self._features()):
            order = self.view.index.ravel()
            last.weight, last.bias = last.weight[order], last.bias[order]
            last.y = self.current
        else:
            name = self.current if self.current != self.source else self._fresh(f"{self.source}.identity")
            self._diagonal(f"{name}.identity", name, name)
        self.view = View.whole(self.view.index.shape)

    def build(self, graph: Graph, host: tuple[tuple[str, Mapping[str, Any]], ...]) -> Graph:
        """The graph of the layers."""
        nodes: list[Node] = []
        constants: dict[str, Array] = {}
        tensors = {self.source: graph.tensors[self.source]}
        shape, value, names = (None, *self.view.index.shape), self.source, {node.name for node in graph.nodes}
        made, held = set[str](), {self.source}
        for number, layer in enumerate(self.layers):
            name = unique(layer.name, made | names) if layer.name in made else layer.name
            weight, bias = (unique(n, held) for n in _constant_names(name, layer.names))
            require_finite(layer.name, layer.bias)
            constants |= {weight: float32(layer.name, layer.weight), bias: layer.bias + 0.0}
            features, final = (None, len(layer.bias)), number == len(self.layers) - 1
            nodes.append(Node(name, "Linear", (value, weight, bias), (layer.z,)))
            made.add(name)
            held |= {weight, bias, layer.z, layer.y}
            tensors[layer.z] = Tensor(layer.z, shape if final and not layer.activation else features)
            value = layer.z
            if layer.activation:
                activation, value = layer.activation, layer.y
                made.add(activation.name)
                nodes.append(Node(activation.name, activation.op, (layer.z,), (value,), dict(activation.attrs)))
                tensors[value] = Tensor(value, shape if final else features)
        return Graph(graph.name, graph.inputs, (value,), tuple(nodes), tensors, constants, host=host)

    def _features(self) -> int:
        """Elements that the view looks at: the last layer's rows, or the input's."""
        return len(self.layers[-1].bias) if self.layers else self.view.base

    def _settle(self) -> bool:
        """Puts the view into the open layer's rows. False where no layer is open."""
        layer = self.open
        if layer is None:
            return False
        layer.weight, layer.bias = self.view.rows(layer.weight, layer.bias)
        layer.z = layer.y = self.current
        self.view = View.whole(self.view.index.shape)
        return True

    def _diagonal(self, name: str, output: str, node: str) -> None:
        """A layer that does what the view does and nothing else."""
        size = self.view.index.size
        if size * self._features() > DIAGONAL_LIMIT:
            raise EmccError(
                f"there is no matrix to fold {size} elementwise operations into",
                node=node,
                hint="put them behind a Gemm or MatMul",
            )
        shape = self.view.index.shape
        self.linear(name, output, np.eye(size, dtype=np.float32), np.zeros(size), shape, ())

    def _fresh(self, name: str) -> str:
        fresh = unique(name, self.taken)
        self.taken.add(fresh)
        return fresh


def _constant_names(name: str, names: Sequence[str]) -> tuple[str, str]:
    weight, bias, *_ = (*names, "", "")
    return weight or f"{name}.weight", bias or f"{name}.bias"
