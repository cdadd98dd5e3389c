"""What each weight is worth where it is now: about the rise in loss if it went, from gradients on training samples."""

from collections.abc import Iterable, Iterator
from itertools import islice

import numpy as np

from emcc.compress.parameters import leaves_of
from emcc.compress.problem import Problem, outputs
from emcc.compress.state import State, graph_of
from emcc.ir.graph import Array, Graph

STEPS = 60
"""Batches that gradients are taken of."""

DAMPING = 1e-2
"""Share of a layer's mean curvature that each of its weights has at least: it orders those that no sample reaches."""


def saliency(problem: Problem, state: State, steps: int = STEPS) -> dict[str, Array]:
    """By weight constant, float64 in its shape: curvature * w**2, of weights as the state's codebooks have them.

    The curvature of a weight is the mean square of its gradient (the empirical Fisher information; Optimal Brain
    Damage, LeCun et al. 1990, with the estimate of Theis et al. 2018), over samples that are not augmented.
    """
    graph = graph_of(problem.network, state)
    squares = {name: np.zeros(graph.constants[name].shape) for name in state.weights}
    for name, gradient in _gradients(problem, graph, state.weights, steps):
        squares[name] += np.square(gradient, dtype=np.float64)
    return {name: _damped(total, graph.constants[name]) for name, total in squares.items()}


def sensitivity(problem: Problem, state: State, steps: int = STEPS) -> dict[str, Array]:
    """By weight constant, float64 in its shape: |gradient * w|, of the loss over so many batches (SNIP: Lee, Ajanthan
    and Torr, ICLR 2019, equation 6 but for its scale, which orders nothing)."""
    graph = graph_of(problem.network, state)
    sums = {name: np.zeros(graph.constants[name].shape) for name in state.weights}
    for name, gradient in _gradients(problem, graph, state.weights, steps):
        sums[name] += gradient
    return {name: np.abs(total * graph.constants[name]) for name, total in sums.items()}


def _gradients(problem: Problem, graph: Graph, names: Iterable[str], steps: int) -> Iterator[tuple[str, Array]]:
    """Yield (weight, the loss's gradient by it), batch by batch, of samples that are not augmented.

    Also in the midst of a projection, which keeps no gradients.
    """
    leaves = leaves_of(problem.torch, {name: graph.constants[name] for name in names})
    for rows, x, target in islice(problem.epoch(0, clean=1.0), steps):
        with problem.torch.enable_grad():
            loss = problem.loss(outputs(problem.torch, graph, x, leaves), rows, target)
            gradients = problem.torch.autograd.grad(loss, list(leaves.values()))
        yield from (
            (name, np.nan_to_num(gradient.numpy(), posinf=0, neginf=0))
            for name, gradient in zip(leaves, gradients, strict=True)
        )


def _damped(curvature: Array, weights: Array) -> Array:
    level = DAMPING * curvature[weights != 0].mean() if weights.any() else 0.0
    return np.asarray((curvature + level) * np.square(weights, dtype=np.float64))
