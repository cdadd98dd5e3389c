"""Grids, and functions that jump, as ONNX nodes."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from emcc.frontend.export_model import Writing
from emcc.frontend.grids import BITS
from emcc.ir.graph import Graph, Node

GRIDS = ("DequantizeLinear", "QuantizeLinear")
_ROUND = {"CEIL": "Ceil", "FLOOR": "Floor", "ROUND": "Round"}


def dtype_of(attrs: Mapping[str, Any]) -> str:
    """Return the type of a grid's integers."""
    low, high = attrs["low"], attrs["high"]
    return next(dtype for dtype, (least, most) in BITS.items() if least <= low and high <= most)


def grid(model: Writing, op: str, attrs: Mapping[str, Any], x: str, y: str, name: str) -> str:
    """Write a QuantizeLinear or DequantizeLinear; return the output's name."""
    size = max(len(attrs["scale"]), len(attrs["zero_point"]))
    scale, zero = (
        np.broadcast_to(np.array(attrs[key], dtype), size).copy()
        for key, dtype in (("scale", np.float32), ("zero_point", dtype_of(attrs)))
    )
    inputs = [
        model.constant(f"{name}_{key}", value.reshape(()) if size == 1 else value)
        for key, value in (("scale", scale), ("zero_point", zero))
    ]
    return model.node(op, [x, *inputs], y, name, axis=attrs["axis"])


def grid_node(model: Writing, graph: Graph, node: Node) -> None:
    """Write one of the graph."""
    grid(model, node.op, node.attrs, node.inputs[0], node.outputs[0], node.name)


def stairs(model: Writing, node: Node, y: str) -> None:
    """Write step (clip(round(x / scale + zero_point)) - zero_point)."""
    attrs, x = node.attrs, node.inputs[0]

    def then(op: str, *values: float) -> None:
        nonlocal x
        constants = [model.constant(f"{node.name}_{op}", np.array(value, np.float32)) for value in values]
        x = model.node(op, [x, *constants], model.fresh(f"{y}_{op}"), model.fresh(f"{node.name}_{op}"))

    then("Div", attrs["scale"])
    then("Add", attrs["zero_point"])
    if attrs["rounding"] == "ROUND_TO_ZERO":
        size = model.node("Abs", [x], model.fresh(f"{y}_size"), model.fresh(f"{node.name}_size"))
        sign = model.node("Sign", [x], model.fresh(f"{y}_sign"), model.fresh(f"{node.name}_sign"))
        floor = model.node("Floor", [size], model.fresh(f"{y}_floor"), model.fresh(f"{node.name}_floor"))
        x = model.node("Mul", [floor, sign], model.fresh(f"{y}_whole"), model.fresh(f"{node.name}_whole"))
    else:
        then(_ROUND[attrs["rounding"]])
    then("Clip", attrs["low"], attrs["high"])
    then("Sub", attrs["zero_point"])
    step = model.constant(f"{node.name}_step", np.array(attrs["step"], np.float32))
    model.node("Mul", [x, step], y, node.name)


def bipolar(model: Writing, node: Node, y: str) -> None:
    """Write step where x is 0 or above, -step elsewhere."""
    zero, up, down = (
        model.constant(f"{node.name}_{i}", np.array(value, np.float32))
        for i, value in enumerate((0.0, node.attrs["step"], -node.attrs["step"]))
    )
    above = model.node(
        "GreaterOrEqual", [node.inputs[0], zero], model.fresh(f"{y}_above"), model.fresh(f"{node.name}_above")
    )
    model.node("Where", [above, up, down], y, node.name)
