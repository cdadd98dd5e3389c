"""What a legal Graph is after each stage, as a table; `verify` holds a graph against it.

A row says what an operator may take and which attributes it has. `STAGES` says which rows are legal when.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from emcc.ir.graph import Node

Check = Callable[[Any], bool]


class IllegalGraph(AssertionError):
    """A pass made, or got, a graph that the table does not allow: a bug in emcc, not in the user's model."""


def _integer(value: Any) -> bool:
    return isinstance(value, int)


def _flag(value: Any) -> bool:
    return value in (0, 1)


def _number(value: Any) -> bool:
    return isinstance(value, float | int) and abs(value) < float("inf")


def _sizes(value: Any) -> bool:
    return isinstance(value, tuple) and all(isinstance(each, int) and each > 0 for each in value)


def _axes(value: Any) -> bool:
    return isinstance(value, tuple) and all(isinstance(each, int) and each >= 0 for each in value)


def _pair(value: Any) -> bool:
    return _sizes(value) and len(value) == 2


def _pads(value: Any) -> bool:
    return _axes(value) and len(value) == 4


@dataclass(frozen=True)
class Row:
    """One operator.

    Attributes:
        inputs: a letter an input: x computed, c constant, e either. Exactly one is computed, unless it `joins`.
        attrs: a check for every attribute; no other may be there, and none may be missing.
        optional: the first input that may be left out, and all after it with it.
        joins: whether more than one input may be computed.
        more: whether there may be any number of inputs, all as the last letter.
    """

    inputs: str
    attrs: Mapping[str, Check] = field(default_factory=dict)
    optional: int = 99
    joins: bool = False
    more: bool = False


ACTIVATIONS: Mapping[str, Row] = {
    "LeakyRelu": Row("x", {"alpha": _number}),
    "Relu": Row("x"),
    "Sigmoid": Row("x"),
    "Tanh": Row("x"),
}
HOST: Mapping[str, Row] = {
    "ArgMax": Row("x", {"axis": _integer, "keepdims": _flag, "select_last_index": _flag}),
    "LogSoftmax": Row("x", {"axis": _integer}),
    "Softmax": Row("x", {"axis": _integer}),
}
WINDOW = {"dilations": _pair, "pads": _pads, "strides": _pair}
POOL = {**WINDOW, "ceil_mode": _flag, "kernel_shape": _pair}
CONV: Mapping[str, Check] = {**WINDOW, "group": lambda value: isinstance(value, int) and value > 0}
KEPT: Mapping[str, Row] = {
    **ACTIVATIONS,
    "Add": Row("ee", joins=True),
    "AveragePool": Row("x", {**POOL, "count_include_pad": _flag}),
    "BatchNormalization": Row("xcccc", {"epsilon": _number}),
    "Clip": Row("x", {"high": _number, "low": _number}),
    "Concat": Row("x", {"axis": lambda value: isinstance(value, int) and value > 0}, joins=True, more=True),
    "Div": Row("xc"),
    "Flatten": Row("x", {"axis": lambda value: value == 1}),
    "GlobalAveragePool": Row("x"),
    "MaxPool": Row("x", POOL),
    "Mul": Row("ee"),
    "Reshape": Row("x", {"shape": _sizes}),
    "Squeeze": Row("x", {"axes": _axes}),
    "Sub": Row("ee"),
    "Transpose": Row("x", {"perm": _axes}),
    "Unsqueeze": Row("x", {"axes": _axes}),
}
"""What folding may leave as it is, where there is no layer to fold it into."""
ONNX: Mapping[str, Row] = {
    **KEPT,
    **HOST,
    "Cast": Row("x"),
    "Conv": Row("xcc", CONV, optional=2),
    "Dropout": Row("x"),
    "Gemm": Row(
        "xcc", {"alpha": _number, "beta": _number, "transA": lambda value: value == 0, "transB": _flag}, optional=2
    ),
    "Identity": Row("x"),
    "MatMul": Row("ee"),
}
LINEAR: Mapping[str, Row] = {**ACTIVATIONS, "Linear": Row("xcc")}
FOLDED: Mapping[str, Row] = {**KEPT, **LINEAR, "Conv": Row("xcc", CONV)}
QUANTISED: Mapping[str, Row] = {
    "QLinear": Row(
        "xccccc",
        {
            "act_w": lambda value: value in (8, 16),
            "code_w": lambda value: value in (1, 2, 4, 8),
            "function": lambda value: value in ("identity", "relu", "table"),
            "shift": lambda value: isinstance(value, int) and value >= 0,
            "weight_frac": _integer,
            "z_frac": _integer,
        },
        optional=4,
    )
}


@dataclass(frozen=True)
class Stage:
    """What a stage allows.

    Attributes:
        ops: the operators.
        layers: whether weights are in Linear and Conv nodes; a graph of nothing but Linear and activations is then a
            chain of them.
        shared: whether every weight has a codebook; formats: whether tensors have formats.
    """

    ops: Mapping[str, Row]
    layers: bool = True
    shared: bool = False
    formats: bool = False


STAGES: Mapping[str, Stage] = {
    "frontend": Stage(ONNX, layers=False),
    "fold": Stage(FOLDED),
    "prune": Stage(FOLDED),
    "share": Stage(FOLDED, shared=True),
    "finetune": Stage(FOLDED, shared=True),
    "calibrate": Stage(LINEAR, shared=True, formats=True),
    "quantise": Stage(QUANTISED, layers=False, formats=True),
}


def attributes_fit(node: Node, row: Row) -> bool:
    """Whether the node has the row's attributes and no other; without a table, its widths are 0 or left out."""
    checks = dict(row.attrs)
    if node.op == "QLinear" and node.attrs.get("function") == "table":
        checks |= {"lo_bits": _integer, "hi_bits": _integer}
    elif node.op == "QLinear":
        checks |= {name: lambda value: value == 0 for name in ("lo_bits", "hi_bits") if name in node.attrs}
    return set(node.attrs) == set(checks) and all(check(node.attrs[name]) for name, check in checks.items())
