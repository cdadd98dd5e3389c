"""Rules of the operators that move data or do nothing. Every one must leave the batch axis in front, untouched."""

import math

import onnx

from emcc.frontend import legacy
from emcc.frontend.operands import BATCH, Made, Operands
from emcc.frontend.refusal import Refusal, quoted
from emcc.frontend.tensors import FLOATS, type_name

WHOLE = (onnx.TensorProto.INT32, onnx.TensorProto.INT64)


def identity(node: Operands) -> Made:
    """x, of any type."""
    return "Identity", (node.proto.input[0],), {}


def cast(node: Operands) -> Made:
    """Float to float; integers that pick rows to such; places (of an ArgMax) to numbers of any kind, at an output."""
    if node.counts():
        node.shape(bare=True)
        return "Identity", (node.proto.input[0],), {}
    if node.picks():
        if node.attrs["to"] not in WHOLE:
            kind = type_name(node.attrs["to"])
            raise Refusal(f"casts integers of the model's input to {kind}", "let floats be an input of FLOAT")
        node.shape(bare=True)
        return "Identity", (node.proto.input[0],), {}
    if node.attrs["to"] not in FLOATS:
        source = quoted(node.proto.input[0])
        raise Refusal(
            f"casts a computed tensor to {type_name(node.attrs['to'])}",
            f"remove the cast; where it is the last node, take what it reads: --output {source}",
        )
    node.shape(bare=True)
    return "Cast", (node.proto.input[0],), {}


def dropout(node: Operands) -> Made:
    """x: the ratio does not matter at inference."""
    legacy.for_inference(node.attrs, node.opset, "Dropout")
    if node.given(2) and bool(node.constant(2).any()):
        raise Refusal("Dropout is in training mode", "export the model for inference: model.eval() first")
    node.shape(bare=True)
    return "Dropout", (node.proto.input[0],), {}


def flatten(node: Operands) -> Made:
    """[n, features]."""
    full, axis = node.own(), int(node.attrs["axis"])
    if not -len(full) <= axis <= len(full) or (axis < 0 and node.opset < 11):
        raise Refusal(f"axis {axis} is not one of {len(full)}", BATCH)
    axis = axis + len(full) if axis < 0 else axis
    if node.single and (axis != 1 or node.bare()):
        return for_one(node, [math.prod(full[:axis]), math.prod(full[axis:])])
    if math.prod(full[:axis]) != node.batch or (axis == 0 and node.frozen):
        raise Refusal(f"Flatten with axis={axis} mixes the batch with the features", BATCH)
    return "Flatten", (node.proto.input[0],), {"axis": 1}


def reshape(node: Operands) -> Made:
    """The shape of a sample; 0 and -1 resolved, the batch in front."""
    target, full = list(node.integers(1)), node.own()
    zero = bool(node.attrs.get("allowzero", 0))
    if target.count(-1) > 1 or any(size < -1 for size in target) or (zero and 0 in target):
        raise Refusal(f"cannot reshape {list(full[1:])} samples to {target}", "export the model again")
    if any(size == 0 and i >= len(full) for i, size in enumerate(target)):
        raise Refusal(f"reshapes to {target}, but there are {len(full)} axes to copy", "export the model again")
    sizes = [full[i] if size == 0 else size for i, size in enumerate(target)]
    if -1 in sizes:
        known = math.prod(size for size in sizes if size != -1)
        if math.prod(full) % known:
            raise Refusal(f"cannot reshape {list(full[1:])} samples to {target}", BATCH)
        sizes[sizes.index(-1)] = math.prod(full) // known
    if math.prod(sizes) != math.prod(full):
        raise Refusal(f"reshapes samples of {math.prod(full[1:])} elements to {target}", BATCH)
    if node.single:
        return for_one(node, sizes)
    rest_is_one_sample = -1 not in target or target[0] != 1
    if not sizes or sizes[0] != node.batch or (node.frozen and not rest_is_one_sample):
        raise Refusal(f"the reshape to {target} mixes the batch with the features", BATCH)
    return "Reshape", (node.proto.input[0],), {"shape": tuple(sizes[1:])}


def transpose(node: Operands) -> Made:
    """Axes permuted, but for the batch; that may be moved where it is one sample alone."""
    rank = len(node.own())
    perm = tuple(int(axis) for axis in node.attrs.get("perm", range(rank - 1, -1, -1)))
    if sorted(perm) != list(range(rank)):
        raise Refusal(f"perm {list(perm)} is not a permutation of {rank} axes", "export the model again")
    if rank and perm[0] == 0 and not node.bare():
        return "Transpose", (node.proto.input[0],), {"perm": perm}
    if not node.single:
        raise Refusal(f"perm {list(perm)} moves the batch axis", BATCH)
    rest = tuple(axis + 1 for axis in perm) if node.bare() else tuple(axis for axis in perm if axis)
    moved = node.put("Transpose", (node.proto.input[0],), {"perm": (0, *rest)})
    return for_one(node, [node.own()[axis] for axis in perm], moved)


def for_one(node: Operands, sizes: list[int], x: str | None = None) -> Made:
    """Input 0, or `x` made from it, in the shape that it has in a model for one sample alone."""
    node.leaves_bare = not sizes or sizes[0] != 1
    return "Reshape", (x or node.proto.input[0],), {"shape": tuple(sizes if node.leaves_bare else sizes[1:])}


def squeeze(node: Operands) -> Made:
    """`axes` as an attribute before opset 13, an input since; all axes of size 1 where absent."""
    full = node.own()
    axes = node.axes(len(full))
    if axes is None:
        axes = tuple(i for i, size in enumerate(full) if size == 1)
    if 0 in axes and not node.single:
        raise Refusal("Squeeze removes the batch axis", "name its axes, without axis 0")
    if any(full[axis] != 1 for axis in axes):
        raise Refusal(f"squeezes axes {list(axes)} of {list(full[1:])} samples, not all of size 1", "mend its axes")
    if 0 in axes or node.bare():
        return for_one(node, [size for i, size in enumerate(full) if i not in axes])
    return "Squeeze", (node.proto.input[0],), {"axes": axes}


def unsqueeze(node: Operands) -> Made:
    """`axes` as for Squeeze, counted in the output."""
    full = node.own()
    rank = len(full) + len(node.integers(1) if node.given(1) else node.attrs.get("axes", ()))
    axes = node.axes(rank)
    if axes is None:
        raise Refusal("Unsqueeze without axes", "name its axes")
    if node.single and (0 in axes or node.bare()):
        sizes = iter(full)
        return for_one(node, [1 if axis in axes else next(sizes) for axis in range(rank)])
    if 0 in axes:
        raise Refusal("Unsqueeze puts an axis in front of the batch", BATCH)
    return "Unsqueeze", (node.proto.input[0],), {"axes": axes}
