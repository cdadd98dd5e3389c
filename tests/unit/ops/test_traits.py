"""Every trait of an operator is true of its meaning."""

from typing import Any, get_args

import numpy as np
import pytest
from test_float_meaning import CASES

from emcc import ops
from emcc.ir.graph import Node

LINE = np.linspace(-40, 40, 4001)
ATTRS = {op: attrs for op, attrs, _ in CASES}


def of_one(op: str, x: np.ndarray) -> Any:
    """An operator on one tensor."""
    return ops.get(op).evaluate(np, Node("n", op, ("x",), ("y",), ATTRS[op]), x)


def test_every_trait_is_some_operators() -> None:
    assert all(ops.having(trait) for trait in get_args(ops.Trait))
    assert ops.having("activation") == ("LeakyRelu", "Relu", "Sigmoid", "Tanh")
    assert ops.having("rectifier") == ("Relu",)
    assert ops.traits("Gelu") == frozenset()


def test_every_operator_has_the_attributes_of_its_entry() -> None:
    """Those of the cases that the meanings are tested with."""
    for op, attrs, _ in CASES:
        checks = ops.get(op).attrs
        assert set(attrs) <= set(checks), op
        assert all(checks[name](value) for name, value in attrs.items()), op


@pytest.mark.parametrize("op", [op for op in ops.having("elementwise") if len(ops.get(op).inputs) == 1])
def test_elementwise(op: str) -> None:
    together = of_one(op, LINE.reshape(1, -1))
    assert np.array_equal(together, [[of_one(op, np.array([[x]])).item() for x in LINE]])


@pytest.mark.parametrize("op", ops.having("activation"))
def test_activation(op: str) -> None:
    y, limits = of_one(op, LINE), ops.get(op).limits
    approached = np.allclose((y[0], y[-1]), limits or 0, atol=1e-12)
    assert approached == (limits is not None)
    assert limits is None or (limits[0] <= y.min() and y.max() <= limits[1])
    assert np.array_equal(of_one(op, 2 * LINE), 2 * y) == ("homogeneous" in ops.traits(op))
    assert np.array_equal(y, np.maximum(LINE, 0)) == ("rectifier" in ops.traits(op))


@pytest.mark.parametrize("op", [op for op in ops.having("elementwise") if len(ops.get(op).inputs) == 1])
def test_keeps_zero(op: str) -> None:
    """Clip does not: its bounds may be on one side of zero."""
    assert (of_one(op, np.zeros(1)) == 0).all() == ("keeps zero" in ops.traits(op)) or op == "Clip"


@pytest.mark.parametrize("op", [op for op in ops.having("channel-wise") if "axes" not in ATTRS[op]])
def test_channel_wise(op: str) -> None:
    """Another channel 1 of x is another channel 1 of y, and nothing else of it."""
    rng, attrs = np.random.default_rng(0), {**ATTRS[op], "shape": (3, 49)} if op == "Reshape" else ATTRS[op]
    x = rng.standard_normal((2, 3, 7, 7))
    other = x.copy()
    other[:, 1] = rng.standard_normal((2, 7, 7))
    node, constants = Node("n", op, ("x",), ("y",), attrs), [np.ones(3)] * (len(ops.get(op).inputs) - 1)
    y, z = (ops.get(op).evaluate(np, node, value, *constants).reshape(2, 3, -1) for value in (x, other))
    assert np.array_equal(y[:, [0, 2]], z[:, [0, 2]])
    assert not np.array_equal(y[:, 1], z[:, 1])


@pytest.mark.parametrize("op", ops.having("moves"))
def test_moves(op: str) -> None:
    values = next(values for name, _, values in CASES if name == op)
    y, x = of_one(op, values[0]), values[0]
    assert np.array_equal(np.sort(y.ravel()), np.sort(x.ravel()))
    assert "keeps order" not in ops.traits(op) or np.array_equal(y.ravel(), x.ravel())
    assert ops.does_nothing(Node("n", op, ("x",), ("y",), ATTRS[op]), x.shape, y.shape) == np.array_equal(x, y)
