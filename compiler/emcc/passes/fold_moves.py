"""Moves of data: what does not depend on places goes in front of them, and runs of them become one, or none."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from emcc import ops
from emcc.ir.graph import Array, Node
from emcc.ops import Trait
from emcc.passes.fold_affine import unique
from emcc.passes.fold_draft import Draft

LARGEST = 1 << 24
"""Elements of a sample whose places are followed."""

MOVED: frozenset[Trait] = frozenset({"moves", "picks"})


def fold_moves(draft: Draft) -> None:
    """Sink moves behind elementwise nodes, as far as they go; put runs of them together."""
    for node in [node for node in draft.nodes if node.op == "Slice"]:
        _on_map(draft, node)
    while any(_sunk(draft, node) for node in list(draft.nodes)):
        pass
    for name in [node.name for node in draft.nodes]:
        for node in [node for node in draft.nodes if node.name == name and _moves(draft, node)]:
            _together(draft, node)


def _moves(draft: Draft, node: Node) -> bool:
    traits = ops.traits(node.op)
    sizes = [int(np.prod(draft.shape(name))) for name in (*draft.computed(node), *node.outputs)]
    return bool(traits & MOVED) and "padding" not in traits and max(sizes) <= LARGEST


def places(draft: Draft, node: Node, at: Array) -> Array:
    """What a move does to a sample of places."""
    return np.asarray(ops.get(node.op).evaluate(np, node, at[None])[0])


def _numbered(draft: Draft, name: str) -> Array:
    shape = draft.shape(name)
    return np.arange(int(np.prod(shape)), dtype=np.int64).reshape(shape)


def _sunk(draft: Draft, node: Node) -> bool:
    """Whether an elementwise node now reads what the moves in front of it read."""
    (y,), names = node.outputs, draft.computed(node)
    if not _swaps(draft, node):
        return False
    makers = [draft.producer(name) for name in dict.fromkeys(names)]
    if any(maker is None or "moves" not in ops.traits(maker.op) or not _moves(draft, maker) for maker in makers):
        return False
    if any(draft.only_user(name) is not node for name in names):
        return False
    movers = [maker for maker in makers if maker is not None]
    first, sources = movers[0], [draft.computed(maker)[0] for maker in movers]
    at = places(draft, first, _numbered(draft, sources[0]))
    if any(draft.shape(source) != draft.shape(sources[0]) for source in sources) or any(
        not np.array_equal(places(draft, maker, _numbered(draft, sources[0])), at) for maker in movers[1:]
    ):
        return False
    constants = _moved_back(draft, node, at, draft.shape(sources[0]))
    if constants is None:
        return False
    moved = dict(zip(dict.fromkeys(names), sources, strict=True))
    inner = draft.tensor(f"{y}.before", draft.tensors[y], draft.shape(sources[0]))
    inputs = tuple(moved.get(name) or constants.get(name, name) for name in node.inputs)
    behind = replace(first, inputs=(inner,), outputs=(y,))
    draft.replace([*movers, node], [replace(node, inputs=inputs, outputs=(inner,)), behind])
    return True


def _on_map(draft: Draft, node: Node) -> None:
    """A Slice of a line that was a map of one row takes it of the map, where a convolution can be narrower for it."""
    (x,), (y,) = draft.computed(node), node.outputs
    maker = draft.producer(x)
    while maker is not None and "elementwise" in ops.traits(maker.op) and len(draft.computed(maker)) == 1:
        maker = draft.producer(draft.computed(maker)[0])
    shape = draft.shape(x)
    if maker is None or maker.op != "Squeeze" or len(shape) != 2:
        return
    wide = (shape[0], 1, shape[1])
    if draft.shape(draft.computed(maker)[0]) != wide:
        return
    counts = node.attrs["counts"]
    before = draft.tensor(f"{x}.map", draft.tensors[x], wide)
    inner = draft.tensor(f"{y}.map", draft.tensors[y], (counts[0], 1, counts[1]))
    attrs = {key: (row[0], 0 if key == "begins" else 1, row[1]) for key, row in node.attrs.items()}
    names = {other.name for other in draft.nodes}
    up = Node(unique(f"{node.name}.up", names), "Unsqueeze", (x,), (before,), {"axes": (2,)})
    down = Node(unique(f"{node.name}.down", names), "Squeeze", (inner,), (y,), {"axes": (2,)})
    draft.replace([node], [up, replace(node, inputs=(before,), outputs=(inner,), attrs=attrs), down])


def _swaps(draft: Draft, node: Node) -> bool:
    """Whether a node does the same to elements wherever they are, and leaves a tensor's shape."""
    names = draft.computed(node)
    same = all(draft.shape(name) == draft.shape(node.outputs[0]) for name in names)
    plain = "elementwise" in ops.traits(node.op) and "no-op" not in ops.traits(node.op)
    return same and bool(names) and (plain or node.op == "BatchNormalization")


def _moved_back(draft: Draft, node: Node, at: Array, shape: tuple[int, ...]) -> dict[str, str] | None:
    """The node's constants for a tensor of `shape`, whose element at[i] it reads at i now; None if there are none."""
    held = [name for name in node.inputs if name in draft.constants]
    if node.op == "BatchNormalization":
        channels, inner = shape[0], int(np.prod(shape[1:]))
        stay = len(shape) > 1 and at.shape[:1] == (channels,)
        own = stay and np.array_equal(at.reshape(channels, -1) // inner, np.tile(np.arange(channels)[:, None], inner))
        return {} if own else None
    result = {}
    for name in held:
        value = draft.constants[name]
        if value.size == 1 and value.ndim <= len(shape) + 1:
            result[name] = draft.constant(name, value.reshape(()))
            continue
        if value.ndim > at.ndim + 1:
            return None
        full = np.broadcast_to(value, (1, *at.shape))[0]
        back = np.empty(shape, value.dtype)
        back.reshape(-1)[at.ravel()] = full.ravel()
        result[name] = draft.constant(name, _narrow(back))
    return result


def _narrow(value: Array) -> Array:
    """Without repeating itself along an axis."""
    for axis in range(value.ndim):
        first = np.take(value, [0], axis=axis)
        if (value == first).all():
            value = first
    return value


def _together(draft: Draft, start: Node) -> None:
    """Put the moves from `start` on that nothing else reads into one, as many as go."""
    run = [start]
    while (after := draft.only_user(run[-1].outputs[0])) is not None and _moves(draft, after):
        run.append(after)
    (x,) = draft.computed(start)
    for count in range(len(run), 1, -1):
        part = run[:count]
        at = _numbered(draft, x)
        for node in part:
            at = places(draft, node, at)
        for rule in (_same, _channels, _blocks, _permuted):
            made = rule(at, draft.shape(x))
            if made is None:
                continue
            op, attrs = made
            draft.release(part)
            last = replace(part[-1], op=op, inputs=(x,), attrs=attrs)
            draft.replace(part, [last])
            if op == "Reshape" and at.shape == draft.shape(x):
                draft.bypass(last)
            return


Made = tuple[str, dict[str, object]] | None
Rule = Callable[[Array, tuple[int, ...]], Made]


def _same(at: Array, shape: tuple[int, ...]) -> Made:
    size = int(np.prod(shape))
    same = at.size == size and np.array_equal(at.ravel(), np.arange(size))
    return ("Reshape", {"shape": at.shape}) if same else None


def _channels(at: Array, shape: tuple[int, ...]) -> Made:
    """Whole channels in another order."""
    inner = int(np.prod(shape[1:]))
    if at.shape[1:] != shape[1:] or len(shape) < 2:
        return None
    rows = at.reshape(at.shape[0], inner)
    if not np.array_equal(rows, rows[:, :1] + np.arange(inner)) or (rows[:, 0] % inner).any():
        return None
    return "Gather", {"axis": 1, "indices": tuple(int(i) for i in rows[:, 0] // inner)}


def _blocks(at: Array, shape: tuple[int, ...]) -> Made:
    """Squares of positions out of channels, or into them."""
    if at.ndim != 3 or len(shape) != 3 or 0 in (*at.shape, *shape):
        return None
    up, block = at.shape[1] > shape[1], max(at.shape[1] // shape[1], shape[1] // at.shape[1])
    op, numbers = "DepthToSpace" if up else "SpaceToDepth", np.arange(int(np.prod(shape))).reshape(shape)
    for mode in ("DCR", "CRD"):
        node = Node("", op, ("x",), ("y",), {"blocksize": block, "mode": mode})
        try:
            ops.get(op).shape(node, (None, *shape))
        except ValueError:
            return None
        if np.array_equal(ops.get(op).evaluate(np, node, numbers[None])[0], at):
            return op, dict(node.attrs)
    return None


def _permuted(at: Array, shape: tuple[int, ...]) -> Made:
    """Axes in another order."""
    if at.ndim != len(shape) or at.size != int(np.prod(shape)) or sorted(at.shape) != sorted(shape):
        return None
    strides = [int(np.prod(shape[axis + 1 :])) for axis in range(len(shape))]
    perm: list[int] = []
    for axis, size in enumerate(at.shape):
        step = int(np.take(at, 1, axis=axis).flat[0]) if size > 1 else -1
        fitting = [
            i
            for i, stride in enumerate(strides)
            if i not in perm and shape[i] == size and (stride == step or size == 1)
        ]
        if not fitting:
            return None
        perm.append(fitting[0])
    numbers = np.arange(at.size).reshape(shape)
    return ("Transpose", {"perm": (0, *(i + 1 for i in perm))}) if np.array_equal(numbers.transpose(perm), at) else None
