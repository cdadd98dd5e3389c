"""Rules of operators that pick or put elements by constant indices: GatherElements, GatherND and their Scatters.

Which element of its inputs each of the output's is, is worked out on numbers of elements; the Graph has a Gather of a
flat sample, behind a Concat where elements come from two tensors.
"""

import math

import numpy as np

from emcc.frontend.operands import BATCH, LARGEST, Made, Operands
from emcc.frontend.refusal import Refusal
from emcc.frontend.rules_arithmetic import beside
from emcc.ir.graph import Array

AGAIN = "export the model again"


def gather(node: Operands) -> Made:
    """GatherElements and GatherND by constant indices."""
    full, index = node.own(), _index(node)
    at = np.arange(math.prod(full)).reshape(full)
    try:
        places = _elements(node, at, index) if node.proto.op_type == "GatherElements" else _nd(node, at, index)
    except (IndexError, ValueError) as error:
        raise Refusal(f"its indices do not fit {list(full)}: {error}", AGAIN) from None
    return _picked(node, places, node.proto.input[0], 0)


def scatter(node: Operands) -> Made:
    """ScatterElements and ScatterND to constant indices, of elements that take the place of others."""
    if node.attrs.get("reduction", "none") != "none":
        raise Refusal(f"its reduction is {node.attrs['reduction']!r}", "scatter without, and add what is to be added")
    full, index = node.own() if node.is_data(0) else node.constant(0).shape, _index(node)
    new = node.own(2) if node.is_data(2) else node.constant(2).shape
    at, count = np.arange(math.prod(full)).reshape(full), math.prod(full)
    numbers = np.arange(count, count + math.prod(new)).reshape(new)
    try:
        if node.proto.op_type == "ScatterND":
            at[tuple(np.moveaxis(index, -1, 0))] = numbers
        else:
            np.put_along_axis(at, index, numbers[tuple(map(slice, index.shape))], node.axis("axis", len(full)))
    except (IndexError, ValueError) as error:
        raise Refusal(f"its indices do not fit {list(full)}: {error}", AGAIN) from None
    if node.is_data(0) and node.is_data(2):
        return _of_both(node, at, new)
    computed, constant = (0, 2) if node.is_data(0) else (2, 0)
    if not node.is_data(0):
        raise Refusal("puts elements into a constant", "use a Pad, or a Concat with constants")
    kept = at < count
    values = np.zeros(count, np.float32)
    flat = node.weights(constant).ravel()
    values = np.where(kept.ravel(), 0, flat[np.clip(at.ravel() - count, 0, flat.size - 1)]).astype(np.float32)
    mask = node.constant_of("kept", beside(node, constant, kept.astype(np.float32)))
    added = node.constant_of("new", beside(node, constant, values.reshape(full)))
    return "Add", (node.put("Mul", (node.proto.input[computed], mask), {}), added), {}


def _of_both(node: Operands, at: Array, new: tuple[int, ...]) -> Made:
    """Of a computed tensor, and others that are put into it."""
    if node.bare(0) != node.bare(2):
        raise Refusal("puts elements with a batch axis among such without", BATCH)
    flat = [
        node.put("Reshape", (node.proto.input[i],), {"shape": (_features(node, shape),)})
        for i, shape in ((0, node.own()), (2, new))
    ]
    if not node.bare() and (not new or new[0] != node.batch):
        raise Refusal(f"puts {list(new)} elements, of no sample each", BATCH)
    return _picked(node, at, node.put("Concat", tuple(flat), {"axis": 1}), _features(node, new))


def _features(node: Operands, shape: tuple[int, ...]) -> int:
    """Elements of a sample of a tensor that has this shape in the model."""
    return math.prod(shape if node.bare() else shape[1:])


def _index(node: Operands) -> Array:
    index = node.constant(1)
    if index.dtype.kind not in "iu" or not index.size or index.size > LARGEST:
        raise Refusal(f"its indices are {index.dtype} {list(index.shape)}", AGAIN)
    return index.astype(np.int64)


def _elements(node: Operands, at: Array, index: Array) -> Array:
    axis = node.axis("axis", at.ndim)
    others = tuple(slice(None) if i == axis else slice(size) for i, size in enumerate(index.shape))
    return np.take_along_axis(at[others], index, axis)


def _nd(node: Operands, at: Array, index: Array) -> Array:
    """The first `batch_dims` axes are gone through together."""
    shared = int(node.attrs.get("batch_dims", 0))
    if not shared:
        return np.asarray(at[tuple(np.moveaxis(index, -1, 0))])
    lead = at.shape[:shared]
    rows = at.reshape(-1, *at.shape[shared:]), index.reshape(-1, *index.shape[shared:])
    if index.shape[:shared] != lead:
        raise ValueError(f"{index.shape[:shared]} of {lead}")
    picked = [row[tuple(np.moveaxis(own, -1, 0))] for row, own in zip(*rows, strict=True)]
    return np.array(picked).reshape(*lead, *picked[0].shape)


def _picked(node: Operands, places: Array, x: str, more: int) -> Made:
    """The elements of input 0's samples, and of `more` others a sample behind them, that places name."""
    full, bare = node.own(), node.bare()
    features, count = _features(node, full), math.prod(full)
    if places.size > LARGEST:
        raise Refusal(f"picks {places.size} elements", f"emcc takes up to {LARGEST}")
    if bare:
        local = places
    else:
        if not places.ndim or places.shape[0] != node.batch or node.frozen:
            raise Refusal("picks samples of the batch", BATCH)
        sample = np.arange(node.batch).reshape(-1, *(1,) * (places.ndim - 1))
        local = np.where(places < count, places - sample * features, places - count - sample * more + features)
        if (local != local[:1]).any() or local.min() < 0 or local.max() >= features + more:
            raise Refusal("picks other elements of other samples", BATCH)
        local = local[0]
    shape = tuple(local.shape) or (1,)
    flat = x if more else node.put("Reshape", (x,), {"shape": (features,)})
    picked = node.put("Gather", (flat,), {"axis": 1, "indices": tuple(int(place) for place in local.ravel())})
    return "Reshape", (picked,), {"shape": shape}
