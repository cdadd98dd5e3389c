"""What spelling out a node needs: shapes, constants, names, and the nodes in the making."""

from collections.abc import Callable, Collection, Mapping, MutableMapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import NodeProto, helper

from emcc.frontend.operands import Data
from emcc.frontend.refusal import UnknownShapeError
from emcc.frontend.tensors import decode
from emcc.frontend.topology import node_name
from emcc.ir.graph import Array


@dataclass
class Spelling:
    """One node in others.

    Attributes:
        node: the node.
        path: the model's file.
        opset: of the default domain.
        batch: the number of samples that the model is read for.
        data: every computed tensor so far. constants: every constant so far.
        taken: whether a name is used.
        nodes: those that stand for it, in order. made: names of tensors and constants that they add.
    """

    node: NodeProto
    path: Path
    opset: int
    batch: int
    data: Mapping[str, Data]
    constants: MutableMapping[str, Array]
    taken: Callable[[str], bool]
    nodes: list[NodeProto] = field(default_factory=list)
    made: set[str] = field(default_factory=set)

    def fresh(self, name: str) -> str:
        """Return a name that the model does not have."""
        stem = f"{node_name(self.node)}/{name}"
        found, number = stem, 1
        while self.taken(found) or found in self.made:
            number += 1
            found = f"{stem}.{number}"
        self.made.add(found)
        return found

    def constant(self, name: str, value: Array) -> str:
        """Keep a constant; return its name."""
        own = self.fresh(name)
        self.constants[own] = value
        return own

    def known(self, name: str) -> bool:
        """Return whether a name is a constant's."""
        return name in self.constants

    def add(self, op: str, inputs: Collection[str], output: str = "", **attrs: Any) -> str:
        """Append a node of the default domain; return its output."""
        output = output or self.fresh(op)
        self.nodes.append(helper.make_node(op, list(inputs), [output], name=node_name(self.node), **attrs))
        return output

    def sizes(self, name: str) -> list[int]:
        """Return the shape of a tensor or constant as the model has it, for the number of samples it is read for."""
        if name not in self.data:
            return list(self.constants[name].shape)
        data = self.data[name]
        if data.shape is None:
            raise UnknownShapeError
        return [int(size or 1) for size in data.shape[1:]] if data.bare else data.sizes(self.batch)

    def samples(self, name: str) -> int | None:
        """Return the axis of a computed tensor that is its samples alone; None where it is bare, a constant, or none
        is."""
        data = self.data.get(name)
        return None if data is None or data.bare or data.before or data.after else data.at

    def decoded(self, tensor: onnx.TensorProto) -> Array:
        """Return a tensor's value. EmccError: see tensors.decode."""
        return decode(tensor, self.path)


def attributes(node: NodeProto) -> dict[str, Any]:
    """Return a node's attributes by name."""
    return {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}


def single(value: float) -> Array:
    """Return a number as a constant of a model."""
    return np.asarray(value, np.float32)
