"""Pads of zeros go into the convolutions and pools that read them, what is cut off a map into the one that makes it."""

from dataclasses import replace

from emcc import ops
from emcc.ir.graph import Node
from emcc.ops.windows import axes
from emcc.passes.fold_draft import Draft

NOT_NEGATIVE = ("Relu", "Sigmoid", "HardSigmoid", "Softplus")


def fold_pads(draft: Draft) -> None:
    """Every Pad of zeros around a map, reader by reader."""
    for node in list(draft.nodes):
        if node.op != "Pad" or node.attrs["mode"] != "constant" or len(draft.shape(node.inputs[0])) != 3:
            continue
        (low, top, left), (high, bottom, right) = node.attrs["before"], node.attrs["after"]
        if low or high:
            continue
        (x,), (y,) = node.inputs, node.outputs
        for reader in draft.users(y):
            wider = _padded(draft, reader, x, (top, left, bottom, right))
            if wider is not None:
                draft.replace([reader], [wider])
        if not draft.users(y) and y not in draft.outputs:
            draft.nodes = [other for other in draft.nodes if other is not node]


def _padded(draft: Draft, reader: Node, x: str, around: tuple[int, int, int, int]) -> Node | None:
    """The reader on what the Pad reads, with wider pads of its own; None where that means something else."""
    if reader.op not in ("Conv", "MaxPool", "AveragePool"):
        return None
    own = tuple(reader.attrs["pads"])
    attrs = {**reader.attrs, "pads": tuple(a + b for a, b in zip(own, around, strict=True))}
    if reader.op != "Conv":
        kernel = reader.attrs["kernel_shape"]
        if any(own) or reader.attrs["ceil_mode"] or any(pad >= kernel[i % 2] for i, pad in enumerate(attrs["pads"])):
            return None
        node = replace(reader, attrs=attrs)
        if not all(axis.all_touch for axis in axes(node, draft.tensors[x].shape, kernel)):
            return None
    if reader.op == "MaxPool" and not _not_negative(draft, x):
        return None
    if reader.op == "AveragePool":
        attrs["count_include_pad"] = 1
    return replace(reader, inputs=(x, *reader.inputs[1:]), attrs=attrs)


def _not_negative(draft: Draft, x: str) -> bool:
    """Whether a tensor has no element below 0."""
    maker = draft.producer(x)
    while maker is not None and ("selects" in ops.traits(maker.op) and len(draft.computed(maker)) == 1):
        maker = draft.producer(draft.computed(maker)[0])
    return maker is not None and (maker.op in NOT_NEGATIVE or (maker.op == "Clip" and maker.attrs["low"] >= 0))


def fold_crops(draft: Draft) -> None:
    """Every Slice that takes a map without its rim, behind a Conv or functions of one: narrower pads make that map."""
    for name in [node.name for node in draft.nodes if node.op == "Slice"]:
        node = next(node for node in draft.nodes if node.name == name)
        run = _run_to_conv(draft, node)
        if run and (attrs := _cropped(draft, run[0], node)) is not None:
            draft.replace([run[0]], [replace(run[0], attrs=attrs)])
            for part in run:
                (y,) = part.outputs
                draft.tensors[y] = replace(draft.tensors[y], shape=draft.tensors[node.outputs[0]].shape)
            draft.bypass(node)


def _run_to_conv(draft: Draft, node: Node) -> list[Node]:
    """The Conv in front, and the functions between, each of which nothing else reads; nothing where there is none."""
    run: list[Node] = []
    at = node
    while (maker := draft.producer(draft.computed(at)[0])) is not None and draft.only_user(maker.outputs[0]) is at:
        run.insert(0, maker)
        if maker.op == "Conv":
            return run
        if "activation" not in ops.traits(maker.op) or len(draft.computed(maker)) > 1:
            return []
        at = maker
    return []


def _cropped(draft: Draft, conv: Node, cut: Node) -> dict[str, object] | None:
    """The attributes of a Conv that makes what a Slice takes of its result; None where pads alone do not say it."""
    (x,), weight = draft.computed(conv), draft.constants[conv.inputs[1]]
    begins, counts = cut.attrs["begins"], cut.attrs["counts"]
    if len(begins) != 3 or set(cut.attrs["steps"]) != {1} or counts[0] != weight.shape[0]:
        return None
    before, after = [], []
    for i in range(2):
        stride, spread = conv.attrs["strides"][i], conv.attrs["dilations"][i] * (weight.shape[2 + i] - 1) + 1
        size, first = draft.shape(x)[1 + i], conv.attrs["pads"][i] - begins[1 + i] * stride
        last = max(0, (counts[1 + i] - 1) * stride + spread - size - first)
        if (
            first < 0
            or last > conv.attrs["pads"][2 + i]
            or (size + first + last - spread) // stride + 1 != counts[1 + i]
        ):
            return None
        before.append(first)
        after.append(last)
    return {**conv.attrs, "pads": (*before, *after)}
