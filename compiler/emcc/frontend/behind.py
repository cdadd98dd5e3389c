"""Nodes that read a tensor whose batch is not its first axis, as nodes that read it with the batch in front.

Recurrent layers and attention have their samples along the second axis, [steps, n, features], or in one axis with
others, [n heads, steps, features] and [steps n, features]. In the Graph the batch is always in front, and what shares
its axis has one of its own. So a node's axes and constants are put into the order of the Graph before its rule sees
them; where the batch lies in the model is noted with the tensor (`Data.at`), for the nodes that read it.
"""

from collections import ChainMap
from dataclasses import dataclass
from typing import Any

import onnx

from emcc.frontend.operands import BATCH, Data, Operands
from emcc.frontend.refusal import Refusal
from emcc.ir.graph import Array

Where = dict[str, int]
"""Attributes of the output's Data: at, before, after."""


@dataclass(frozen=True)
class Axes:
    """Where the axes of a tensor of the model are in the Graph.

    Attributes:
        at, before, after: see Data.
        rank: of the tensor in the model.
    """

    at: int
    before: int
    after: int
    rank: int

    @classmethod
    def of(cls, data: Data) -> "Axes":
        """Of a tensor whose shape is known."""
        return cls(data.at, data.before, data.after, len(data.shape or ()) - data.before - data.after)

    @property
    def batch(self) -> int:
        """The model's axis that the batch is, or is in."""
        return self.at - self.before

    def apart(self, axis: int) -> list[int]:
        """What an axis of the model is where the batch is an axis of its own."""
        if axis == self.batch:
            return list(range(axis, axis + 1 + self.before + self.after))
        return [axis if axis < self.batch else axis + self.before + self.after]

    def front(self, axis: int) -> int:
        """The Graph's axis, of one of `apart`."""
        return 0 if axis == self.at else axis + 1 if axis < self.at else axis

    def moved(self, axis: int) -> int:
        """The Graph's axis, of an axis of the model without the batch."""
        if axis == self.batch:
            raise Refusal(f"axis {axis} is that of the batch", BATCH)
        return self.front(*self.apart(axis))

    def kept(self, batch: int | None = None) -> Where:
        """Where the batch lies in an output that has it in that axis, or in the same."""
        at = self.at if batch is None else batch + self.before
        return {"at": at, "before": self.before, "after": self.after}


def set_attributes(node: Operands, **values: Any) -> None:
    """Let attributes of a node have other values."""
    node.attrs = {**node.attrs, **values}


def set_constant(node: Operands, i: int, value: Array) -> None:
    """Let input i of a node be another constant, under a name that nothing has."""
    proto = onnx.NodeProto()
    proto.CopyFrom(node.proto)
    proto.input.extend([""] * (i + 1 - len(proto.input)))
    proto.input[i] = node.fresh(str(proto.input[i]) or f"{proto.output[0]}.{i}")
    node.proto, node.constants = proto, ChainMap({proto.input[i]: value}, node.constants)
