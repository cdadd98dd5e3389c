"""Criteria of single weights that are measured on the data, and weights that come back."""

import numpy as np
import pytest
from graphs import folded
from searching import FAST, problem_of, search

from emcc.base.errors import EmccError
from emcc.compress.finetune import Finetune, Gradual
from emcc.compress.importance.choice import removed
from emcc.compress.importance.saliency import saliency, sensitivity
from emcc.compress.magnitude import Prune
from emcc.compress.parameters import Weights
from emcc.compress.regrowth import moved
from emcc.compress.search.goal import Goal, Search
from emcc.compress.state import state_of
from emcc.compress.trainer import Span, deterministic, import_torch, train

SIZES = [10, 12, 4]


@pytest.fixture(autouse=True)
def _torch():
    pytest.importorskip("torch")


def problem():
    return problem_of(folded(SIZES), True, Search(**FAST))


def gradients(of, batches: int) -> list[dict[str, np.ndarray]]:
    """Of the cross entropy (and the share of distilling, which is 0 here), a batch at a time, by hand."""
    graph = of.original
    w0, b0, w1, b1 = (graph.constants[f"fc{i}.{kind}"].astype(float) for i in (0, 1) for kind in ("weight", "bias"))
    found = []
    for _, (taken, _, _) in zip(range(batches), of.epoch(0, clean=1.0), strict=False):
        x = of.data.x[taken].astype(float)
        hidden = np.maximum(x @ w0.T + b0, 0)
        logits = hidden @ w1.T + b1
        slope = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        slope[np.arange(len(taken)), of.data.y[taken]] -= 1
        slope /= len(taken)
        found.append({"fc1.weight": slope.T @ hidden, "fc0.weight": ((slope @ w1) * (hidden > 0)).T @ x})
    return found


def by_hand(of, criterion: str, name: str) -> np.ndarray:
    found, weight = [each[name] for each in gradients(of, 3)], of.original.constants[name]
    if criterion == "snip":
        return np.abs(np.sum(found, axis=0) * weight)
    curvature = np.square(found).sum(axis=0)
    return (curvature + 1e-2 * curvature.mean()) * np.square(weight.astype(float))


@pytest.mark.parametrize(("criterion", "measure"), [("snip", sensitivity), ("obd", saliency)])
def test_what_is_measured_is_what_the_paper_says(criterion, measure):
    of = problem_of(folded(SIZES), True, Search(**FAST, distil=0.0))
    worth = measure(of, state_of(of.original), 3)
    for name in ("fc0.weight", "fc1.weight"):
        np.testing.assert_allclose(worth[name], by_hand(of, criterion, name), rtol=2e-3, atol=1e-8)


@pytest.mark.parametrize("criterion", ["snip", "obd"])
@pytest.mark.parametrize("pes", [0, 4])
def test_exactly_the_share_goes_and_it_is_what_matters_least(criterion, pes):
    of = problem()
    graph, method = of.original, Prune(0.7, criterion=criterion, balance_pes=pes)
    worth = method.worth(of, state_of(graph))
    pruned = method.given(worth).apply(graph)
    names = ("fc0.weight", "fc1.weight")
    assert sum(int((pruned.constants[name] == 0).sum()) for name in names) == removed(168, 0.7)
    gone = np.concatenate([worth[name][pruned.constants[name] == 0] for name in names])
    left = np.concatenate([worth[name][pruned.constants[name] != 0] for name in names])
    assert pes or gone.max() <= left.min()
    for name in names if pes else ():
        kept = [int(np.count_nonzero(pruned.constants[name][pe::pes])) for pe in range(pes)]
        assert max(kept) - min(kept) <= 1
    plain = Prune(0.7).apply(graph)
    assert any(not np.array_equal(plain.constants[name], pruned.constants[name]) for name in names)


def test_without_data_it_is_refused():
    with pytest.raises(EmccError, match="looks at data"):
        Prune(criterion="obd").apply(folded(SIZES))


def test_without_training_it_is_measured_all_the_same():
    of = problem()
    tuner = Finetune(epochs=0, data=of.data, teacher=of.original)
    pruned = Gradual(Prune(0.7, criterion="obd"), tuner).apply(of.original)
    assert sum(int((pruned.constants[f"fc{i}.weight"] == 0).sum()) for i in (0, 1)) == removed(168, 0.7)


def test_a_search_takes_the_criterion_and_no_other():
    graph = folded(SIZES)
    of = problem()
    assert list(Prune(criterion="snip").forms({})) == ["snip"]
    result, _ = search(graph, Goal(target_sparsity=0.6), score="auto")
    assert result.record["score"] in ("magnitude", "scan", "lamp")
    form = Prune(criterion="obd").forms({})["obd"]
    state = state_of(graph)
    masks = form.choose(graph, state.weights, 50, form.worth(of, state))
    assert sum(int(mask.sum()) for mask in masks.values()) == 50


@pytest.mark.parametrize("criterion", ["snip", "obd"])
def test_a_search_measures_while_it_trains(criterion):
    """Masks are chosen between steps, where nothing else has gradients."""
    result, _ = search(folded(SIZES), Goal(target_sparsity=0.6), zeros=Prune(criterion=criterion))
    kept = sum(int(np.count_nonzero(array)) for array in state_of(result.pruned).weights.values())
    assert kept == 168 - removed(168, 0.6)


def test_rigl_moves_weights_to_where_gradients_are_largest():
    weights = {"w": np.array([[4.0, 0.3, -1.0, 0.0], [2.0, 0.0, 3.0, 0.0]])}
    steep = {"w": np.array([[9.0, 1.0, 9.0, -5.0], [9.0, 2.0, 9.0, 0.5]])}
    masks = {"w": np.array([[True, False, True, False], [True, False, True, False]])}
    assert moved(0.5, weights, masks, {}, 0.0)["w"].tolist() == masks["w"].tolist()
    after = moved(0.5, weights, masks, steep, 0.0)["w"]
    assert after.tolist() == [[True, False, False, True], [False, True, True, False]]
    assert moved(0.5, weights, masks, steep, 0.4)["w"].sum() == 4
    assert moved(0.5, weights, masks, steep, 0.75)["w"].tolist() == masks["w"].tolist()


@pytest.mark.parametrize("regrow", ["rigl", "surgery"])
def test_as_many_stay_and_some_are_others(regrow):
    of = problem()
    graph = Prune(0.8).apply(of.original)
    method = Prune(0.8, regrow=regrow, regrow_every=2)
    state = state_of(graph)
    with deterministic(import_torch(), 1):
        trained, _ = train(of, state, method.parameters(of.torch, state, None, 1), Span(0.0, 1.0, 0.2))
        still, _ = train(of, state, Weights(of.torch, state), Span(0.0, 1.0, 0.2))
    assert trained.kept() == state.kept() == still.kept()
    assert all(np.array_equal(still.weights[name] != 0, state.weights[name] != 0) for name in state.weights)
    assert any(not np.array_equal(trained.weights[name] != 0, state.weights[name] != 0) for name in state.weights)
