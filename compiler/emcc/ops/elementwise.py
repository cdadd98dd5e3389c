"""Elementwise arithmetic, and what makes an entry of an elementwise operator."""

from collections.abc import Callable, Mapping
from functools import reduce
from typing import Any

from emcc.ir.graph import Node
from emcc.ops.attributes import Check
from emcc.ops.operator import Limits, Operator, Shape, Trait, Turns
from emcc.ops.shapes import batched, broadcast

Meaning = Callable[..., Any]
"""(xp, attrs, *values) -> the output."""


def activation(
    meaning: Meaning, *traits: Trait, limits: Limits = None, turns: Turns = (0.0,), **attrs: Check
) -> Operator:
    """The entry of a function of one tensor that the array has tables for; arguments as in Operator."""
    return elementwise(meaning, "activation", "channel-wise", *traits, limits=limits, turns=turns, attrs=attrs)


def elementwise(meaning: Meaning, *traits: Trait, **fields: Any) -> Operator:
    """The entry of an operator on elements; `fields` as in Operator."""

    def evaluate(xp: Any, node: Node, *values: Any) -> Any:
        return meaning(xp, node.attrs, *values)

    return Operator(_shape, evaluate, frozenset({"elementwise", *traits}), **fields)


def _shape(node: Node, *shapes: Shape | None) -> Shape:
    return batched(reduce(broadcast, shapes))


def _same() -> Operator:
    return elementwise(lambda xp, attrs, x: x, "channel-wise", "keeps order", "keeps zero", "moves", "no-op", "selects")


ELEMENTWISE: Mapping[str, Operator] = {
    "Add": elementwise(lambda xp, attrs, x, y: x + y, "affine", "joins", inputs="ee"),
    "Cast": _same(),
    "Div": elementwise(lambda xp, attrs, x, y: x / y, "affine", "joins", inputs="xe"),
    "Dropout": _same(),
    "Identity": _same(),
    "Mul": elementwise(lambda xp, attrs, x, y: x * y, "affine", "joins", inputs="ee"),
    "Sub": elementwise(lambda xp, attrs, x, y: x - y, "affine", "joins", inputs="ee"),
}
