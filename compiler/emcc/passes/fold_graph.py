"""Folds a model that is not a chain of matrix products: one with convolutions, pooling or branches.

What is folded: no-ops go; arithmetic on whole channels goes into a Conv; every run of matrix products, with the
moves and the arithmetic around it, is folded as a chain; the last Softmax, LogSoftmax and ArgMax are left to the
host. What there is no layer for stays as it is.
"""

from dataclasses import replace

from emcc import ops
from emcc.base.errors import EmccError
from emcc.ir.graph import Graph, Node
from emcc.ops import Trait
from emcc.ops.host import for_output
from emcc.passes.fold_chain import fold_chain
from emcc.passes.fold_conv import fold_conv
from emcc.passes.fold_draft import Draft

AROUND: frozenset[Trait] = frozenset({"affine", "moves"})
"""What goes with the matrix product before or behind it."""


def fold_graph(graph: Graph) -> Graph:
    """The folded graph. Raises EmccError where a folded weight is beyond float32."""
    draft = Draft(graph)
    _leave_to_host(draft)
    for node in list(draft.nodes):
        (x, *_), (y,) = draft.computed(node), node.outputs
        if ops.does_nothing(node, draft.shape(x), draft.shape(y)):
            draft.bypass(next(same for same in draft.nodes if same.name == node.name))
    for node in [node for node in draft.nodes if node.op == "Conv"]:
        fold_conv(draft, node)
    while (start := next((node for node in draft.nodes if "matrix" in ops.traits(node.op)), None)) is not None:
        _fold_run(draft, start)
    return draft.build()


def _leave_to_host(draft: Draft) -> None:
    """All from the first host operator on is one chain of such, for frontend.load lets nothing follow them.

    Of several outputs each has a chain of its own.
    """
    if len(draft.outputs) > 1:
        for place in range(len(draft.outputs)):
            _tail_to_host(draft, place)
        return
    first = next((i for i, node in enumerate(draft.nodes) if "host" in ops.traits(node.op)), None)
    if first is None:
        return
    draft.outputs = draft.computed(draft.nodes[first])
    after = {draft.nodes[first].outputs[0]}
    kept = draft.nodes[:first]
    for node in draft.nodes[first:]:
        if "host" in ops.traits(node.op):
            draft.host.append((node.op, dict(node.attrs)))
        if after & {*node.inputs, *node.outputs}:
            after.update(node.outputs)
        else:
            kept.append(node)
    draft.nodes = kept


def _tail_to_host(draft: Draft, place: int) -> None:
    """What ends in one of several outputs, from its first host operator on. What is left has the output's name."""
    path: list[Node] = []
    while (node := draft.producer(path[0].inputs[0] if path else draft.outputs[place])) is not None:
        y = node.outputs[0]
        if "host" not in ops.traits(node.op) and not ops.does_nothing(node, *map(draft.shape, (node.inputs[0], y))):
            break
        path.insert(0, node)
    while path and "host" not in ops.traits(path[0].op):
        path.pop(0)
    if not path:
        return
    gone = {id(node) for node in path}
    read = {name for node in draft.nodes if id(node) not in gone for name in node.inputs}
    draft.same(path[0].inputs[0], draft.outputs[place])
    if read & {node.outputs[0] for node in path} or {*draft.outputs} & {node.outputs[0] for node in path[:-1]}:
        hint = "take one of them with --output"
        raise EmccError("two outputs share what the host does at the model's end", node=path[0].name, hint=hint)
    draft.host += [for_output(node.op, node.attrs, place) for node in path if "host" in ops.traits(node.op)]
    draft.nodes = [node for node in draft.nodes if id(node) not in gone]
    draft.rename(path[0].inputs[0], draft.outputs[place])


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
        elif traits & AROUND:
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


def _before(draft: Draft, start: Node) -> list[Node]:
    """The moves and arithmetic in front of a node that nothing else reads."""
    nodes: list[Node] = []
    (x,) = draft.computed(start)
    while (node := draft.producer(x)) is not None and ops.traits(node.op) & AROUND and len(draft.computed(node)) == 1:
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
