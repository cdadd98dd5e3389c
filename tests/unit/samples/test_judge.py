"""What outputs are for, and how they are judged."""

import numpy as np
import pytest
from graphs import folded
from models import model, node, save

from emcc import frontend
from emcc.base.errors import EmccError
from emcc.ops.interpret import run
from emcc.passes.fold import Fold
from emcc.samples.dataset import Dataset
from emcc.samples.judge import judge, paired_bound
from emcc.samples.load import load_data
from emcc.samples.split import HELD, VALIDATED, Sides
from emcc.samples.yardstick import yardstick

X = np.random.default_rng(3).standard_normal((200, 4)).astype(np.float32)
TWO, ONE = folded((4, 6, 2)), folded((4, 6, 1))
CLASSES, TARGETS = np.arange(200) % 2, np.random.default_rng(4).standard_normal((200, 2)).astype(np.float32)
SOFTMAX = TWO.with_(host=(("Softmax", {"axis": -1}),))


@pytest.mark.parametrize(
    ("graph", "y", "asked", "task", "measure", "against"),
    [
        (TWO, None, "auto", "regress", "explained variance", "the original model"),
        (TWO, None, "classify", "classify", "agreement", "the original model"),
        (TWO, CLASSES, "auto", "classify", "accuracy", "labels"),
        (TWO, TARGETS, "auto", "regress", "explained variance", "targets"),
        (ONE, CLASSES, "auto", "classify", "accuracy", "labels"),
        (ONE, CLASSES, "regress", "regress", "explained variance", "targets"),
        (ONE, None, "auto", "regress", "explained variance", "the original model"),
        (SOFTMAX, None, "auto", "classify", "agreement", "the original model"),
        (SOFTMAX, None, "regress", "regress", "explained variance", "the original model"),
    ],
)
def test_what_a_model_is_for(graph, y, asked, task, measure, against):
    made = judge(graph, run(graph, X), Dataset(X, y), task=asked)
    assert (made.task, made.measure, made.against) == (task, measure, against)


@pytest.mark.parametrize(
    ("graph", "y", "asked", "message"),
    [
        (TWO, TARGETS, "classify", "y holds targets, not class numbers"),
        (TWO, CLASSES, "regress", "y holds class numbers, and a regression's targets are of the output's shape"),
        (TWO, None, "guess", "no task 'guess'"),
    ],
)
def test_tasks_that_cannot_be_had(graph, y, asked, message):
    with pytest.raises(EmccError, match=message):
        judge(graph, run(graph, X), Dataset(X, y), task=asked)


def test_an_autoencoder_is_judged_by_its_inputs():
    same = folded((4, 4), weights=[np.eye(4)], biases=[np.zeros(4)])
    made = judge(same, run(same, X), Dataset(X))
    assert made.against == "its inputs"
    assert made.score(X * 0.5).value == pytest.approx(75, abs=3)


def test_one_output_is_a_class_above_a_half_or_above_nothing():
    outputs = np.array([[0.2], [0.8], [0.4], [0.6]])
    labels = Dataset(X[:4], np.array([0, 1, 1, 1]))
    assert judge(ONE, outputs, labels).score(outputs).value == 75
    assert judge(ONE, outputs * 10 - 5, labels).score(outputs * 10 - 5).value == 75


def test_an_output_that_never_moves_has_a_scale():
    made = judge(TWO, np.ones((200, 2)) * [3.0, 0.0], Dataset(X))
    assert made.score(np.ones((200, 2)) * [3.0, 0.0]).value == 100
    assert made.score(np.ones((200, 2)) * [3.1, 0.0]).worst < 0


@pytest.mark.parametrize(
    ("lost", "won", "samples", "bound"),
    # Upper limits of Tango's 90 % interval, found by maximising the likelihood on a grid.
    [(0, 0, 400, 0.00672), (5, 2, 100, 0.08233), (1, 0, 400, 0.01113), (0, 5, 100, -0.02233)],
)
def test_the_bound_of_a_paired_difference(lost, won, samples, bound):
    assert paired_bound(lost, won, samples) == pytest.approx(bound, abs=1e-4)


def test_the_bound_holds_in_nineteen_cases_of_twenty():
    rng = np.random.default_rng(5)
    held = 0
    for _ in range(1000):
        draws = rng.choice(3, 300, p=(0.95, 0.03, 0.02))
        held += paired_bound(int((draws == 1).sum()), int((draws == 2).sum()), 300) >= 0.01
    assert held >= 935


def test_what_is_lost_at_most_of_values_is_of_the_worst_output():
    values = np.asarray(run(TWO, X), np.float64)
    made = judge(TWO, values, Dataset(X))
    before, after = made.score(values), made.score(values + values.std(axis=0) * np.array([0.0, 0.1]))
    assert after.lost(before) == pytest.approx(1, abs=0.1)
    assert after.lost_at_most(before) >= after.lost(before)


def test_what_is_lost_at_most_leaves_a_margin_for_few_samples():
    """No sample changes sides: of 200 that is no proof of less than a point, of 400 it is."""
    outputs = np.array([[0.0, 1.0], [1.0, 0.0]] * 200)
    for count, sure in ((200, False), (400, True)):
        made = judge(TWO, outputs[:count], Dataset(np.repeat(X, 2, axis=0)[:count], CLASSES.repeat(2)[:count]))
        score = made.score(outputs[:count])
        assert score.lost(score) == 0
        assert (score.lost_at_most(score) < 1) == sure


def test_samples_that_the_original_may_know_count_every_difference():
    """A model that wins as many labels as it loses has lost nothing, but is not the original."""
    before = np.array([[0.0, 1.0]] * 400)
    after = before.copy()
    after[:20] = [1.0, 0.0]
    labels = np.ones(400, np.int64)
    labels[:10] = 0
    bounds = {}
    for source in (HELD, VALIDATED):
        sides = Sides(np.arange(400), Dataset(np.zeros((400, 4), np.float32), labels), np.arange(400), source)
        bounds[source] = yardstick(TWO, before, sides, "auto").lost_at_most(after)
    assert bounds[VALIDATED] < 2 < 5 < bounds[HELD]


def test_one_sample_is_judged_by_its_size():
    """It has no variance: errors of a thousandth are no thousands of points, and other samples may be lost whole."""
    values = np.array([[3.0, 0.001, 0.0, -2.0]])
    made = judge(TWO, values, Dataset(X[:1]))
    before, after = made.score(values), made.score(values + 0.004)
    assert 0 < after.lost(before) < 0.01
    assert after.lost_at_most(before) == 100
    assert made.score(-values).lost(before) > 100


def test_few_samples_that_hardly_differ_are_judged_by_their_size_too():
    values = 5 + 1e-4 * np.arange(8.0).reshape(4, 2)
    made = judge(TWO, values, Dataset(X[:4]))
    assert made.score(values + 0.01).lost(made.score(values)) < 0.01
    many = judge(TWO, np.repeat(values, 2000, axis=0), Dataset(np.repeat(X[:4], 2000, axis=0)))
    assert many.score(np.repeat(values + 0.01, 2000, axis=0)).worst < 0


def test_a_map_of_classes_is_judged_by_its_scores(tmp_path):
    """A class a pixel, as segmentation has them; labels of such are refused, and one class a sample is one."""
    nodes = [node("Conv", ["x", "k"], "c"), node("ArgMax", ["c"], "y", axis=1)]
    weights = {"k": np.random.default_rng(0).standard_normal((3, 2, 2, 2)).astype(np.float32)}
    for height, task in ((4, "regress"), (2, "classify")):
        path = save(model(nodes, ["n", 2, height, 2], weights=weights, output_type=7), tmp_path / "m.onnx")
        graph = Fold().apply(frontend.load(path))
        x = np.random.default_rng(1).standard_normal((20, 2, height, 2)).astype(np.float32)
        outputs = run(graph, x)
        made = judge(graph, outputs, Dataset(x))
        assert (made.task, made.score(outputs).value) == (task, 100)
    data = tmp_path / "d.npz"
    np.savez(data, x=np.zeros((20, 2, 4, 2), np.float32), y=np.zeros((20, 1, 3, 1), np.int64))
    whole = Fold().apply(
        frontend.load(save(model(nodes, ["n", 2, 4, 2], weights=weights, output_type=7), tmp_path / "m.onnx"))
    )
    with pytest.raises(EmccError, match="a map of classes, which emcc does not judge by labels"):
        load_data(data, whole)


def test_an_error_of_an_output_that_is_all_but_nothing_has_an_end():
    """A detector's map far from anything: some 1e-13 in floats, and half in fixed point."""
    wanted = np.random.default_rng(0).uniform(1e-13, 2e-13, (200, 2))
    made = judge(TWO, wanted, Dataset(X), task="regress")
    before = made.score(wanted)
    assert made.score(np.full_like(wanted, 0.5)).lost(before) == pytest.approx(1e9)
    assert 1 < made.score(wanted + 1e-14).lost(before) < 1e3
    for nothing in (np.nan, np.inf):
        assert made.score(np.full_like(wanted, nothing)).lost(before) == pytest.approx(1e9)
