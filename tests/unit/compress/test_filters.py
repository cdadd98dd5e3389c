"""The method `filters`: each criterion is what its paper defines, amounts are exact, what is left is solved anew."""

import itertools

import numpy as np
import pytest
from graphs import folded
from models import model, node, save

from emcc.base.errors import EmccError
from emcc.compress.channels import amount, criteria, reconstruct
from emcc.compress.channels.families import channels
from emcc.compress.filters import Filters
from emcc.compress.problem import Aim, Problem
from emcc.frontend import load
from emcc.ops.interpret import run
from emcc.passes.fold import Fold
from emcc.samples.dataset import Dataset

SIZES = [6, 8, 5, 3]


def problem_of(graph, labels=True, samples=200) -> Problem:
    torch = pytest.importorskip("torch")
    x = np.random.default_rng(1).standard_normal((samples, *graph.tensors["x"].shape[1:])).astype(np.float32)
    y = run(graph, x).reshape(samples, -1).argmax(axis=1) if labels else None
    return Problem(torch, graph, Dataset(x, y), Aim(batch=50))


def rows(graph, name="fc0.weight"):
    return graph.constants[name]


def test_l1_keeps_the_filters_with_the_largest_sums():
    weight = np.array([[1, -1, 1], [0.5, 0.5, 0.5], [-4, 0, 0], [0, 1, 1]], np.float32)
    graph = folded([3, 4, 2], weights=[weight, np.ones((2, 4), np.float32)])
    smaller = Filters(keep=0.5).apply(graph)
    np.testing.assert_array_equal(rows(smaller), weight[[0, 2]])
    assert smaller.constants["fc1.weight"].shape == (2, 2)


@pytest.mark.parametrize("keep", [0.0, 0.3, 0.5, 1.0])
@pytest.mark.parametrize("spread", ["even", "all", "scan"])
def test_the_share_that_stays_is_exact(keep, spread):
    graph = folded(SIZES)
    method = Filters(keep=keep, spread=spread, layers={"fc1": 0.4}).on(problem_of(graph))
    smaller = method.apply(graph)
    assert len(rows(smaller, "fc1.weight")) == 2
    assert len(rows(smaller)) == amount.left(8, keep)
    both = Filters(keep=keep, spread=spread).on(problem_of(graph)).apply(graph)
    left = [len(rows(both)), len(rows(both, "fc1.weight"))]
    wanted = [amount.left(8, keep), amount.left(5, keep)]
    assert left == wanted if spread == "even" else sum(left) == max(2, amount.left(13, keep))


def test_one_ranking_of_all_takes_the_least_wherever_it_is():
    worth = {"a": np.array([5.0, 1.0, 7.0]), "b": np.array([0.5, 0.1, 6.0, 2.0])}
    assert amount.ranked(worth, 4) == {"a": 2, "b": 2}
    assert amount.ranked(worth, 2) == {"a": 1, "b": 1}
    kept = amount.best(worth, {"a": 2, "b": 2})
    assert [np.flatnonzero(mask).tolist() for mask in kept.values()] == [[0, 2], [2, 3]]


def test_a_layer_that_matters_less_loses_more():
    curves = {"firm": [(0, 0.0), (2, 4.0)], "soft": [(0, 0.0), (2, 0.1), (3, 9.0)]}
    assert amount.by_sensitivity(curves, {"firm": 4, "soft": 4}, 6) == {"firm": 4, "soft": 2}
    assert amount.by_sensitivity(curves, {"firm": 4, "soft": 4}, 4) == {"firm": 2, "soft": 2}


def test_the_scan_measures_the_rise_of_the_loss_of_each_layer_alone():
    graph = folded(SIZES)
    problem, known = problem_of(graph), channels(graph)
    worth = {family.name: family.summed(criteria.norms(known)) for family in known.families}
    curves = amount.scanned(known, worth, problem)
    for name, curve in curves.items():
        gone, rise = curve[-1]
        zeroed = np.array(graph.constants[f"{name}.weight"])
        bias = np.array(graph.constants[f"{name}.bias"])
        least = np.argsort(np.abs(zeroed).sum(axis=1))[:gone]
        zeroed[least], bias[least] = 0, 0
        alone = problem.judge(graph.with_constants({f"{name}.weight": zeroed, f"{name}.bias": bias}))[0]
        assert rise == pytest.approx(alone - problem.judge(graph)[0], abs=1e-6)


def test_entropy_is_that_of_the_channels_means():
    # Channel 0 is always 1, channel 1 is one of two values, channel 2 one of four, as often.
    weight = np.array([[0, 0], [1, 0], [0, 1]], np.float32)
    graph = folded([2, 3, 2], weights=[weight, np.ones((2, 3), np.float32)], biases=[np.ones(3), np.zeros(2)])
    x = np.array(list(itertools.product([0, 1], [0, 1, 2, 3])), np.float32)
    worth = criteria.entropies(channels(graph), x)
    np.testing.assert_allclose(worth["fc0"], [0, 1, 2])


def test_taylor_is_activation_times_gradient():
    graph = folded([4, 6, 3])
    problem, known = problem_of(graph), channels(graph)
    worth = criteria.taylor(known, problem, steps=2)["fc0"]
    w0, b0, w1, b1 = (graph.constants[f"fc{i}.{kind}"].astype(float) for i in (0, 1) for kind in ("weight", "bias"))
    total = np.zeros(6)
    for _, (taken, _, _) in zip(range(2), problem.epoch(0, clean=1.0), strict=False):
        hidden = np.maximum(problem.data.x[taken] @ w0.T + b0, 0)
        logits = hidden @ w1.T + b1
        share = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        share[np.arange(len(taken)), problem.data.y[taken]] -= 1
        total += np.abs(hidden * (share @ w1)).sum(axis=0)
    np.testing.assert_allclose(worth, total / np.linalg.norm(total), rtol=1e-4)


def small(norm: bool):
    rng = np.random.default_rng(0)
    weights = {
        "k": rng.standard_normal((4, 1, 3, 3)).astype(np.float32),
        "w": rng.standard_normal((3, 64)).astype(np.float32),
        "scale": np.float32([0.1, -2.0, 0.5, 1.0]),
        **{name: np.zeros(4, np.float32) for name in ("shift", "mean")},
        "var": np.ones(4, np.float32),
    }
    nodes = [
        node("Conv", ["x", "k"], "a", "conv", pads=[1, 1, 1, 1]),
        *([node("BatchNormalization", ["a", "scale", "shift", "mean", "var"], "b", "norm")] * norm),
        node("Relu", ["b" if norm else "a"], "c", "act"),
        node("Flatten", ["c"], "f", "flat"),
        node("Gemm", ["f", "w"], "y", "fc", transB=1),
    ]
    kept = {name for each in nodes for name in each.input}
    return model(nodes, ["n", 1, 4, 4], ["n", 3], {name: value for name, value in weights.items() if name in kept})


def test_slimming_ranks_by_the_scales_of_the_file(tmp_path):
    source = load(save(small(norm=True), tmp_path / "m.onnx"), "test", None)
    graph = Fold().apply(source)
    smaller = Filters(criterion="slimming").of(source).apply(graph)
    np.testing.assert_array_equal(smaller.constants["k"], graph.constants["k"][[1, 3]])
    plain = load(save(small(norm=False), tmp_path / "p.onnx"), "test", None)
    with pytest.raises(EmccError, match="BatchNormalization behind every layer") as error:
        Filters(criterion="slimming").of(plain).apply(Fold().apply(plain))
    assert error.value.details == ("layer 'conv' has none in the file",)


def test_reconstruction_takes_out_next_what_with_all_before_it_is_least():
    graph = folded([4, 5, 3])
    x = np.random.default_rng(2).standard_normal((40, 4)).astype(np.float32)
    order = reconstruct.removal_orders(channels(graph), x)["fc0"]
    hidden = np.maximum(x @ graph.constants["fc0.weight"].T.astype(float) + graph.constants["fc0.bias"], 0)
    given = hidden[:, :, None] * graph.constants["fc1.weight"].T.astype(float)  # [sample, channel, row]
    gone: list[int] = []
    for _ in range(5):
        left = [unit for unit in range(5) if unit not in gone]
        gone.append(min(left, key=lambda unit: np.square(given[:, [*gone, unit]].sum(axis=1)).sum()))
    assert np.argsort(order).tolist() == gone


@pytest.mark.parametrize("convolution", [False, True])
def test_what_stays_takes_over_what_a_channel_that_goes_gave(convolution, tmp_path):
    if convolution:
        source = load(save(small(norm=False), tmp_path / "m.onnx"), "test", None)
        graph, name = Fold().apply(source), "k"
    else:
        graph, name = folded([6, 4, 3]), "fc0.weight"
    weight = np.array(graph.constants[name])
    weight[1] = weight[0] * 1.5  # twice the same, after ReLU too
    bias = next(each.inputs[2] for each in graph.layers() if each.inputs[1] == name)
    biases = np.array(graph.constants[bias])
    biases[1] = biases[0] * 1.5
    weight[2:] *= 4
    graph = graph.with_constants({name: weight, bias: biases})
    problem = problem_of(graph)
    x = problem.data.x

    def error(repair: bool) -> float:
        method = Filters(keep=0.75, criterion="l1", spread="even", repair=repair).on(problem)
        return float(np.square(run(method.apply(graph), x) - run(graph, x)).mean())

    assert error(repair=True) < 1e-2 * error(repair=False)


def test_mistakes():
    graph = folded(SIZES)
    with pytest.raises(EmccError, match=r"filters\.layers names layers whose channels stay whole"):
        Filters(layers={"fc2": 0.5}).apply(graph)
    with pytest.raises(EmccError, match="layers the model does not have"):
        Filters(layers={"nope": 0.5}).apply(graph)
    with pytest.raises(EmccError, match="looks at data"):
        Filters(criterion="entropy").apply(graph)
    with pytest.raises(EmccError, match="no layer whose channels may go") as error:
        Filters().apply(folded([4, 3]))
    assert error.value.details == ("layer 'fc0': is an output",)


def test_stages_end_where_one_would():
    graph, seen = folded(SIZES), []

    def tune(smaller, epochs):
        seen.append((len(rows(smaller)), epochs))
        return smaller

    last = Filters(keep=0.25, spread="even", stages=3, epochs=7).stagewise(graph, tune)
    assert seen == [(5, 2), (3, 2), (2, 3)]
    assert [len(rows(last)), len(rows(last, "fc1.weight"))] == [2, 1]
