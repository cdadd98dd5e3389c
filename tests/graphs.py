"""Small folded graphs, made by hand."""

from collections.abc import Sequence

import numpy as np

from emcc.ir.graph import Array, Graph, Node, Tensor
from emcc.legal.verify import verify
from emcc.passes.base import Pass


def folded(
    sizes: Sequence[int],
    activations: Sequence[str] = (),
    *,
    seed: int = 0,
    weights: Sequence[Array] | None = None,
    biases: Sequence[Array] | None = None,
    alpha: float = 0.1,
    host: tuple[tuple[str, dict[str, int]], ...] = (),
) -> Graph:
    """A chain of Linear nodes fc0, fc1, ... of the given sizes, as after Fold.

    `activations` (an operator's name or "" a layer) defaults to Relu everywhere but at the end. Weights are standard
    normal over sqrt(inputs), biases a tenth of standard normal, unless given.
    """
    rng = np.random.default_rng(seed)
    count = len(sizes) - 1
    activations = activations or ["Relu"] * (count - 1) + [""]
    tensors = {"x": Tensor("x", (None, sizes[0]))}
    nodes, constants, x = [], {}, "x"
    for i, (n_in, n_out, activation) in enumerate(zip(sizes, sizes[1:], activations, strict=False)):
        weight = rng.standard_normal((n_out, n_in)) / np.sqrt(n_in)
        bias = rng.standard_normal(n_out) / 10
        constants[f"fc{i}.weight"] = np.asarray(weights[i] if weights else weight, np.float32)
        constants[f"fc{i}.bias"] = np.asarray(biases[i] if biases else bias, np.float64)
        nodes.append(Node(f"fc{i}", "Linear", (x, f"fc{i}.weight", f"fc{i}.bias"), (f"z{i}",)))
        x = f"z{i}"
        tensors[x] = Tensor(x, (None, n_out))
        if activation:
            attrs = {"alpha": alpha} if activation == "LeakyRelu" else {}
            nodes.append(Node(f"act{i}", activation, (x,), (f"y{i}",), attrs))
            x = f"y{i}"
            tensors[x] = Tensor(x, (None, n_out))
    return Graph("net", ("x",), (x,), tuple(nodes), tensors, constants, host=host)


def passed(graph: Graph, *passes: Pass, after: str = "frontend") -> Graph:
    """The graph after the passes, held against what is legal before, between and after them."""
    verify(graph, after=after)
    for step in passes:
        graph = step.apply(graph)
        verify(graph, after=step.name)
    return graph
