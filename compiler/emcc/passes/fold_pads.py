"""Pads of zeros go into the convolutions and pools that read them."""

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
