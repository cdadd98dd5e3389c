"""The rows of Deep Compression's tables (Han et al. 2016, tables 2 to 4) for a model.emc, and what each coder takes."""

from typing import Any

import numpy as np

from emcc.container import decode, encode
from emcc.ir.blocks import Blocks
from emcc.ir.graph import Array, Graph
from emcc.measure.sections import LayerSize, layer_sizes

RANGE_LIMIT = 1 << 22
"""Weights of a model up to which the range coder is tried beside Huffman's for the table alone."""


def table(original: Graph, factored: Graph, shared: Graph, encoded: bytes) -> dict[str, Any]:
    """Return {"layers": a row a layer of the model, "totals": of all}.

    A layer's bytes are its sections of the file; a matrix that several nodes share is the first one's. "made_bytes" are
    of matrices that the model has not: a channel's factors, or a slice of channels, become one on the way to integers.
    What remains of the file is its header, checksums and frame.

    Args:
        original: the folded float graph, whose parameters "parameters", "dense_bytes" and "compression" are of.
        factored: what was compressed, the same or with layers split; shared: that with shared weights.
        encoded: the model.emc of `shared`.
    """
    sizes = layer_sizes(encoded)
    coders = compared(encoded, sizes)
    layers = {node.name: node for node in shared.layers()}
    rows = []
    for place, size in enumerate(sizes):
        if size.name not in layers:
            continue
        node = layers[size.name]
        book, blocks = shared.codebooks.get(node.inputs[1]), shared.blocks.get(node.inputs[1])
        weights, before = shared.constants[node.inputs[1]], factored.constants[node.inputs[1]]
        kept = int(np.count_nonzero(weights))
        rows.append(
            {
                "name": node.name,
                "shape": list(weights.shape),
                "weights": weights.size,
                "biases": len(shared.constants[bias]) if (bias := shared.bias_of(node)) else 0,
                "kept": kept,
                "density": kept / weights.size,
                "entries": int(np.unique(weights[weights != 0]).size),
                "code_w": size.code_w if book is None else book.code_w,
                **({} if blocks is None else {"block": blocks.values.shape[2], "vectors": _vectors(blocks)}),
                "inertia": _inertia(weights, before),
                **coded(size),
                "coders": {name: costs[place] for name, costs in coders.items()},
            }
        )
    left = sum(row["weights"] + row["biases"] for row in rows)
    parameters = left + _gone(original, shared) if factored is original else _parameters(original)
    total = {
        "parameters": parameters,
        "weights": sum(row["weights"] for row in rows),
        "kept": sum(row["kept"] for row in rows),
        "dense_bytes": 4 * parameters,
        "bytes": len(encoded),
        "made_bytes": sum(size.bytes for size in sizes if size.name not in layers),
        "header_bytes": len(encoded) - sum(size.bytes for size in sizes),
        "compression": 4 * parameters / len(encoded),
        "coders": {name: summed(costs) for name, costs in coders.items()},
    }
    return {"layers": rows, "totals": total}


def _vectors(blocks: Blocks) -> int:
    """Return how many sub-vectors there are in all codebooks."""
    return int(blocks.values.shape[0] * blocks.values.shape[1])


def _inertia(weights: Array, before: Array) -> float | None:
    """Return the sum of squared changes of weights that are left; None where channels went."""
    if weights.shape != before.shape:
        return None
    return float(np.square(weights - before, dtype=np.float64)[weights != 0].sum())


def _parameters(graph: Graph) -> int:
    """Return the weights and biases of a graph's layers, each counted once."""
    names = {name for node in graph.layers() for name in node.inputs[1:]}
    return sum(graph.constants[name].size for name in names)


def _gone(original: Graph, shared: Graph) -> int:
    """Return the weights and biases that went with whole channels."""
    names = {name for node in shared.layers() for name in node.inputs[1:]}
    return sum(original.constants[name].size - shared.constants[name].size for name in names)


def coded(size: LayerSize) -> dict[str, Any]:
    """Return bits a kept weight, uncoded and coded, and bytes."""
    kept = max(1, size.kept)
    return {
        "coding": size.coding,
        "code_bits": size.codes.width,
        "code_bits_coded": 8 * size.codes.bytes / kept,
        "run_bits": size.runs.width,
        "run_bits_coded": 8 * size.runs.bytes / kept,
        "bytes": size.bytes,
        "codebook_bytes": size.codebook.bytes,
        "bias_bytes": size.bias.bytes,
    }


def compared(encoded: bytes, written: list[LayerSize]) -> dict[str, list[dict[str, float]]]:
    """Return by coder what codes and positions of each layer take, in bytes, and the entropy of the coder's model.

    `written` are the sizes in the file. Huffman always; "range" where the file has it
    throughout, or the model is small enough to try (RANGE_LIMIT).
    """
    used = {size.coding for size in written}
    small = sum(size.weights for size in written) <= RANGE_LIMIT
    graph = decode(encoded)
    sizes = {}
    for coding in ("huffman", "range"):
        if used == {coding}:
            sizes[coding] = written
        elif coding == "huffman" or small:
            sizes[coding] = layer_sizes(encode(graph, coding=coding))
    return {coding: [cost(size) for size in layers] for coding, layers in sizes.items()}


def cost(size: LayerSize) -> dict[str, float]:
    """Return bytes of codes and positions, tables included, and entropy_bytes of both by the coder's model, without."""
    least = (size.codes.entropy * size.codes.symbols + size.runs.entropy * size.runs.symbols) / 8
    return {"bytes": size.codes.bytes + size.runs.bytes, "entropy_bytes": least}


def summed(costs: list[dict[str, float]]) -> dict[str, float]:
    """Return the sums over the layers of a model."""
    return {key: sum(layer[key] for layer in costs) for key in ("bytes", "entropy_bytes")}
