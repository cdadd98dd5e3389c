"""One public report as a model, and what models are written with."""

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

Shape = Sequence[int | str]


@dataclass(frozen=True)
class Reported:
    """One report.

    Attributes:
        source: repository and number of the issue or pull request.
        what: what went wrong there.
        nodes: of the model; the last one's first output is its output unless `outputs` says otherwise.
        inputs: shapes by name; `types` where they are not floats.
        constants: by name; in the graph's inputs as well where `listed`.
        refused: part of emcc's error, or "" where emcc agrees with onnxruntime.
        positive: whether samples are above 0.
    """

    source: str
    what: str
    nodes: Sequence[onnx.NodeProto]
    inputs: Mapping[str, Shape]
    constants: Mapping[str, np.ndarray] = field(default_factory=dict)
    opset: int = 17
    outputs: Sequence[str] = ()
    types: Mapping[str, int] = field(default_factory=dict)
    listed: bool = False
    refused: str = ""
    positive: bool = False

    @property
    def address(self) -> str:
        """Of the report: GitHub sends issues to pull requests by itself."""
        repository, number = self.source.split("#")
        return f"https://github.com/{repository}/issues/{number}"

    def model(self) -> onnx.ModelProto:
        """The model."""
        held = [numpy_helper.from_array(np.asarray(value), name) for name, value in self.constants.items()]
        kinds = [self.types.get(name, TensorProto.FLOAT) for name in self.inputs]
        shapes = self.inputs.values()
        inputs = [helper.make_tensor_value_info(*each) for each in zip(self.inputs, kinds, shapes, strict=True)]
        if self.listed:
            inputs += [helper.make_tensor_value_info(item.name, item.data_type, item.dims) for item in held]
        names = self.outputs or [self.nodes[-1].output[0]]
        outputs = [helper.make_tensor_value_info(name, self.types.get(name, TensorProto.FLOAT), None) for name in names]
        graph = helper.make_graph(list(self.nodes), "reported", inputs, outputs, held)
        proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", self.opset)])
        proto.ir_version = 8
        return proto

    def samples(self, count: int) -> dict[str, np.ndarray]:
        """As many as the model fixes, or `count`."""
        rng, made = np.random.default_rng(11), {}
        for name, shape in self.inputs.items():
            first = shape[0] if isinstance(shape[0], int) else count
            value = rng.standard_normal((first, *(int(size) for size in shape[1:])))
            value = np.abs(value) + 0.1 if self.positive else value
            kind = helper.tensor_dtype_to_np_dtype(self.types.get(name, TensorProto.FLOAT))
            made[name] = (value * 40 if kind.kind in "iu" else value).astype(kind)
        return made


def n(op: str, inputs: str, outputs: str, **attrs: Any) -> onnx.NodeProto:
    """A node; names are apart by blanks, _ is an input that is left out."""
    names = ["" if name == "_" else name for name in inputs.split()]
    return helper.make_node(op, names, outputs.split(), name=f"{outputs.split()[0]}_{op}", **attrs)


def r(*shape: int) -> np.ndarray:
    """Random weights."""
    rng = np.random.default_rng(zlib.crc32(repr(shape).encode()))
    return rng.standard_normal(shape).astype(np.float32)


def i(*values: int) -> np.ndarray:
    """Integers."""
    return np.array(values, np.int64)


def f(*values: float) -> np.ndarray:
    """Floats; one alone is a scalar."""
    return np.array(values if len(values) > 1 else values[0], np.float32)


MAP, ROW = {"x": ["n", 3, 5, 4]}, {"x": ["n", 4]}
W, W4 = {"w": r(2, 3, 2, 2)}, {"w": r(4, 3)}
FC = n("MatMul", "x w", "m")
CONV = n("Conv", "x w", "c")
