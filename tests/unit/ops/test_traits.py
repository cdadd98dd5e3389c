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
    assert ops.having("rectifier") == ("Relu",)
    assert ops.traits("Shrink") == frozenset()


def test_every_operator_has_the_attributes_of_its_entry() -> None:
    """Those of the cases that the meanings are tested with."""
    for op, attrs, _ in CASES:
        checks = ops.get(op).attrs
        assert set(attrs) <= set(checks), op
        assert all(checks[name](value) for name, value in attrs.items()), op


@pytest.mark.parametrize("op", [op for op in ops.having("elementwise") if len(ops.get(op).inputs) == 1])
def test_elementwise(op: str) -> None:
    with np.errstate(invalid="ignore", divide="ignore"):
        together = of_one(op, LINE.reshape(1, -1))
        alone = [[of_one(op, np.array([[x]])).item() for x in LINE]]
    np.testing.assert_allclose(together, alone, rtol=1e-12)


@pytest.mark.parametrize("op", ops.having("activation"))
def test_activation(op: str) -> None:
    y, limits = of_one(op, LINE), ops.get(op).limits_of(ATTRS[op])
    approached = np.allclose((y[0], y[-1]), limits or 0, atol=1e-12)
    assert approached == (limits is not None)
    assert limits is None or (limits[0] <= y.min() and y.max() <= limits[1])
    assert np.array_equal(of_one(op, 2 * LINE), 2 * y) == ("homogeneous" in ops.traits(op))
    assert np.array_equal(y, np.maximum(LINE, 0)) == ("rectifier" in ops.traits(op))


@pytest.mark.parametrize("op", ops.having("activation"))
def test_activations_turn_where_they_say(op: str) -> None:
    """Their least and largest value in a range is that at its ends or where they turn."""
    turns = np.array([0.0, *ops.get(op).turns_of(ATTRS[op])])
    for low, high in ((-40, 40), (-2, 0.5), (-1.4, -0.2), (0.1, 7)):
        line = np.linspace(low, high, 20001)
        ends = of_one(op, np.clip([low, high, *turns], low, high))
        y = of_one(op, line)
        assert ends.min() - 1e-6 <= y.min()
        assert y.max() <= ends.max() + 1e-6


@pytest.mark.parametrize("op", [op for op in ops.having("elementwise") if len(ops.get(op).inputs) == 1])
def test_keeps_zero(op: str) -> None:
    """Clip and Stairs do not: their bounds may be on one side of zero; Max and Min do of one tensor alone."""
    with np.errstate(invalid="ignore", divide="ignore"):
        assert (of_one(op, np.zeros(1)) == 0).all() == ("keeps zero" in ops.traits(op)) or op in (
            "Clip",
            "Max",
            "Min",
            "Stairs",
        )


@pytest.mark.parametrize("op", [op for op in ops.having("channel-wise") if "axes" not in ATTRS[op]])
def test_channel_wise(op: str) -> None:
    """Another channel 1 of x is another channel 1 of y, and nothing else of it."""
    rng, attrs = np.random.default_rng(0), {**ATTRS[op], "shape": (3, 49)} if op == "Reshape" else ATTRS[op]
    x = np.tanh(rng.standard_normal((2, 3, 7, 7))) + (op in ("Acosh", "Log", "Sqrt")) * 2
    other = x.copy()
    other[:, 1] = x[:, 1, ::-1] - (op in ("Ceil", "Floor", "Round"))
    if op == "IsNaN":
        other[:, 1] = np.nan
    node, constants = Node("n", op, ("x",), ("y",), attrs), [np.ones(3)] * (len(ops.get(op).inputs) - 1)
    y, z = (ops.get(op).evaluate(np, node, value, *constants).reshape(2, 3, -1) for value in (x, other))
    assert np.array_equal(y[:, [0, 2]], z[:, [0, 2]])
    assert not np.array_equal(y[:, 1], z[:, 1])


@pytest.mark.parametrize("op", ops.having("picks"))
def test_picks(op: str) -> None:
    """Places are picked as values are; only padding makes zeros."""
    for x, attrs in ((values[0], attrs) for name, attrs, values in CASES if name == op):
        at = ops.get(op).evaluate(
            np, Node("n", op, ("x",), ("y",), attrs), np.arange(1, 1 + x[0].size).reshape(x[:1].shape)
        )
        y = ops.get(op).evaluate(np, Node("n", op, ("x",), ("y",), attrs), x)
        picked = np.concatenate([np.zeros((len(x), 1)), x.reshape(len(x), -1)], axis=1)[:, at.ravel()]
        assert np.array_equal(picked, y.reshape(len(x), -1))
        assert at.all() or "padding" in ops.traits(op)


@pytest.mark.parametrize("op", ops.having("moves"))
def test_moves(op: str) -> None:
    values = next(values for name, _, values in reversed(CASES) if name == op)
    y, x = of_one(op, values[0]), values[0]
    assert np.array_equal(np.sort(y.ravel()), np.sort(x.ravel()))
    assert "keeps order" not in ops.traits(op) or np.array_equal(y.ravel(), x.ravel())
    assert ops.does_nothing(Node("n", op, ("x",), ("y",), ATTRS[op]), x.shape, y.shape) == np.array_equal(x, y)
