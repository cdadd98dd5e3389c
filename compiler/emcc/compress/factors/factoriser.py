"""What methods of low rank share: which layers they split, and the graph with those split."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np

from emcc import ops
from emcc.base.errors import EmccError
from emcc.base.options import option
from emcc.base.text import printable
from emcc.compress.names import free
from emcc.ir.graph import Array, Graph, Node, Tensor
from emcc.passes.layers import check_names

BY = ("energy", "size")
POINT: Mapping[str, Any] = {"strides": (1, 1), "dilations": (1, 1), "pads": (0, 0, 0, 0), "group": 1}
"""Attributes of a Conv that only mixes channels."""


@dataclass(frozen=True)
class Part:
    """A layer of those that one becomes: its weights, float32, and the attributes of a Conv; {} of a Linear."""

    weight: Array
    attrs: Mapping[str, Any]


@dataclass(frozen=True)
class Factoriser(ABC):
    """Splits layers into two to four of lower rank, where these have fewer weights; the last has the bias.

    Layer "fc" becomes "fc/1", "fc/2" and so on. What has no form of the method, or weights that its rank does not save,
    stays as it is; where that is every layer, the method does not apply. Everything after it prunes, shares and trains
    the parts as any layers. `progress` hears of each layer as it is split.
    """

    by: str = option("energy", "what the ranks are chosen by", choices=BY)
    energy: float = option(0.9, "share of the squared singular values that the ranks keep", low=0.0, high=1.0)
    size: float = option(0.5, "share of a layer's weights that its parts may have", low=0.0, high=1.0)
    layers: Mapping[str, int] = option({}, "rank of one layer, by its name; 0 leaves it as it is", low=0, high=65536)
    progress: Callable[[str], None] | None = None
    name: ClassVar[str] = ""
    role: ClassVar[str] = "factor"
    form: ClassVar[str] = ""

    @abstractmethod
    def why_not(self, node: Node, weight: Array) -> str:
        """What keeps a layer from having the method's form; "" where nothing does."""

    @abstractmethod
    def parts(self, node: Node, weight: Array) -> Sequence[Part]:
        """A layer of the method's form as parts, by the options' rank."""

    def telling(self, progress: Callable[[str], None]) -> Self:
        """The method with what hears of each layer as it is split."""
        return replace(self, progress=progress)

    def apply(self, graph: Graph) -> Graph:
        """The graph with layers split.

        Raises:
            EmccError: it does not apply, with every layer's reason: none has the form, or saves weights by its rank.
        """
        check_names(self.layers, graph, f"{self.name}.layers")
        reasons = {node.name: self._why_not(graph, node) for node in graph.layers()}
        if all(reasons.values()):
            hint = 'choose another of [compress] factors, or "none"'
            raise self._refusal(f"it splits {self.form}, and no layer is one", reasons, hint)
        nodes: list[Node] = []
        tensors, constants = dict(graph.tensors), dict(graph.constants)
        whole = [name for name, reason in reasons.items() if not reason]
        for node in graph.nodes:
            if node.name not in whole:
                nodes.append(node)
                continue
            if self.progress:
                self.progress(f"{self.name}, layer {whole.index(node.name) + 1} of {len(whole)}")
            parts, reasons[node.name] = self._split(graph, node)
            nodes += _laid(node, parts, tensors, constants) if parts else [node]
        if all(reasons.values()):
            hint = f'ask for less: a lower [{self.name}] energy, or by = "size"'
            raise self._refusal("by these ranks no layer saves weights", reasons, hint)
        read = {name for node in nodes for name in node.inputs}
        left = {name: value for name, value in constants.items() if name in read or name not in _weights(graph)}
        units = {name: unit for name, unit in graph.units.items() if name in left}
        return graph.with_(nodes=tuple(nodes), tensors=tensors, constants=left, units=units)

    def rank(self, node: Node, squares: Array, weights: int, a_rank: int) -> int:
        """The rank of a layer: its own, or by energy or size; `a_rank`: weights of the parts a rank."""
        if node.name in self.layers:
            return min(self.layers[node.name], squares.size)
        if self.by == "size":
            return max(1, min(squares.size, int(self.size * weights / a_rank)))
        return kept(squares, self.energy)

    def _why_not(self, graph: Graph, node: Node) -> str:
        readers = sum(node.inputs[1] in other.inputs for other in graph.nodes)
        return "several nodes read its weights" if readers > 1 else self.why_not(node, graph.constants[node.inputs[1]])

    def _split(self, graph: Graph, node: Node) -> tuple[Sequence[Part], str]:
        """The parts; or none, and why it stays."""
        weight = graph.constants[node.inputs[1]]
        if self.layers.get(node.name) == 0:
            return (), f"left as it is by [{self.name}.layers]"
        if not np.isfinite(weight).all():
            return (), "weights that are no numbers"
        parts = self.parts(node, weight)
        size = sum(part.weight.size for part in parts)
        ranks = ranks_of([part.weight for part in parts])
        return (parts, "") if size < weight.size else ((), f"rank {ranks} takes {size:,} weights for {weight.size:,}")

    def _refusal(self, why: str, reasons: Mapping[str, str], hint: str) -> EmccError:
        details = [f"{printable(name)!r}: {reason}" for name, reason in reasons.items()]
        return EmccError(f"{self.name} does not apply: {why}", details=details, hint=hint)


def ranks_of(weights: Sequence[Array]) -> str:
    """The ranks of a layer that became parts of these weights, as a user reads them."""
    return " and ".join(dict.fromkeys(str(len(part)) for part in weights[:-1]))


def kept(squares: Array, energy: float) -> int:
    """The fewest of descending `squares` that are a share `energy` of all, one at least."""
    sums = np.cumsum(squares)
    return int(np.searchsorted(sums, energy * sums[-1] * (1 - 1e-12)) + 1) if sums[-1] > 0 else 1


def halves(matrix: Array) -> tuple[Array, Array, Array]:
    """(U S^1/2 [m, k], S^1/2 V^T [k, n], S^2 [k]) of the singular value decomposition, float64."""
    left, sizes, right = np.linalg.svd(matrix.astype(np.float64), full_matrices=False)
    root = np.sqrt(sizes)
    return left * root, root[:, None] * right, np.square(sizes)


def conv_reason(node: Node, weight: Array, form: str) -> str:
    """Why a layer is no ungrouped convolution over more than a point; "" where it is. `form`: what is wanted."""
    if node.op != "Conv":
        return f"a matrix of {weight.shape[0]} x {weight.shape[1]}"
    if int(node.attrs["group"]) != 1:
        return f"a convolution of {node.attrs['group']} groups"
    tall, wide = weight.shape[2:]
    fits = {"point": tall * wide == 1, "plane": tall > 1 and wide > 1, "taps": tall * wide > 1}[form]
    return "" if fits else f"a convolution of {tall} x {wide}"


def _weights(graph: Graph) -> set[str]:
    return {node.inputs[1] for node in graph.layers()}


def _laid(node: Node, parts: Sequence[Part], tensors: dict[str, Tensor], constants: dict[str, Array]) -> Iterator[Node]:
    """The nodes of the parts, between the node's input and output; adds their tensors and constants."""
    x, _, bias = node.inputs
    (y,) = node.outputs
    for place, part in enumerate(parts, 1):
        name, last = f"{node.name}/{place}", place == len(parts)
        weight, out = free(f"{name}.weight", constants), y if last else free(f"{name}.y", tensors)
        constants[weight] = np.ascontiguousarray(part.weight, np.float32)
        own = bias if last else free(f"{name}.bias", constants)
        if not last:
            constants[own] = np.zeros(len(part.weight))
        made = replace(node, name=name, inputs=(x, weight, own), outputs=(out,), attrs=part.attrs)
        shapes = (tensors[x].shape, constants[weight].shape, constants[own].shape)
        if not last:
            tensors[out] = Tensor(out, ops.get(node.op).shape(made, *shapes))
        yield made
        x = out
