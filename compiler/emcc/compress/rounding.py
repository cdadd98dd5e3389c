"""Numbers of few bits: codebooks of 16, and biases whose trailing zeros the file stores once for all."""

from dataclasses import replace

import numpy as np

from emcc.compress.importance.choice import links
from emcc.compress.problem import Problem
from emcc.compress.state import State, graph_of
from emcc.ir.codebook import canonical
from emcc.ir.graph import Array, Codebook, Graph
from emcc.passes.layer_integers import finest_weight_frac

HARM = 0.002
"""Of the held-out loss, that all rounded biases of a layer may cost; training the codebooks repairs it."""


def snapped(shared: Graph) -> Graph:
    """The graph with codebook entries of 16 bits: multiples of the finest power of two at which all fit, none lost."""
    books: dict[str, Codebook] = {}
    for name, book in shared.codebooks.items():
        frac = finest_weight_frac(book.values)
        if frac is not None:
            integers = np.floor(np.ldexp(book.values, frac) + 0.5)
            integers = np.where((integers == 0) & (book.values != 0), np.sign(book.values), integers)
            book = canonical(np.ldexp(integers, -frac), book.codes, book.code_w)
        books[name] = book
    weights = {name: book.weights().astype(np.float32) for name, book in books.items()}
    return shared.with_constants(weights).with_(codebooks=books)


def biases_to_step(state: State, bits: int) -> State:
    """Every bias a multiple of 2**-bits."""
    return replace(state, biases={name: _round(biases, bits) for name, biases in state.biases.items()})


def biases_rounded(problem: Problem, state: State, bits: int) -> State:
    """Biases of the fewest fraction bits that do no harm, a layer at a time; `bits` sets one number for all.

    A channel that no weight leaves has bias 0: nothing sees it.
    """
    graph = problem.original
    biases = {name: np.array(values) for name, values in state.biases.items()}
    bias_of = {node.inputs[1]: graph.bias_of(node) for node in graph.layers()}
    for name, after, blocks in links(graph):
        weights = state.weights[after]
        seen = weights.reshape(weights.shape[0], biases[bias_of[name]].size, blocks).any(axis=(0, 2))
        biases[bias_of[name]][~seen] = 0.0
    state = replace(state, biases=biases)
    if bits:
        return biases_to_step(state, bits)
    for name, values in biases.items():
        loss = problem.judge(graph_of(graph, state))[0]
        for fraction in range(16):
            tried = replace(state, biases={**state.biases, name: _round(values, fraction)})
            if problem.judge(graph_of(graph, tried))[0] <= loss * (1 + HARM) + 1e-9 or fraction == 15:
                state = tried
                break
    return state


def _round(values: Array, bits: int) -> Array:
    return (np.floor(np.ldexp(values.astype(np.float64), bits) + 0.5) * 2.0**-bits).astype(np.float32)
