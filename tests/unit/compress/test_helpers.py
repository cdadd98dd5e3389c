"""Penalties and sparse gradients: their numbers by hand, and what they do to training."""

from typing import Any

import numpy as np
import pytest
from graphs import folded
from searching import FAST, problem_of, trained
from test_parts import convolution

from emcc.compress.finetune import Finetune, Gradual
from emcc.compress.kmeans import Share
from emcc.compress.magnitude import Prune
from emcc.compress.penalties import penalty
from emcc.compress.problem import Aim, outputs
from emcc.compress.search.goal import Search
from emcc.compress.sparse_gradients import cutting, hidden_sums, largest
from emcc.compress.state import State, digest, state_of
from emcc.compress.trainer import deterministic, import_torch
from emcc.ir.graph import Array, Graph
from emcc.ops.interpret import run
from emcc.samples.dataset import Dataset


@pytest.fixture(autouse=True)
def _torch() -> None:
    pytest.importorskip("torch")


def state_after(graph: Graph, route: str = "prune", **changes: float) -> State:
    options = Search(**{**FAST, **changes})
    with deterministic(import_torch(), 1):
        return trained(problem_of(graph, True, options), state_of(graph), route, options)


WEIGHTS = [[[3.0, -4.0], [0.0, 0.0]], [[1.0, -2.0], [2.0, 0.0]]]
"""Two rows of four inputs: sums of sizes 7 and 5, norms 5 and 3, what leaves the inputs 4, 6, 2 and 0."""

SIGNS = [[[1, -1], [0, 0]], [[1, -1], [1, 0]]]


@pytest.mark.parametrize(
    ("aim", "value", "gradient"),
    [
        ({"l1": 0.5}, 0.5 * 12, 0.5 * np.array(SIGNS)),
        ({"group": 2.0}, 2 * 8, [[[6 / 5, -8 / 5], [0, 0]], [[2 / 3, -4 / 3], [4 / 3, 0]]]),
        ({"exclusive": 0.1}, 0.1 * (16 + 36 + 4) / 2, 0.1 * np.array(SIGNS) * [[4, 6], [2, 0]]),
        ({"l1": 1.0, "group": 1.0}, 12 + 8, None),
        ({}, 0.0, None),
    ],
)
def test_penalties_by_hand(aim: dict[str, float], value: float, gradient: Any) -> None:
    torch = import_torch()
    weights = torch.tensor(WEIGHTS, requires_grad=True)
    total = penalty(Aim(**aim), [weights])
    assert float(total if isinstance(total, float) else total.detach()) == pytest.approx(value)
    if gradient is not None:
        total.backward()
        np.testing.assert_allclose(weights.grad.numpy(), gradient, rtol=1e-6)


def test_a_row_of_zeros_has_no_gradient() -> None:
    torch = import_torch()
    weights = torch.tensor([[0.0, 0.0], [3.0, 4.0]], requires_grad=True)
    penalty(Aim(group=1.0, exclusive=1.0), [weights]).backward()
    assert weights.grad[0].tolist() == [0.0, 0.0]
    assert torch.isfinite(weights.grad).all()


def test_the_largest_of_each_sample_go_on() -> None:
    torch = import_torch()
    gradient = torch.tensor([[1.0, -3.0, 2.0, 0.5], [0.1, 0.2, -0.4, 0.3]])
    assert largest(gradient, 0.5).tolist() == [[0, -3, 2, 0], [0, 0, gradient[1, 2].item(), gradient[1, 3].item()]]
    assert largest(gradient, 0.01).tolist()[0] == [0, -3, 0, 0]
    assert largest(gradient, 1.0) is gradient
    maps = torch.arange(16.0).reshape(2, 2, 2, 2)
    assert largest(maps, 0.25).flatten(1).tolist() == [[0] * 6 + [6, 7], [0] * 6 + [14, 15]]


def backward(graph: Graph, x: Array, share: float) -> dict[str, Array]:
    """Gradients of a half of the outputs' squares, by constant."""
    torch = import_torch()
    constants = {n: torch.tensor(np.float32(a), requires_grad=True) for n, a in graph.constants.items()}
    given = outputs(torch, graph, torch.from_numpy(x), constants, cutting(graph, share))
    (0.5 * given.square().sum()).backward()
    return {name: leaf.grad.numpy() for name, leaf in constants.items()}


def test_meprop_by_hand() -> None:
    """Of five hidden sums two go on; the layer at the end passes all."""
    graph = folded([4, 5, 3])
    x = np.random.default_rng(1).standard_normal((6, 4)).astype(np.float32)
    got = backward(graph, x, 0.4)
    weights = {name: np.float64(graph.constants[name]) for name in graph.constants}
    sums = x @ weights["fc0.weight"].T + weights["fc0.bias"]
    hidden = np.maximum(sums, 0)
    last = hidden @ weights["fc1.weight"].T + weights["fc1.bias"]
    first = (last @ weights["fc1.weight"]) * (sums > 0)
    for row in first:
        row[np.argsort(-np.abs(row))[2:]] = 0
    np.testing.assert_allclose(got["fc1.weight"], last.T @ hidden, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(got["fc0.weight"], first.T @ x, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(got["fc0.bias"], first.sum(axis=0), rtol=1e-4, atol=1e-5)


def test_all_gradients_are_none_cut() -> None:
    graph = folded([4, 5, 3])
    assert hidden_sums(graph) == {graph.nodes[0].outputs[0]}
    assert hidden_sums(convolution(0)) == {"c"}
    assert hidden_sums(folded([4, 3], ["Relu"])) == set()
    assert cutting(graph, 1.0) is None
    x = np.ones((2, 4), np.float32)
    np.testing.assert_array_equal(backward(graph, x, 0.99)["fc0.weight"], backward(graph, x, 1.0)["fc0.weight"])


@pytest.mark.parametrize("option", [{"l1": 0.01}, {"group": 0.05}, {"exclusive": 0.01}])
def test_a_penalty_falls_by_training_with_it(option: dict[str, float]) -> None:
    graph, aim = folded([20, 16, 5]), Aim(**option)
    plain, less = state_after(graph), state_after(graph, **option)
    torch = import_torch()
    values = [float(penalty(aim, map(torch.from_numpy, state.weights.values()))) for state in (plain, less)]
    assert values[1] < 0.9 * values[0]
    assert digest(less) == digest(state_after(graph, **option)), "the same again"


def test_shared_weights_have_no_penalty() -> None:
    graph = Share(2).apply(Prune(0.5).apply(folded([20, 16, 5])))
    assert digest(state_after(graph, "entries", l1=0.1)) == digest(state_after(graph, "entries"))


def test_sparse_gradients_train_another_network() -> None:
    graph = folded([20, 16, 5])
    assert digest(state_after(graph, top_gradients=0.2)) != digest(state_after(graph))


@pytest.mark.parametrize("option", ["weight_decay", "l1", "group", "exclusive", "top_gradients"])
def test_the_fixed_schedule_has_them_too(option: str) -> None:
    graph = folded([12, 16, 5])
    x = np.random.default_rng(0).standard_normal((200, 12)).astype(np.float32)
    data = Dataset(x, run(graph, x).argmax(axis=1))

    def tuned(**changes: float) -> Array:
        tuner = Finetune(
            epochs=2, batch=32, least_steps=4, learning_rate=0.01, steps=1, data=data, teacher=graph, **changes
        )
        return Gradual(Prune(0.5), tuner).apply(graph).constants["fc0.weight"]

    value = 0.3 if option == "top_gradients" else 0.05
    assert not np.array_equal(tuned(**{option: value}), tuned())
