"""What weights are worth, as gradients say, and how numbers of entries are chosen by it."""

import numpy as np
import pytest
from graphs import folded
from hypothesis import given
from hypothesis import strategies as st
from searching import FAST, problem_of

from emcc.compress.importance.saliency import saliency
from emcc.compress.kmeans import Share
from emcc.compress.magnitude import Prune
from emcc.compress.search.entries import cheapest
from emcc.compress.search.goal import Search
from emcc.compress.state import State, graph_of, state_of
from emcc.compress.trainer import deterministic, import_torch


@pytest.fixture(autouse=True)
def _torch():
    pytest.importorskip("torch")


def without(state: State, name: str, gone: np.ndarray) -> State:
    """The state with weights of one layer gone."""
    codes = {**state.codes, name: np.where(gone, 0, state.codes[name]).astype(np.uint8)}
    return State(state.weights, state.biases, state.values, codes)


@pytest.mark.parametrize("labels", [True, False])
def test_inputs_that_no_sample_has_cost_nothing_and_go_first(labels: bool) -> None:
    graph = folded([20, 16, 5])
    with deterministic(import_torch(), 1):
        problem = problem_of(graph, labels, Search(**FAST))
        problem.data.x[:, :6] = 0
        state = state_of(Share(bits=4).apply(graph))
        measured, constants = saliency(problem, state), graph_of(graph, state).constants
        worth, decoded = measured["fc0.weight"], constants["fc0.weight"]
        assert worth.shape == decoded.shape
        assert np.array_equal(worth == 0, decoded == 0)
        unseen = np.broadcast_to(np.arange(20) < 6, worth.shape) & (decoded != 0)
        assert 10 * np.median(worth[unseen]) < np.median(worth[~unseen])
        masks = Prune().choose(graph, {name: constants[name] for name in state.weights}, 100, measured)
        assert sum(int(mask.sum()) for mask in masks.values()) == 100
        assert not masks["fc0.weight"][unseen].any()


def test_what_is_worth_least_costs_less_than_what_is_smallest() -> None:
    graph = folded([20, 16, 5])
    with deterministic(import_torch(), 1):
        problem = problem_of(graph, True, Search(**FAST), samples=1000)
        state = state_of(Share(bits=4).apply(graph))
        decoded = graph_of(graph, state).constants["fc0.weight"]
        ranks = {"worth": saliency(problem, state)["fc0.weight"], "size": np.abs(decoded)}
        losses = {}
        for kind, rank in ranks.items():
            gone = rank <= np.quantile(rank, 0.3)
            losses[kind] = problem.judge(graph_of(graph, without(state, "fc0.weight", gone)))[0]
    assert losses["worth"] < losses["size"]


@given(st.lists(st.floats(0, 1), min_size=1, max_size=9), st.data())
def test_cheapest_ends_where_no_neighbour_is_better(losses: list[float], data: st.DataObject) -> None:
    begin = data.draw(st.integers(0, len(losses) - 1))
    asked: list[int] = []

    def loss(place: int) -> float:
        asked.append(place)
        return losses[place]

    best = cheapest(loss, len(losses), begin)
    assert losses[best] <= losses[begin]
    assert all(losses[best] <= losses[i] for i in (best - 1, best + 1) if 0 <= i < len(losses))
    assert len(asked) == len(set(asked))
