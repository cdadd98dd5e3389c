"""What an exported model is made in."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import onnx
from onnx import helper

from emcc.ir.graph import Array


@dataclass
class Writing:
    """An ONNX graph in the making: nodes, constants, names in use, and names that stand for others."""

    nodes: list[onnx.NodeProto] = field(default_factory=list)
    constants: dict[str, Array] = field(default_factory=dict)
    taken: set[str] = field(default_factory=set)
    renamed: dict[str, str] = field(default_factory=dict)
    inner: dict[str, str] = field(default_factory=dict)
    opset: int = 17

    def fresh(self, name: str) -> str:
        """The name, or one like it that nothing has."""
        while name in self.taken:
            name += "_"
        self.taken.add(name)
        return name

    def constant(self, name: str, value: Array) -> str:
        """Keep a constant; return its name."""
        name = self.fresh(name)
        self.constants[name] = value
        return name

    def node(self, op: str, inputs: Sequence[str], output: str, name: str, *more: str, **attrs: Any) -> str:
        """Add a node of one output, or of `more`; return the output's name."""
        takes = [self.renamed.get(taken, taken) for taken in inputs]
        gives = [self.inner.get(given, given) for given in (output, *more)]
        self.nodes.append(helper.make_node(op, takes, gives, name, **attrs))
        return output
