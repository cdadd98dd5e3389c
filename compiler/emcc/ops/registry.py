"""Operator name -> the module that holds its shape rule and its meaning, imported when first asked for."""

import importlib
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Protocol, cast

from emcc.ir.graph import Node

Shape = tuple[int | None, ...]

OPERATORS: Mapping[str, str] = MappingProxyType(
    {
        "Add": "add",
        "ArgMax": "arg_max",
        "AveragePool": "average_pool",
        "BatchNormalization": "batch_normalization",
        "Cast": "cast",
        "Clip": "clip",
        "Concat": "concat",
        "Conv": "conv",
        "Div": "div",
        "Dropout": "dropout",
        "Flatten": "flatten",
        "Gemm": "gemm",
        "GlobalAveragePool": "global_average_pool",
        "Identity": "identity",
        "LeakyRelu": "leaky_relu",
        "Linear": "linear",
        "LogSoftmax": "log_softmax",
        "MatMul": "matmul",
        "MaxPool": "max_pool",
        "Mul": "mul",
        "QLinear": "qlinear",
        "Relu": "relu",
        "Reshape": "reshape",
        "Sigmoid": "sigmoid",
        "Softmax": "softmax",
        "Squeeze": "squeeze",
        "Sub": "sub",
        "Tanh": "tanh",
        "Transpose": "transpose",
        "Unsqueeze": "unsqueeze",
    }
)


class Operator(Protocol):
    """What an operator's module offers; see the package's docstring."""

    def shape(self, node: Node, *shapes: Shape | None) -> Shape:
        """The output's shape."""
        ...

    def evaluate(self, xp: Any, node: Node, *values: Any) -> Any:
        """The output's value."""
        ...


def get(op: str) -> Operator:
    """The operator called `op`. Raises KeyError where there is none."""
    return cast(Operator, importlib.import_module(f"emcc.ops.{OPERATORS[op]}"))
