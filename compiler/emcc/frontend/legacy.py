"""What operators mean in opset 6, where that is not what they mean since: broadcasting by attributes, `is_test`."""

from collections.abc import Mapping
from typing import Any

import onnx

from emcc.frontend.refusal import Refusal
from emcc.ir.graph import Array

BROADCASTING = 7
"""The opset from which on shapes broadcast by NumPy's rule, and nodes do not say whether they are for inference."""


def aligned(value: Array, attrs: Mapping[str, Any], rank: int) -> Array:
    """Return the second operand, which lies along axes from `axis` on of a first one of `rank` axes, for NumPy's rule.

    Without `axis` it lies along the last ones.
    """
    if not attrs.get("broadcast"):
        if value.ndim != rank:
            raise Refusal(f"its inputs have {rank} and {value.ndim} axes, and broadcast is 0", "set its broadcast to 1")
        return value
    axis = int(attrs.get("axis", rank - value.ndim))
    behind = rank - (axis + rank if axis < 0 else axis) - value.ndim
    if not 0 <= behind <= rank:
        raise Refusal(f"axis {axis} does not fit inputs of {rank} and {value.ndim} axes", "remove its axis")
    return value.reshape((*value.shape, *(1,) * behind))


def for_inference(attrs: Mapping[str, Any], opset: int, op: str) -> None:
    """Raise Refusal where the node says that it is for training."""
    if opset < BROADCASTING and not attrs.get("is_test"):
        raise Refusal(f"{op} is in training mode: is_test is 0", "export the model for inference, or set is_test to 1")


def without_broadcast(node: onnx.NodeProto) -> onnx.NodeProto:
    """Return the node as newer opsets write it."""
    copy = onnx.NodeProto()
    copy.CopyFrom(node)
    kept = [item for item in node.attribute if item.name not in ("axis", "broadcast")]
    del copy.attribute[:]
    copy.attribute.extend(kept)
    return copy
