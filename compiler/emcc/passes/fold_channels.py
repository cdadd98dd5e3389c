"""Arithmetic on the elements of a vector, or the channels of a sequence, as that on the channels of a map.

The array scales and shifts the channels of [C, H, W] in its lanes. A sample [C] is such a map of one place, and [C, W]
one of a line: two views around the nodes say so. What stands beside the host's operators alone stays as it is, for the
host does it on its way.
"""

from dataclasses import replace

from emcc import ops
from emcc.ir.graph import Array, Node
from emcc.passes.channelwise import by_channel
from emcc.passes.fold_draft import Draft

HOST = frozenset({"host", "hosted"})
Constants = dict[str, Array]
"""By the name in the model: a constant as [C, 1, 1] or [1, 1, 1]."""


def fold_channels(draft: Draft) -> None:
    """Give every run of such nodes on a vector or a sequence, and of functions behind them, the shape of a map."""
    done: set[str] = set()
    for node in list(draft.nodes):
        values = None if node.name in done or _beside_the_host(draft, node) else _by_channel(draft, node)
        if values is None:
            continue
        run = [node]
        while (after := draft.only_user(run[-1].outputs[0])) is not None:
            if not (more := _by_channel(draft, after)) and not _is_function(after):
                break
            values |= more or {}
            run.append(after)
        done |= {one.name for one in run}
        draft.replace(run, _mapped(draft, run, values))


def _is_function(node: Node) -> bool:
    return "activation" in ops.traits(node.op)


def _by_channel(draft: Draft, node: Node) -> Constants | None:
    """A node's constants; None where it is no arithmetic on whole channels of a vector or a sequence."""
    names, shape = draft.computed(node), draft.shape(node.outputs[0])
    if "affine" not in ops.traits(node.op) or len(names) != 1 or draft.shape(names[0]) != shape:
        return None
    if len(shape) not in (1, 2):
        return None
    values: Constants = {}
    for name in (name for name in node.inputs if name in draft.constants and node.op != "BatchNormalization"):
        value = draft.constants[name]
        value = value[0] if value.ndim > len(shape) else value
        if not by_channel(value, len(shape)):
            return None
        values[name] = value.reshape(-1, 1, 1)
    return values


def _beside_the_host(draft: Draft, node: Node) -> bool:
    """Whether the host makes what a node reads, or does all that reads what it makes."""
    makers = [draft.producer(name) for name in draft.computed(node)]
    users = draft.users(node.outputs[0])
    by = any(maker is not None and ops.traits(maker.op) & HOST for maker in makers)
    return by or (bool(users) and all(ops.traits(user.op) & HOST for user in users))


def _mapped(draft: Draft, run: list[Node], values: Constants) -> list[Node]:
    """The nodes on a map, between views."""
    (x,), (y,) = draft.computed(run[0]), run[-1].outputs
    channels, *line = draft.shape(y)
    shape = (channels, 1, *(line or [1]))
    names = {name: draft.constant(f"{name}.map", value) for name, value in values.items()}
    for name in (x, *(node.outputs[0] for node in run)):
        names[name] = draft.tensor(f"{name}.map", draft.tensors[name], shape)
    inside = [
        replace(node, inputs=tuple(names.get(name, name) for name in node.inputs), outputs=(names[node.outputs[0]],))
        for node in run
    ]
    return [
        Node(f"{run[0].name}.in", "Reshape", (x,), (names[x],), {"shape": shape}),
        *inside,
        Node(f"{run[0].name}.out", "Reshape", (names[y],), (y,), {"shape": draft.shape(y)}),
    ]
