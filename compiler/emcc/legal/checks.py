"""The checks behind `verify`. Cheap: at most one reading of each weight."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from emcc import ops
from emcc.ir.affine import sound
from emcc.ir.blocks import Blocks
from emcc.ir.codebook import CODE_WIDTHS, IDENTITY_WIDTHS
from emcc.ir.graph import LAYERS, Array, Codebook, Graph, Node
from emcc.legal.rows import CHAIN, QUANTISED, IllegalGraph, Stage
from emcc.ops.shapes import elements

CHUNK = 1 << 22


def require(condition: object, message: str) -> None:
    """`condition`, or the graph is illegal."""
    if not condition:
        raise IllegalGraph(message)


def structure(graph: Graph, stage: Stage) -> None:
    """Legal nodes in order over defined names, each with the shape that its operator gives it; all of use.

    Chains of layers in floats (see `layers_alone`) stay chains: every node reads the one before it.
    """
    one = len(graph.inputs) == 1 and len(graph.outputs) == 1
    require(graph.inputs and graph.outputs, "no inputs, or no outputs")
    require(len({*graph.inputs, *graph.outputs}) == len(graph.inputs) + len(graph.outputs), "inputs or outputs repeat")
    require(not set(graph.tensors) & set(graph.constants), "a name is both tensor and constant")
    require(len({node.name for node in graph.nodes}) == len(graph.nodes), "node names repeat")
    for name, tensor in graph.tensors.items():
        sizes = tensor.shape[1:]
        require(name == tensor.name and tensor.shape[:1] == (None,), f"tensor {name!r} is {tensor}")
        require(all(isinstance(size, int) and size > 0 for size in sizes), f"tensor {name!r} is {tensor.shape}")
        require(not stage.formats or tensor.fmt is not None, f"tensor {name!r} has no format")
    chain, current, defined = one and stage.layers and layers_alone(graph), graph.inputs[0], set(graph.inputs)
    for node in graph.nodes:
        require(stage.allows(node.op), f"{node.op} ({node.name!r}) is not legal")
        _node(graph, node, {current} if chain else defined)
        current = node.outputs[0]
        require(current not in defined, f"{current!r} is written twice")
        defined.add(current)
    if one:
        require(graph.outputs == (current,), f"the output is {graph.outputs}, the chain ends in {current!r}")
    require(set(graph.outputs) <= defined, f"the outputs are {graph.outputs}")
    unread = defined - {name for node in graph.nodes for name in node.inputs} - set(graph.outputs)
    require(not unread, f"nothing reads {sorted(unread)}")
    require(defined == set(graph.tensors), f"tensors without a producer: {sorted(set(graph.tensors) - defined)}")
    _affines(graph)
    for op, attrs in graph.host:
        own = {name: value for name, value in attrs.items() if name != "output"}
        there = attrs.get("output", 0) in range(len(graph.outputs))
        require("host" in ops.traits(op) and _attributes_fit(op, own) and there, f"host operator {op} {attrs}")


def _affines(graph: Graph) -> None:
    """Of inputs and outputs alone, and sound; a norm is an input's, and a node for one reads an input that nothing else
    reads."""
    require(set(graph.affines) <= {*graph.inputs, *graph.outputs}, f"affines of {sorted(graph.affines)}")
    for name, affine in graph.affines.items():
        require(sound(affine, graph.tensors[name].features), f"the affine of {name!r} is {affine}")
        require(not affine.norm or name in graph.inputs, f"{name!r} is no input, and has a norm")
    for node in graph.nodes:
        if "front" in ops.traits(node.op):
            readers = [other for other in graph.nodes if node.inputs[0] in other.inputs]
            require(node.inputs[0] in graph.inputs and readers == [node], f"{node.op} ({node.name!r}) is not in front")


def layers_alone(graph: Graph) -> bool:
    """Whether all nodes are of those that make a chain: Linear and activations, or QLinear."""
    return all(ops.traits(node.op) & CHAIN for node in graph.nodes) or all(node.op == "QLinear" for node in graph.nodes)


def chained(graph: Graph) -> bool:
    """Whether a graph is a chain of layers from its one input to its one output."""
    before = [*graph.inputs, *(node.outputs[0] for node in graph.nodes)]
    reads = [node.inputs[0] for node in graph.nodes]
    return (
        len(graph.inputs) == 1 and layers_alone(graph) and reads == before[:-1] and tuple(before[-1:]) == graph.outputs
    )


def _attributes_fit(op: str, attrs: Mapping[str, Any]) -> bool:
    """Whether an operator has the attributes of its entry, and no other."""
    checks = ops.get(op).attrs
    return set(attrs) == set(checks) and all(check(attrs[name]) for name, check in checks.items())


def _node(graph: Graph, node: Node, known: set[str]) -> None:
    operator = ops.get(node.op)
    require(len(node.outputs) == 1 and node.outputs[0] in graph.tensors, f"{node.name!r} writes {node.outputs}")
    require(_attributes_fit(node.op, node.attrs), f"{node.op} ({node.name!r}) has attributes {dict(node.attrs)}")
    count, kinds = len(node.inputs), operator.inputs
    require(min(operator.optional, len(kinds)) <= count, f"{node.name!r} has {count} inputs")
    require(operator.more or count <= len(kinds), f"{node.name!r} has {count} inputs")
    place = f", after {min(known)!r}" if len(known) == 1 else ""
    for kind, name in zip(kinds + kinds[-1] * (count - len(kinds)), node.inputs, strict=False):
        if not name:
            require(kind == "c", f"{node.name!r} lacks an input")
            continue
        require(name in known or name in graph.constants, f"{node.name!r} reads {name!r}{place}")
        require(kind == "e" or (kind == "x") == (name in known), f"{node.name!r} reads {name!r} as {kind}")
    computed = sum(name in known for name in node.inputs)
    require(
        computed == 1 or (computed > 1 and "joins" in operator.traits),
        f"{node.name!r} reads {node.inputs}, not one tensor",
    )
    shapes = [
        (graph.tensors if name in known else graph.constants)[name].shape if name else None for name in node.inputs
    ]
    try:
        shape = operator.shape(node, *shapes)
    except ValueError as error:
        raise IllegalGraph(f"{node.op} ({node.name!r}): {error}") from None
    stated = graph.tensors[node.outputs[0]].shape
    last = operator.traits & (CHAIN | QUANTISED) and node.outputs[0] in graph.outputs
    same = elements(shape) == elements(stated) if last else shape == stated
    require(same, f"{node.outputs[0]!r} is {stated}, {node.op} makes it {shape}")


def layers(graph: Graph) -> None:
    """Weights are float32, biases float64, all finite; in a chain each Linear has at most one activation."""
    before, chain = "", chained(graph)
    for node in graph.nodes:
        if "activation" in ops.traits(node.op):
            require(before == "Linear" or not chain, f"{node.op} ({node.name!r}) does not follow a Linear")
        elif node.op in LAYERS:
            count = len(node.inputs)
            require(count == 3 or node.op not in ("Linear", "Conv"), f"{node.name!r} has {count} inputs")
            for name, dtype in zip(node.inputs[1:3], (np.float32, np.float64), strict=False):
                value = graph.constants[name]
                require(value.dtype == dtype, f"{name!r} is {value.dtype}")
                require(value.size and np.isfinite([value.min(), value.max()]).all(), f"{name!r} is not finite")
        before = node.op


def codebooks(graph: Graph, shared: bool) -> None:
    """The weights are what their codebooks say; with `shared`, each has one."""
    weights = [node.inputs[1] for node in graph.layers()]
    owned = {*graph.codebooks, *graph.blocks}
    require(owned <= set(weights), f"codebooks without a weight: {sorted(owned)}")
    require(not set(graph.codebooks) & set(graph.blocks), "weights have two codebooks")
    for name in weights:
        require(not shared or name in owned, f"weight {name!r} has no codebook")
        if name in graph.codebooks:
            _codebook(name, graph.codebooks[name], graph.constants[name])
        if name in graph.blocks:
            _blocks(name, graph.blocks[name], graph.constants[name])


def _codebook(name: str, book: Codebook, weight: Array) -> None:
    widths, kind = (IDENTITY_WIDTHS, f"int{book.code_w}") if book.identity else (CODE_WIDTHS, "uint8")
    require(book.code_w in widths, f"codebook {name!r} has {book.code_w}-bit codes")
    require(book.values.dtype == np.float64 and book.values.ndim == 1, f"codebook {name!r} is {book.values.dtype}")
    require(len(book.values) <= 1 << book.code_w, f"codebook {name!r} has {len(book.values)} entries")
    require(book.codes.dtype == kind and book.codes.shape == weight.shape, f"codes of {name!r} do not fit it")
    if book.scale is not None:
        scale, whole = book.scale, (book.values == np.rint(book.values)).all()
        fits = scale.dtype == np.float64 and scale.shape in ((1,), weight.shape[:1])
        require(fits, f"scales of {name!r}: {scale.dtype} {scale.shape}")
        require(np.isfinite(scale).all() and whole, f"scales of {name!r} are not finite, or its entries not whole")
    if not book.identity:
        require(int(book.codes.max()) < len(book.values), f"codes of {name!r} go beyond its codebook")
        require(book.values[0] == 0 or weight.all(), f"entry 0 of codebook {name!r} is {book.values[0]}")
    require(_decoded(book, weight), f"weight {name!r} is not what its codebook says")


def _blocks(name: str, blocks: Blocks, weight: Array) -> None:
    require(not blocks.fault(), f"product-quantised weights {name!r}: {blocks.fault()}")
    require(blocks.shape == weight.shape, f"{name!r} is {weight.shape}, its blocks are of {blocks.shape}")
    require(blocks.decodes_to(weight), f"weight {name!r} is not what its blocks say")


def _decoded(book: Codebook, weight: Array) -> bool:
    """Whether the weights are what the codebook says."""
    if book.identity or book.scale is not None:
        scales = np.ones(1) if book.scale is None else book.scale
        rows = zip(book.codes, np.broadcast_to(scales, len(weight)), weight, strict=True)
        by_row = (replace(book, codes=codes[None], scale=scale[None]).weights()[0] for codes, scale, _ in rows)
        return all(np.array_equal(row.astype(np.float32), own) for row, own in zip(by_row, weight, strict=True))
    values = book.values.astype(np.float32)
    pairs = zip(_chunks(book.codes), _chunks(weight), strict=True)
    return all(np.array_equal(values[codes], floats) for codes, floats in pairs)


def _chunks(value: Array) -> Iterator[Array]:
    flat = value.reshape(-1)
    return (flat[begin : begin + CHUNK] for begin in range(0, flat.size, CHUNK))
