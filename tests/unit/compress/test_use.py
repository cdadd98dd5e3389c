"""Codebooks whose errors are weighed by what they cost at the outputs: nearer to the original at the same size."""

import numpy as np
import pytest
from graphs import folded

from emcc.compress.clusters.codebook import cluster
from emcc.compress.importance.use import use
from emcc.compress.kmeans import Share
from emcc.ir.graph import Array, Graph
from emcc.ops.interpret import run


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
