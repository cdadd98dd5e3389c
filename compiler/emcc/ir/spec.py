"""What a legal Graph is after each stage, as a table; `verify` holds a graph against it.

A row says what an operator may take and which attributes it has. `STAGES` says which rows are legal when.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from emcc.ir.graph import Graph, Node

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


@dataclass(frozen=True)
class Row:
    """One operator.

    Attributes:
        inputs: a letter an input: x computed, c constant, e either. Exactly one is computed.
        attrs: a check for every attribute; no other may be there, and none may be missing.
        optional: the first input that may be left out, and all after it with it.
    """

    inputs: str
    attrs: Mapping[str, Check] = field(default_factory=dict)
    optional: int = 99


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
ONNX: Mapping[str, Row] = {
    **ACTIVATIONS,
    **HOST,
    "Add": Row("ee"),
    "BatchNormalization": Row("xcccc", {"epsilon": _number}),
    "Cast": Row("x"),
    "Div": Row("xc"),
    "Dropout": Row("x"),
    "Flatten": Row("x", {"axis": lambda value: value == 1}),
    "Gemm": Row(
        "xcc", {"alpha": _number, "beta": _number, "transA": lambda value: value == 0, "transB": _flag}, optional=2
    ),
    "Identity": Row("x"),
    "MatMul": Row("ee"),
    "Mul": Row("ee"),
    "Reshape": Row("x", {"shape": _sizes}),
    "Squeeze": Row("x", {"axes": _axes}),
    "Sub": Row("ee"),
    "Transpose": Row("x", {"perm": _axes}),
    "Unsqueeze": Row("x", {"axes": _axes}),
}
LINEAR: Mapping[str, Row] = {**ACTIVATIONS, "Linear": Row("xcc")}
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
    """What a stage allows: operators, and whether weights are shared (codebooks) and tensors have formats."""

    ops: Mapping[str, Row]
    shared: bool = False
    formats: bool = False


STAGES: Mapping[str, Stage] = {
    "frontend": Stage(ONNX),
    "fold": Stage(LINEAR),
    "prune": Stage(LINEAR),
    "share": Stage(LINEAR, shared=True),
    "finetune": Stage(LINEAR, shared=True),
    "calibrate": Stage(LINEAR, shared=True, formats=True),
    "quantise": Stage(QUANTISED, formats=True),
}


def verify(graph: Graph, *, after: str) -> None:
    """Raises IllegalGraph where `graph` is not what stage `after` (a key of STAGES) may leave behind."""
    from emcc.ir.spec_checks import codebooks, layers, quantised, structure

    if after not in STAGES:
        raise IllegalGraph(f"no stage {after!r}; there are {', '.join(STAGES)}")
    stage = STAGES[after]
    try:
        structure(graph, stage)
        if stage.ops is LINEAR:
            layers(graph)
            codebooks(graph, stage.shared)
        if stage.ops is QUANTISED:
            quantised(graph)
    except IllegalGraph as error:
        raise IllegalGraph(f"after {after}: {error}") from None


def attributes_fit(node: Node, row: Row) -> bool:
    """Whether the node has the row's attributes and no other; without a table, its widths are 0 or left out."""
    checks = dict(row.attrs)
    if node.op == "QLinear" and node.attrs.get("function") == "table":
        checks |= {"lo_bits": _integer, "hi_bits": _integer}
    elif node.op == "QLinear":
        checks |= {name: lambda value: value == 0 for name in ("lo_bits", "hi_bits") if name in node.attrs}
    return set(node.attrs) == set(checks) and all(check(node.attrs[name]) for name, check in checks.items())
