"""Folds a chain of matrix products, arithmetic, moves and activations into Linear and activation nodes.

Ensures: per layer one "Linear" (x, weight float32 [out, in], bias float64 [out]) on the flattened input and at most
one activation; constant arithmetic, batch normalisation and everything that moves data is in the weights; trailing
Softmax, LogSoftmax and ArgMax are in `graph.host`.
"""

from functools import partial

import numpy as np

from emcc import ops
from emcc.ir.graph import Array, Graph, Node
from emcc.ops import Shape, Trait
from emcc.passes.fold_affine import affine, matrix
from emcc.passes.fold_layers import Chain

CHAINED: frozenset[Trait] = frozenset({"activation", "affine", "host", "matrix", "moves", "picks"})
PICKED: frozenset[Trait] = frozenset({"moves", "picks"})


def is_chain(graph: Graph) -> bool:
    """Whether every node is one that a chain may have, and reads the one before it.

    Those left to the host are at its end.
    """
    current, hosted = graph.inputs[0], False
    if len(graph.inputs) > 1 or len(graph.outputs) > 1:
        return False
    for node in graph.nodes:
        traits = ops.traits(node.op)
        if hosted and "host" not in traits and not ops.does_nothing(node, *shapes_around(graph, node)):
            return False
        hosted = hosted or "host" in traits
        if (
            "padding" in traits
            or not traits & CHAINED
            or [name for name in node.inputs if name in graph.tensors] != [current]
        ):
            return False
        (current,) = node.outputs
    return True


def shapes_around(graph: Graph, node: Node) -> tuple[Shape, Shape]:
    """The shapes of what a node of one computed input reads and makes."""
    (x,) = (name for name in node.inputs if name in graph.tensors)
    return graph.tensors[x].shape, graph.tensors[node.outputs[0]].shape


def fold_chain(graph: Graph) -> Graph:
    """The folded graph. Raises EmccError where a folded weight is beyond float32."""
    (source,) = graph.inputs
    shape = tuple(size for size in graph.tensors[source].shape[1:] if size is not None)
    chain = Chain(source, shape, set(graph.tensors) | set(graph.constants))
    host = []
    for node in graph.nodes:
        (output,), traits = node.outputs, ops.traits(node.op)
        if "host" in traits:
            host.append((node.op, dict(node.attrs)))
        elif host:
            continue
        elif traits & PICKED:
            chain.move(output, partial(_moved, node))
        elif "affine" in traits:
            chain.affine(output, *affine(node, graph.constants, chain.view.index.ndim))
        elif "matrix" in traits:
            weight, bias = matrix(node, graph.constants)
            sizes = tuple(size for size in graph.tensors[output].shape[1:] if size is not None)
            names = [name for name in node.inputs if name in graph.constants]
            chain.linear(node.name, output, weight, bias, sizes, names)
        elif "activation" in traits:
            chain.activation(node)
        else:
            raise ValueError(f"cannot fold {node.op}")
    chain.finish()
    return chain.build(graph, tuple(host))


def _moved(node: Node, view: Array) -> Array:
    """What the operator does to one sample."""
    return np.asarray(ops.get(node.op).evaluate(np, node, view[None])[0])
