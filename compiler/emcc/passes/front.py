"""What stands in front of a model's first layer: the normalisation of its input, taken off for the host to do."""

from dataclasses import replace

import numpy as np

from emcc import ops
from emcc.ir.affine import LARGEST, compact
from emcc.ir.graph import Affine, Array, Graph, Node
from emcc.passes.fold_affine import affine
from emcc.passes.fold_chain import is_chain
from emcc.passes.fold_view import View
from emcc.passes.norm import without_norms

MANY = 1 << 15
"""Elements of an image of which each has a scale and an offset of its own: the host's tables of larger ones would be
larger than the model."""


def split(graph: Graph, hosted: Array | None = None) -> tuple[Graph, Affine] | None:
    """(the model without its input's normalisation, that normalisation); None where there is none to take off.

    Args:
        graph: as the front end leaves it, of one input, whose first nodes are constant arithmetic (Sub, Div, Mul, Add,
            BatchNormalization) and moves of data, behind a Normalizer or none.
        hosted: bool [elements]: whose offset is the host's too. Other offsets stay in the model, behind the scales, so
            that an input of 0 stays 0. All are the host's by default, and always where the model is no chain: there a
            Conv, whose pads are zeros, could not take them.
    """
    graph, norms = without_norms(graph)
    chain = is_chain(graph)
    if len(graph.inputs) > 1:
        return None
    front = _front(graph) if chain else _alone(graph)
    shape = tuple(int(size or 1) for size in graph.tensors[graph.inputs[0]].shape[1:])
    view, dropped = View.whole(shape), []
    for node in front:
        if "moves" in ops.traits(node.op):
            view = view.moved(lambda values, node=node: ops.get(node.op).evaluate(np, node, values[None])[0])  # type: ignore[misc]
            continue
        try:
            wider = view.affine(*affine(node, graph.constants, view.index.ndim))
        except ValueError:
            break
        if wider.index.shape != view.index.shape:
            break
        view = wider
        dropped.append(node)
    if not dropped or np.unique(view.index).size != view.base or view.index.size != view.base:
        return None
    found = _taken_off(graph, dropped, view, hosted if chain else None, norms.get(graph.inputs[0], ""))
    return None if found is None or not (chain or max(found[1].scale.size, found[1].offset.size) <= MANY) else found


def _front(graph: Graph) -> list[Node]:
    """The arithmetic and moves before the first other node; nothing where no matrix product follows them."""
    front: list[Node] = []
    for node in graph.nodes:
        if not ops.traits(node.op) & {"affine", "moves"}:
            return front if any("matrix" in ops.traits(each.op) for each in graph.nodes) else []
        front.append(node)
    return []


def _alone(graph: Graph) -> list[Node]:
    """The arithmetic and moves behind the input that alone read it, in a row; nothing where no layer follows."""
    (at,), front = graph.inputs, []
    while True:
        readers = [node for node in graph.nodes if at in node.inputs]
        if len(readers) != 1 or not ops.traits(readers[0].op) & {"affine", "moves"}:
            break
        (reader,) = readers
        if reader.outputs[0] in graph.outputs or [name for name in reader.inputs if name in graph.tensors] != [at]:
            break
        front.append(reader)
        (at,) = reader.outputs
    return front if any("matrix" in ops.traits(node.op) or node.op == "Conv" for node in graph.nodes) else []


def _taken_off(
    graph: Graph, dropped: list[Node], view: View, hosted: Array | None, norm: str
) -> tuple[Graph, Affine] | None:
    """The model without these nodes. None where a scale is 0, or a number is no float32."""
    at = view.index.ravel()
    scale, added = np.ones(view.base), np.zeros(view.base)
    if view.scale is not None:
        scale[at] = view.scale.ravel()
    if view.offset is not None:
        added[at] = view.offset.ravel()
    with np.errstate(all="ignore"):
        rounded = scale.astype(np.float32).astype(np.float64)
        offset = (-added / scale).astype(np.float32).astype(np.float64)
    if not (
        np.isfinite(rounded).all()
        and np.isfinite(offset).all()
        and ((np.abs(rounded) > 1 / LARGEST) & (np.abs(rounded) < LARGEST)).all()
    ):
        return None
    host = np.ones(view.base, bool) if hosted is None else hosted
    rest = np.where(host, 0.0, added)
    return _without(graph, dropped, rest), compact(rounded, np.where(host, offset, 0.0) + 0.0, norm)


def _without(graph: Graph, dropped: list[Node], rest: Array) -> Graph:
    """The model without these nodes, and with `rest` [elements] added to its input."""
    source, gone = graph.inputs[0], {node.name for node in dropped}
    renamed = {source: source}
    tensors = {name: graph.tensors[name] for name in graph.tensors}
    nodes: list[Node] = []
    constants = dict(graph.constants)
    if rest.any():
        shape = tuple(int(size or 1) for size in graph.tensors[source].shape[1:])
        name, constant = _fresh(f"{source}.shifted", graph), _fresh(f"{source}.shift", graph)
        tensors[name] = replace(graph.tensors[source], name=name)
        constants[constant] = rest.reshape(shape)
        nodes.append(Node(_fresh("shift", graph), "Add", (source, constant), (name,)))
        renamed[source] = name
    for node in graph.nodes:
        inputs = tuple(renamed.get(name, name) for name in node.inputs)
        if node.name in gone:
            (computed,) = (name for name in inputs if name in tensors)
            renamed[node.outputs[0]] = computed
            del tensors[node.outputs[0]]
        else:
            nodes.append(replace(node, inputs=inputs))
    used = {name for node in nodes for name in node.inputs}
    kept = {name: value for name, value in constants.items() if name in used}
    ranges = {name: ends for name, ends in graph.ranges.items() if name in tensors}
    last = dropped[-1].outputs[0]
    if last in graph.ranges and not rest.any():
        ranges[source] = graph.ranges[last]
    return graph.with_(nodes=tuple(nodes), tensors=tensors, constants=kept, ranges=ranges)


def behind(outer: Affine, inner: Affine) -> Affine:
    """Return `outer` and then `inner`, which has no norm."""
    scale, offset = outer.scale * inner.scale, outer.offset + inner.offset / outer.scale
    return Affine(scale, offset, outer.norm)


def _fresh(name: str, graph: Graph) -> str:
    taken = {*graph.tensors, *graph.constants, *(node.name for node in graph.nodes)}
    while name in taken:
        name += "'"
    return name
