"""Codebooks whose errors are weighed by what they cost at the outputs: nearer to the original at the same size."""

import numpy as np
import pytest
from graphs import folded
from searching import FAST

from emcc.compress.clusters.codebook import cluster, priced
from emcc.compress.importance.use import use
from emcc.compress.kmeans import Share
from emcc.compress.magnitude import Prune
from emcc.compress.problem import Problem
from emcc.compress.search.goal import Goal, Search
from emcc.compress.search.keep import Keeper
from emcc.compress.search.search import Result, Searcher
from emcc.compress.search.store import Store
from emcc.compress.search.worth import Methods
from emcc.compress.trainer import deterministic
from emcc.driver.encoder import Encoder
from emcc.ir.graph import Array, Graph
from emcc.ops.interpret import run
from emcc.passes.calibrate import Calibrate
from emcc.samples.dataset import Dataset
from emcc.samples.split import split


def error(graph: Graph, shared: Graph, x: Array) -> float:
    """The squared error of outputs over their variance."""
    truth = run(graph, x)
    return float((np.square(run(shared, x) - truth).mean(0) / truth.var(0)).mean())


def problem(acts: list[str], seed: int) -> tuple[Graph, Array, Array]:
    """A network, samples to weigh by and others, whose inputs are of very different use."""
    rng = np.random.default_rng(seed)
    spread = np.exp(rng.normal(size=20))
    x = (rng.standard_normal((600, 20)) * spread).astype(np.float32)
    weights = [rng.standard_normal((30, 20)) / 4, rng.standard_normal((24, 30)) / 5, rng.standard_normal((4, 24)) / 5]
    return folded([20, 30, 24, 4], acts, weights=weights), x[:300], x[300:]


@pytest.mark.parametrize("bits", [2, 4])
@pytest.mark.parametrize("acts", [["Relu", "Relu", ""], ["Tanh", "Tanh", ""], ["LeakyRelu", "Sigmoid", ""]])
def test_the_outputs_are_nearer_at_the_same_number_of_entries(acts: list[str], bits: int) -> None:
    """On samples that were not weighed by, over four networks."""
    plain, weighed = 0.0, 0.0
    for seed in range(4):
        graph, x, others = problem(acts, seed)
        one, other = Share(bits, weigh=False, data=x).apply(graph), Share(bits).on(x).apply(graph)
        for node in graph.layers():
            sizes = [each.codebooks[node.inputs[1]].values.size for each in (one, other)]
            assert max(sizes) <= 1 << bits
        plain += np.log(error(graph, one, others))
        weighed += np.log(error(graph, other, others))
    assert weighed < plain + 4 * np.log(0.9), f"{np.exp(plain / 4)} and {np.exp(weighed / 4)}"


def test_importance_is_the_slope_times_the_moment() -> None:
    """Of a linear network, where both are known exactly."""
    rng = np.random.default_rng(0)
    graph = folded([5, 6, 3], ["", ""], weights=[rng.normal(size=(6, 5)), rng.normal(size=(3, 6))])
    x = rng.standard_normal((20_000, 5)).astype(np.float32)
    found = use(graph, x)
    y = run(graph, x.astype(np.float64))
    slopes = np.square(graph.constants["fc1.weight"] / y.std(0)[:, None]).sum(0)
    np.testing.assert_allclose(found["fc0.weight"].rows, slopes, rtol=0.5)
    assert np.corrcoef(found["fc0.weight"].rows, slopes)[0, 1] > 0.95
    np.testing.assert_allclose(found["fc0.weight"].columns, np.square(x).mean(0), atol=0.4)
    assert found["fc0.weight"].of_weights().mean() == pytest.approx(1)


def test_a_weight_that_counts_more_is_nearer_to_its_entry() -> None:
    weights = np.float32([[1.0, 1.1, 2.0, 2.4]])
    plain = cluster(weights, 1)
    weighed = cluster(weights, 1, importance=np.array([[1.0, 1.0, 1.0, 1e6]]))
    assert plain.values.tolist() == [pytest.approx(1.05), pytest.approx(2.2)]
    assert np.abs(weighed.values - 2.4).min() < 1e-3
    exact = cluster(weights, 2, importance=np.array([[1.0, 1.0, 1.0, 1e6]]))
    np.testing.assert_array_equal(exact.weights(), weights)


def test_what_no_sample_uses_still_counts_a_little() -> None:
    graph, x, _ = problem(["Relu", "Relu", ""], 0)
    x[:, 3] = 0
    shared = Share(4).on(x).apply(graph)
    off = np.abs(shared.constants["fc0.weight"] - graph.constants["fc0.weight"])[:, 3]
    assert off.max() < 0.3 * np.abs(graph.constants["fc0.weight"]).max()


def test_priced_clusters_weigh_too() -> None:
    """Nothing changes where all count the same; what counts more is nearer, and pays for its bits sooner."""
    rng = np.random.default_rng(5)
    weights = np.where(rng.random((20, 30)) < 0.7, rng.standard_normal((20, 30)), 0).astype(np.float32)
    for entries, price in ((3, 0.0), (7, 0.02), (15, 0.3)):
        plain, same = (priced(weights, entries, price, each) for each in (None, np.full(weights.shape, 2.5)))
        np.testing.assert_array_equal(plain[1], same[1])
        np.testing.assert_allclose(plain[0], same[0], rtol=1e-6)
        cost = np.where(np.arange(30) < 5, 100.0, 1.0) * np.ones((20, 1))
        values, codes = priced(weights, entries, price, cost)
        assert np.array_equal(codes == 0, weights == 0)
        assert (np.sign(values[codes]) == np.sign(weights)).all()
        errors = [cost * np.square(book[at] - weights) for book, at in (plain, (values, codes))]
        assert errors[1].sum() < errors[0].sum()


def searched(graph: Graph, x: Array, goal: Goal, weigh: bool, keep: bool) -> tuple[Result, int]:
    torch = pytest.importorskip("torch")
    options = Search(**FAST)
    with deterministic(torch, 1):
        encoder = Encoder(Calibrate(data=x))
        problem = Problem(torch, graph, Dataset(x), options.aim, split(Dataset(x), 0.3, 0))
        kind = Keeper if keep else Searcher
        methods = Methods(Prune(), Share(weigh=weigh))
        result = kind(problem, goal, options, methods, encoder, Store(None, "key")).run()
        return result, len(encoder(result.shared))


def test_kept_weights_take_what_is_better_of_both() -> None:
    """Inputs of very different use: the file is smaller at one goal, and loses no more than may be lost."""
    graph, x, others = problem(["Relu", "Relu", ""], 2)
    x = np.concatenate([x, others])
    sizes = {}
    for weigh in (False, True):
        result, sizes[weigh] = searched(graph, x, Goal(max_drop=1.0), weigh, keep=True)
        assert result.record["lost_at_most"] <= 1.0
    assert sizes[True] < 0.95 * sizes[False]


def test_a_search_that_keeps_all_weights_tries_both() -> None:
    """So little may be lost that nothing is pruned."""
    graph, x, others = problem(["Relu", "Relu", ""], 2)
    x = np.concatenate([x, others])
    entries = {}
    for weigh in (False, True):
        goal = Goal(max_drop=0.3, refuses=False)
        result, _ = searched(graph, x, goal, weigh, keep=False)
        assert result.record["trained_steps"] == 0 or result.record["lost_at_most"] <= 0.3
        entries[weigh] = sum(book.values.size for book in result.shared.codebooks.values())
    assert entries[True] <= entries[False]
