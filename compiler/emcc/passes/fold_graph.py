"""Folds a model that is not a chain of matrix products: one with convolutions, pooling or branches.

What is folded: no-ops go; moves of data go behind elementwise nodes, and together; pads go into convolutions and pools;
arithmetic on whole channels goes into a Conv, or into the BatchNormalization before it; every run of matrix products,
with the moves and the arithmetic around it, is folded as a chain; the last Softmax, LogSoftmax and ArgMax of each
output are left to the host. What there is no layer for stays as it is.
"""

from dataclasses import replace

from emcc import ops
from emcc.ir.graph import Graph, Node
from emcc.ops import Trait
from emcc.ops.host import for_output
from emcc.passes.fold_chain import fold_chain
from emcc.passes.fold_channels import fold_channels
from emcc.passes.fold_conv import fold_conv
from emcc.passes.fold_draft import Draft
from emcc.passes.fold_moves import fold_moves
from emcc.passes.fold_norm import fold_norms
from emcc.passes.fold_pads import fold_crops, fold_pads
from emcc.passes.fold_shifts import fold_shifts

AROUND: frozenset[Trait] = frozenset({"affine", "moves", "picks"})
"""What goes with the matrix product before or behind it, unless it makes more elements."""


def fold_graph(graph: Graph) -> Graph:
    """The folded graph. Raises EmccError where a folded weight is beyond float32."""
    draft = Draft(graph)
    _leave_to_host(draft)
    for node in list(draft.nodes):
        (x, *more), (y,) = draft.computed(node), node.outputs
        if not more and ops.does_nothing(node, draft.shape(x), draft.shape(y)):
            draft.bypass(next(same for same in draft.nodes if same.name == node.name))
    fold_moves(draft)
    fold_pads(draft)
    fold_crops(draft)
    for node in [node for node in draft.nodes if node.op == "Conv"]:
        fold_conv(draft, node)
    fold_norms(draft)
    while (start := next((node for node in draft.nodes if "matrix" in ops.traits(node.op)), None)) is not None:
        _fold_run(draft, start)
    if any("later" in ops.traits(node.op) for node in draft.nodes):
        fold_shifts(draft)  # nothing of the model is for an array yet
    else:
        fold_channels(draft)
    return draft.build()


def _leave_to_host(draft: Draft) -> None:
    """What ends in each output and is the host's: its operators there, and what changes nothing behind them.

    Of several outputs, what is left has the output's name.
    """
    for place, output in enumerate(draft.outputs):
        tail = _tail(draft, output)
        if tail:
            (x,) = draft.computed(tail[0])
            draft.host += [for_output(node.op, node.attrs, place) for node in tail if "host" in ops.traits(node.op)]
            draft.nodes = [node for node in draft.nodes if not any(node is gone for gone in tail)]
            if len(draft.outputs) == 1:
                draft.outputs = [x]
            else:
                draft.rename(x, output)


def _tail(draft: Draft, output: str) -> list[Node]:
    """A host's operator and all behind it, up to an output: such operators, and nodes that change nothing.

    Not of it is what something else reads, or what reads the model's input or another output.
    """
    tail: list[Node] = []
    at = output
    while (node := draft.producer(at)) is not None and draft.users(at) == tail[:1] and _ends(draft, node):
        (x,) = draft.computed(node)
        if draft.producer(x) is None or x in draft.outputs:
            break
        tail.insert(0, node)
        at = x
    while tail and "host" not in ops.traits(tail[0].op):
        tail.pop(0)
    return tail


def _ends(draft: Draft, node: Node) -> bool:
    """Whether a node may be left out at the end, or be left to the host."""
    if "host" in ops.traits(node.op):
        return True
    names = draft.computed(node)
    return len(names) == 1 and ops.does_nothing(node, draft.shape(names[0]), draft.shape(node.outputs[0]))


def _fold_run(draft: Draft, start: Node) -> None:
    """Folds the matrix product `start` and whatever can go with it."""
    run = [*_before(draft, start), start]
    rest: list[Node] = []
    settled = False
    while (node := draft.only_user((rest or run)[-1].outputs[0])) is not None and len(draft.computed(node)) == 1:
        traits = ops.traits(node.op)
        if "matrix" in traits or (not settled and "activation" in traits):
            run += [*rest, node]
            rest, settled = [], "activation" in traits
        elif _goes_with(draft, node):
            rest.append(node)
            if not settled:
                run, rest = [*run, *rest], []
        else:
            break
    (source,), end = draft.computed(run[0]), run[-1].outputs[0]
    names = {name for node in run for name in (*node.inputs, *node.outputs)}
    part = Graph(
        draft.graph.name,
        (source,),
        (end,),
        tuple(run),
        {name: draft.tensors[name] for name in names if name in draft.tensors},
        {name: draft.constants[name] for name in names if name in draft.constants},
    )
    folded = fold_chain(part)
    draft.release(run)
    constants = {name: draft.constant(name, value) for name, value in folded.constants.items()}
    draft.tensors.update(folded.tensors)
    nodes = [replace(node, inputs=tuple(constants.get(name, name) for name in node.inputs)) for node in folded.nodes]
    draft.replace(run, _reshaped(draft, nodes, end))


def _goes_with(draft: Draft, node: Node) -> bool:
    traits = ops.traits(node.op)
    fewer = draft.tensors[node.outputs[0]].features <= max(draft.tensors[x].features for x in draft.computed(node))
    around = AROUND - {"picks"} if _stays_small(draft) else AROUND
    return bool(traits & around) and "padding" not in traits and fewer


def _stays_small(draft: Draft) -> bool:
    """Whether a matrix stays as small as it is, and picks nothing: beside layers that are none of the array's."""
    return any("compressed" in ops.traits(node.op) for node in draft.nodes)


def _before(draft: Draft, start: Node) -> list[Node]:
    """The moves and arithmetic in front of a node that nothing else reads."""
    nodes: list[Node] = []
    (x,) = draft.computed(start)
    while (node := draft.producer(x)) is not None and _goes_with(draft, node) and len(draft.computed(node)) == 1:
        if draft.only_user(x) is None:
            break
        nodes.insert(0, node)
        (x,) = draft.computed(node)
    return nodes


def _reshaped(draft: Draft, nodes: list[Node], end: str) -> list[Node]:
    """The nodes, and a Reshape where what follows wants the last tensor in another shape than [n, features]."""
    shape = draft.shape(end)
    if len(shape) == 1 or end in draft.outputs:
        return nodes
    name = end + ".flat"
    while name in draft.tensors or name in draft.constants:
        name += "'"
    draft.tensors[name] = replace(draft.tensors[end], name=name, shape=(None, draft.tensors[end].features))
    last = replace(nodes[-1], outputs=(name,))
    return [*nodes[:-1], last, Node(f"{end}.reshape", "Reshape", (name,), (end,), {"shape": shape})]
