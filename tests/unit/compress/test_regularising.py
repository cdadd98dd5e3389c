"""Dropout and weight decay: what they do to training, and that they are off unless asked for."""

import numpy as np
import pytest
from graphs import folded
from hypothesis import given, settings
from hypothesis import strategies as st
from searching import FAST, problem_of, trained
from test_parts import convolution

from emcc.compress.dropout import Dropout
from emcc.compress.kmeans import Share
from emcc.compress.magnitude import Prune
from emcc.compress.problem import outputs
from emcc.compress.search.goal import Search
from emcc.compress.state import State, digest, state_of
from emcc.compress.trainer import deterministic, import_torch
from emcc.ir.graph import Graph


@pytest.fixture(autouse=True)
def _torch():
    pytest.importorskip("torch")


def state_after(graph: Graph, route: str = "prune", **changes: float) -> State:
    options = Search(**{**FAST, **changes})
    with deterministic(import_torch(), 1):
        return trained(problem_of(graph, True, options), state_of(Prune(0.5).apply(graph)), route, options)


@settings(max_examples=20)
@given(seed=st.integers(0, 99), share=st.floats(0.01, 0.9))
def test_dropout_scales_hidden_activations_only(seed: int, share: float) -> None:
    torch, graph = import_torch(), folded([6, 5, 4, 3], seed=seed)
    dropout = Dropout(torch, graph, share)
    factors = dropout.factors(np.random.default_rng(seed), 7)
    assert {name: tuple(item.shape) for name, item in factors.items()} == {"y0.dropout": (7, 5), "y1.dropout": (7, 4)}
    assert {float(value) for item in factors.values() for value in item.unique()} <= {
        0.0,
        float(np.float32(1 / (1 - share))),
    }
    x = torch.randn(7, 6, generator=torch.Generator().manual_seed(seed))
    h = torch.relu(
        x @ torch.tensor(graph.constants["fc0.weight"]).T + torch.tensor(graph.constants["fc0.bias"]).float()
    )
    h = h * factors["y0.dropout"]
    h = torch.relu(
        h @ torch.tensor(graph.constants["fc1.weight"]).T + torch.tensor(graph.constants["fc1.bias"]).float()
    )
    h = h * factors["y1.dropout"]
    wanted = h @ torch.tensor(graph.constants["fc2.weight"]).T + torch.tensor(graph.constants["fc2.bias"]).float()
    assert torch.allclose(outputs(torch, dropout.graph, x, dict(factors)), wanted, atol=1e-5)
    ones = {name: torch.ones_like(item) for name, item in factors.items()}
    assert torch.equal(outputs(torch, dropout.graph, x, ones), outputs(torch, graph, x))


def test_dropout_leaves_out_the_share_that_it_was_told() -> None:
    (factor,) = Dropout(import_torch(), folded([6, 50, 3]), 0.3).factors(np.random.default_rng(0), 2000).values()
    assert float((factor == 0).float().mean()) == pytest.approx(0.3, abs=0.01)
    assert float(factor.mean()) == pytest.approx(1.0, abs=0.02)


def test_pixels_are_not_left_out_and_pooled_channels_are() -> None:
    dropout = Dropout(import_torch(), convolution(0), 0.5)
    assert list(dropout.factors(np.random.default_rng(0), 4)) == ["p.dropout"]
    assert Dropout(import_torch(), folded([6, 3]), 0.5).factors(np.random.default_rng(0), 4) == {}


def test_inputs_are_left_out_where_that_is_asked_for() -> None:
    torch = import_torch()
    for graph in (folded([6, 5, 3]), convolution(1)):
        dropout = Dropout(torch, graph, 0.0, 0.4)
        (factor,) = dropout.factors(np.random.default_rng(0), 9).values()
        x = torch.randn(factor.shape, generator=torch.Generator().manual_seed(1))
        given = {"x.dropout": factor}
        assert torch.equal(outputs(torch, dropout.graph, x, given), outputs(torch, graph, x * factor))
        assert factor.unique().tolist() == pytest.approx([0.0, 1 / 0.6])


def test_nothing_is_left_out_unless_asked_for() -> None:
    graph = folded([6, 5, 3])
    off = Dropout(import_torch(), graph, 0.0)
    assert off.graph is graph
    assert off.factors(np.random.default_rng(0), 4) == {}


@pytest.mark.parametrize("route", ["prune", "codes"])
@pytest.mark.parametrize("option", ["dropout", "input_dropout"])
def test_each_changes_training_and_comes_out_the_same_again(route: str, option: str) -> None:
    graph = folded([20, 16, 5])
    plain, changed = state_after(graph, route, distil=0.0), state_after(graph, route, distil=0.0, **{option: 0.3})
    assert digest(changed) != digest(plain)
    assert digest(changed) == digest(state_after(graph, route, distil=0.0, **{option: 0.3}))


def test_decay_shrinks_weights_and_leaves_zeros_and_shared_values_alone() -> None:
    graph = folded([20, 16, 5])
    plain, decayed = state_after(graph), state_after(graph, weight_decay=5.0)
    for name, weights in decayed.weights.items():
        assert np.linalg.norm(weights) < 0.95 * np.linalg.norm(plain.weights[name])
        assert np.array_equal(weights == 0, plain.weights[name] == 0)
    digests = []
    for decay in (0.0, 5.0):
        options = Search(**FAST, weight_decay=decay)
        with deterministic(import_torch(), 1):
            problem = problem_of(graph, True, options)
            books = {name: Share().assign(weights, (3, 0.02)) for name, weights in plain.weights.items()}
            values, codes = ({name: book[i] for name, book in books.items()} for i in (0, 1))
            digests.append(
                digest(trained(problem, State(plain.weights, plain.biases, values, codes), "entries", options))
            )
    assert digests[0] == digests[1]
