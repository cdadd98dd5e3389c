"""Finetune: zeros and codes stay, the held-out loss never grows, the same seed gives the same bits."""

import sys

import numpy as np
import pytest
from graphs import folded
from hypothesis import given, settings
from hypothesis import strategies as st

from emcc.base.errors import EmccError
from emcc.compress.finetune import Finetune, Gradual, cubic
from emcc.compress.importance.choice import removed
from emcc.compress.kmeans import Share
from emcc.compress.magnitude import Prune
from emcc.compress.state import state_of
from emcc.ops.interpret import run
from emcc.samples.dataset import Dataset

SIZES = [12, 16, 10, 5]
NAMES = [f"fc{i}.weight" for i in range(3)]
FAST = {"epochs": 3, "shared_epochs": 3, "batch": 16, "learning_rate": 0.01, "shared_learning_rate": 0.01}
FAST |= {"least_steps": 16}


@pytest.fixture(autouse=True)
def torch():
    return pytest.importorskip("torch")


def problem(acts=(), seed=0, labels=False, host=()):
    graph = folded(SIZES, acts, seed=seed, host=host)
    x = np.random.default_rng(seed).standard_normal((300, SIZES[0])).astype(np.float32)
    y = run(graph, x).argmax(axis=1) if labels else None
    return graph, Dataset(x, y)


def distance(graph, teacher, data):
    return float(np.mean(np.square(run(graph, data.x) - run(teacher, data.x))))


@settings(max_examples=12)
@given(
    acts=st.lists(st.sampled_from(["", "Relu", "LeakyRelu", "Sigmoid", "Tanh"]), min_size=3, max_size=3),
    sparsity=st.sampled_from([0.0, 0.5, 0.9, 1.0]),
    labels=st.booleans(),
)
def test_zeros_stay_exactly_zero_and_the_rest_moves(acts, sparsity, labels):
    graph, data = problem(acts, labels=labels)
    pruned = Prune(sparsity).apply(graph)
    tuned = Finetune(**FAST, data=data, teacher=graph).apply(pruned)
    for name in NAMES:
        assert tuned.constants[name].dtype == np.float32
        assert not tuned.constants[name][pruned.constants[name] == 0].any()
    assert tuned.constants["fc0.bias"].dtype == np.float64
    assert not tuned.codebooks


@settings(max_examples=12)
@given(bits=st.sampled_from([1, 2, 4, 8]), sparsity=st.sampled_from([0.0, 0.6, 1.0]), labels=st.booleans())
def test_after_sharing_only_values_change_and_codebooks_stay_sound(bits, sparsity, labels):
    graph, data = problem(labels=labels)
    shared = Share(bits).apply(Prune(sparsity).apply(graph))
    tuned = Finetune(**FAST, data=data, teacher=graph).apply(shared)
    for name in NAMES:
        before, after = shared.codebooks[name], tuned.codebooks[name]
        np.testing.assert_array_equal(tuned.constants[name], after.weights())
        assert after.code_w == bits
        assert after.values.size <= before.values.size
        assert not tuned.constants[name][shared.constants[name] == 0].any()
        start = int(after.values[0] == 0)
        assert (np.diff(after.values[start:]) > 0).all()
        # Weights that were one stay one.
        for code in range(before.values.size):
            assert np.unique(after.codes[before.codes == code]).size <= 1


def test_a_cluster_learns_by_the_sum_of_its_weights_gradients(torch):
    graph, _ = problem()
    shared = Share(2).apply(Prune(0.5).apply(graph))
    parameters = Share().entries(torch, state_of(shared))
    dense = parameters.constants()["fc0.weight"]
    np.testing.assert_array_equal(dense.detach().numpy(), shared.constants["fc0.weight"])
    gradient = np.random.default_rng(0).standard_normal(dense.shape).astype(np.float32)
    (dense * torch.from_numpy(gradient)).sum().backward()
    codes = shared.codebooks["fc0.weight"].codes
    sums = [0.0, *(gradient[codes == code].sum() for code in range(1, 4))]
    np.testing.assert_allclose(parameters.leaves["fc0.weight"].grad.numpy(), sums, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("acts", [["Relu", "Relu", ""], ["Tanh", "Sigmoid", "LeakyRelu"]])
@pytest.mark.parametrize("share", [False, True])
def test_distilling_brings_the_outputs_back(acts, share):
    graph, data = problem(acts)
    worse = Prune(0.6).apply(graph)
    worse = Share(2).apply(worse) if share else worse
    options = {**FAST, "epochs": 12, "shared_epochs": 12}
    tuned = Finetune(**options, data=data, teacher=graph).apply(worse)
    assert distance(tuned, graph, data) < 0.8 * distance(worse, graph, data)


def test_labels_and_distributions_bring_the_classes_back():
    graph, data = problem(labels=True, host=(("Softmax", {"axis": -1}),))
    pruned = Prune(0.7).apply(graph)

    def right(item):
        return float(np.mean(run(item, data.x).argmax(axis=1) == data.y))

    for options in ({"data": data}, {"data": Dataset(data.x)}, {"data": Dataset(data.x), "distil": "distribution"}):
        tuned = Finetune(**{**FAST, "epochs": 12}, **options, teacher=graph).apply(pruned)
        assert right(tuned) > right(pruned) + 0.05


def test_what_makes_the_held_out_loss_worse_is_not_kept():
    graph, data = problem()
    # The teacher is the graph itself: nothing can be better.
    assert Finetune(**{**FAST, "learning_rate": 0.5}, data=data, teacher=graph).apply(graph) is graph


@pytest.mark.parametrize("share", [False, True])
def test_the_same_seed_gives_the_same_bits_and_torch_is_left_as_it_was(share, torch):
    graph, data = problem()
    start = Prune(0.5).apply(graph)
    start = Share(4).apply(start) if share else start
    threads = torch.get_num_threads()
    first, again, other = (Finetune(**FAST, seed=s, data=data, teacher=graph).apply(start) for s in (1, 1, 2))
    for name in [*NAMES, "fc2.bias"]:
        assert first.constants[name].tobytes() == again.constants[name].tobytes()
    assert first.constants[NAMES[0]].tobytes() != other.constants[NAMES[0]].tobytes()
    assert torch.get_num_threads() == threads
    assert not torch.are_deterministic_algorithms_enabled()


@given(st.floats(0, 1), st.integers(1, 4))
@settings(max_examples=8)
def test_gradual_pruning_ends_exactly_where_pruning_does(sparsity, steps):
    graph, data = problem()
    stages = []
    finetune = Finetune(**{**FAST, "epochs": 5}, steps=steps, data=data, teacher=graph, progress=stages.append)
    tuned = Gradual(Prune(sparsity, layers={"fc1": 0.25}), finetune).apply(graph)
    assert len(stages) == 5, "every epoch is told, none is lost between stages"
    assert (tuned.constants["fc1.weight"] == 0).sum() == 40
    others = [tuned.constants[name] for name in (NAMES[0], NAMES[2])]
    assert sum(int((w == 0).sum()) for w in others) == removed(sum(w.size for w in others), sparsity)


def test_each_kind_has_its_own_epochs():
    graph, data = problem()
    manifest = []
    finetune = Finetune(epochs=2, shared_epochs=3, data=data, teacher=graph, progress=manifest.append)
    finetune.apply(graph)
    finetune.apply(Share(4).apply(graph))
    assert [(event.done, event.total) for event in manifest] == [(1, 2), (2, 2), (1, 3), (2, 3), (3, 3)]
    assert {event.measure for event in manifest} == {"explained variance"}
    assert all(event.sparsity == 0 and 0 < event.quality <= 100 and event.loss > 0 for event in manifest)


@pytest.mark.parametrize(
    ("labels", "host", "measure"), [(True, (), "accuracy"), (False, (("Softmax", {"axis": 1}),), "agreement")]
)
def test_what_is_told_while_training(labels, host, measure):
    graph, data = problem(labels=labels, host=host)
    manifest = []
    pruned = Prune(0.75).apply(graph)
    Finetune(**FAST, data=data, teacher=graph, holdout=0.5, progress=manifest.append).apply(pruned)
    assert {event.measure for event in manifest} == {measure}
    assert all(event.sparsity == pytest.approx(0.75, abs=0.01) for event in manifest)
    assert all(round(event.quality * 1.5, 6) % 1 == 0 for event in manifest), "of 150 samples"


def test_gradual_without_data_or_epochs_is_prune():
    graph, data = problem()
    for finetune in (Finetune(), Finetune(epochs=0, data=data, teacher=graph)):
        pruned = Gradual(Prune(0.5), finetune).apply(graph)
        np.testing.assert_array_equal(pruned.constants[NAMES[0]], Prune(0.5).apply(graph).constants[NAMES[0]])


def test_the_cubic_schedule_rises_to_its_end():
    values = [cubic(0.9, step, 4) for step in range(5)]
    assert values == sorted(values)
    assert (values[0], values[2], values[4]) == (pytest.approx(0), pytest.approx(0.9 * 7 / 8), 0.9)


def test_without_torch_the_error_says_what_to_install(monkeypatch):
    graph, data = problem()
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(EmccError) as error:
        Finetune(data=data, teacher=graph).apply(graph)
    assert str(error.value) == (
        "fine-tuning needs torch, which is not installed\n  hint: pip install 'emcc-fpga[train]'"
    )
    assert Finetune().apply(graph) is graph, "without data nothing is needed"
