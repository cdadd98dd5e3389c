"""The elementwise operators, an entry each. A new activation is an entry here and its rule in `frontend.rules`."""

from collections.abc import Callable, Mapping
from functools import reduce
from typing import Any

from emcc.ir.graph import Node
from emcc.ops.attributes import Check, number
from emcc.ops.operator import Operator, Shape, Trait
from emcc.ops.shapes import batched, broadcast

Meaning = Callable[..., Any]
"""(xp, attrs, *values) -> the output."""


def activation(meaning: Meaning, *traits: Trait, limits: tuple[float, float] | None = None, **attrs: Check) -> Operator:
    """The entry of a function of one tensor; arguments as in Operator."""
    return _operator(meaning, "activation", "channel-wise", *traits, limits=limits, attrs=attrs)


def _operator(meaning: Meaning, *traits: Trait, **fields: Any) -> Operator:
    def evaluate(xp: Any, node: Node, *values: Any) -> Any:
        return meaning(xp, node.attrs, *values)

    return Operator(_shape, evaluate, frozenset({"elementwise", *traits}), **fields)


def _shape(node: Node, *shapes: Shape | None) -> Shape:
    return batched(reduce(broadcast, shapes))


def _same() -> Operator:
    return _operator(lambda xp, attrs, x: x, "channel-wise", "keeps order", "keeps zero", "moves", "no-op", "selects")


def _leaky_relu(xp: Any, attrs: Mapping[str, Any], x: Any) -> Any:
    return xp.where(x >= 0, x, x * attrs["alpha"])


def _sigmoid(xp: Any, attrs: Mapping[str, Any], x: Any) -> Any:
    """1 / (1 + exp(-x)), without overflow at either end."""
    small = xp.exp(-xp.abs(x))
    return xp.where(x >= 0, 1 / (1 + small), small / (1 + small))


ELEMENTWISE: Mapping[str, Operator] = {
    "Add": _operator(lambda xp, attrs, x, y: x + y, "affine", "joins", inputs="ee"),
    "Cast": _same(),
    "Clip": _operator(
        lambda xp, attrs, x: xp.clip(x, attrs["low"], attrs["high"]),
        "channel-wise",
        "clipping",
        attrs={"high": number, "low": number},
    ),
    "Div": _operator(lambda xp, attrs, x, y: x / y, "affine", inputs="xc"),
    "Dropout": _same(),
    "Identity": _same(),
    "LeakyRelu": activation(_leaky_relu, "homogeneous", "keeps zero", alpha=number),
    "Mul": _operator(lambda xp, attrs, x, y: x * y, "affine", "joins", inputs="ee"),
    "Relu": activation(lambda xp, attrs, x: xp.clip(x, 0, None), "homogeneous", "keeps zero", "rectifier"),
    "Sigmoid": activation(_sigmoid, limits=(0.0, 1.0)),
    "Sub": _operator(lambda xp, attrs, x, y: x - y, "affine", "joins", inputs="ee"),
    "Tanh": activation(lambda xp, attrs, x: xp.tanh(x), "keeps zero", limits=(-1.0, 1.0)),
}
