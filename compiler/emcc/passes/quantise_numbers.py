"""A node's sums as integers, before its function."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from emcc.base.errors import EmccError
from emcc.ir.graph import Array, Format, Node


@dataclass(frozen=True)
class Sums:
    """A quantised node before its function.

    Attributes:
        op, inputs, attrs: of the node, but for what STEP says of its function.
        arrays: its constants by role: codes, codebook, bias, multiplier; None for one that is left out.
        z: the format of what requantising gives; shift: its shift.
    """

    op: str
    inputs: tuple[str, ...]
    attrs: Mapping[str, Any]
    arrays: Mapping[str, Array | None]
    z: Format
    shift: int


def no_scale(node: Node) -> EmccError:
    """The error for a node whose numbers fit no scale."""
    return EmccError(
        "its weights and biases have no common fixed-point scale", node=node.name, hint="train it again, or rescale it"
    )
