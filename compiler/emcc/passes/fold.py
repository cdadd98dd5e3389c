"""Folds a model into a chain of Linear and activation nodes.

Requires what `frontend.load` ensures: one chain, the batch axis in front. Ensures: per layer one "Linear" (x, weight
float32 [out, in], bias float64 [out]) on the flattened input and at most one activation; constant arithmetic, batch
normalisation and everything that moves data is in the weights; trailing Softmax, LogSoftmax and ArgMax are in
`graph.host`. Arithmetic is float64, rounded once. Weights that nothing scales keep their bits, and zeros stay zero.
"""

from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import numpy as np

from emcc import ops
from emcc.ir.graph import Array, Graph, Node
from emcc.passes.fold_affine import affine, matrix
from emcc.passes.fold_layers import Chain

MOVES = ("Cast", "Dropout", "Flatten", "Identity", "Reshape", "Squeeze", "Transpose", "Unsqueeze")
AFFINE = ("Add", "BatchNormalization", "Div", "Mul", "Sub")
MATRICES = ("Gemm", "MatMul")
ACTIVATIONS = ("LeakyRelu", "Relu", "Sigmoid", "Tanh")
HOST = ("ArgMax", "LogSoftmax", "Softmax")


def fold(graph: Graph) -> Graph:
    """The folded graph."""
    (source,) = graph.inputs
    shape = tuple(size for size in graph.tensors[source].shape[1:] if size is not None)
    chain = Chain(source, shape, set(graph.tensors) | set(graph.constants))
    host = []
    for node in graph.nodes:
        (output,) = node.outputs
        if node.op in HOST:
            host.append((node.op, dict(node.attrs)))
        elif host:
            continue
        elif node.op in MOVES:
            chain.move(output, partial(_moved, node))
        elif node.op in AFFINE:
            chain.affine(output, *affine(node, graph.constants, chain.view.index.ndim))
        elif node.op in MATRICES:
            weight, bias = matrix(node, graph.constants)
            sizes = tuple(size for size in graph.tensors[output].shape[1:] if size is not None)
            names = [name for name in node.inputs if name in graph.constants]
            chain.linear(node.name, output, weight, bias, sizes, names)
        elif node.op in ACTIVATIONS:
            chain.activation(node)
        else:
            raise ValueError(f"cannot fold {node.op}")
    chain.finish()
    return chain.build(graph, tuple(host))


def _moved(node: Node, view: Array) -> Array:
    """What the operator does to one sample."""
    return np.asarray(ops.get(node.op).evaluate(np, node, view[None])[0])


@dataclass(frozen=True)
class Fold:
    """A chain of Linear and activation nodes."""

    name: ClassVar[str] = "fold"

    def apply(self, graph: Graph) -> Graph:
        """Raises EmccError where a folded weight is beyond float32."""
        return fold(graph)
