"""Biases of few bits: the file stores trailing zeros that all have in common only once."""

from dataclasses import replace

import numpy as np

from emcc.compress.importance import links
from emcc.compress.problem import Problem
from emcc.compress.state import State, graph_of
from emcc.ir.graph import Array

HARM = 0.002
"""Of the held-out loss, that all rounded biases of a layer may cost; training the codebooks repairs it."""


def to_step(state: State, bits: int) -> State:
    """Every bias a multiple of 2**-bits."""
    return replace(state, biases={name: _round(each, bits) for name, each in state.biases.items()})


def rounded(problem: Problem, state: State, bits: int) -> State:
    """Biases of the fewest fraction bits that do no harm, a layer at a time; `bits` sets one number for all.

    A channel that no weight leaves has bias 0: nothing sees it.
    """
    graph = problem.original
    found = {name: np.array(each) for name, each in state.biases.items()}
    bias_of = {node.inputs[1]: node.inputs[2] for node in graph.layers()}
    for name, after, blocks in links(graph):
        weights = state.weights[after]
        seen = weights.reshape(weights.shape[0], found[bias_of[name]].size, blocks).any(axis=(0, 2))
        found[bias_of[name]][~seen] = 0.0
    state = replace(state, biases=found)
    if bits:
        return to_step(state, bits)
    for name in found:
        loss = problem.judge(graph_of(graph, state))[0]
        for fraction in range(16):
            tried = replace(state, biases={**state.biases, name: _round(found[name], fraction)})
            if problem.judge(graph_of(graph, tried))[0] <= loss * (1 + HARM) + 1e-9 or fraction == 15:
                state = tried
                break
    return state


def _round(values: Array, bits: int) -> Array:
    return (np.floor(np.ldexp(values.astype(np.float64), bits) + 0.5) * 2.0**-bits).astype(np.float32)
