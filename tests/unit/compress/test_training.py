"""What trains and what decides; zeros and codes stay through every way of training."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from graphs import folded
from hypothesis import given, settings
from hypothesis import strategies as st
from models import model, node, save
from searching import FAST, problem_of, searcher, trained

from emcc.compress.kmeans import Share
from emcc.compress.magnitude import Prune
from emcc.compress.problem import Problem, outputs
from emcc.compress.search.goal import Goal, Search
from emcc.compress.search.store import Store
from emcc.compress.state import graph_of, state_of
from emcc.compress.trainer import Span, deterministic, import_torch, train
from emcc.driver.encoder import Encoder
from emcc.frontend import load
from emcc.passes import calibrate
from emcc.passes.calibrate import Calibrate
from emcc.passes.fold import Fold
from emcc.samples.dataset import Dataset
from emcc.samples.split import ALL, split


@pytest.fixture(autouse=True)
def _torch():
    pytest.importorskip("torch")


@settings(max_examples=200)
@given(samples=st.integers(2, 5000), holdout=st.floats(0.001, 0.9), seed=st.integers(0, 2**32 - 1))
def test_what_decides_never_trains(samples: int, holdout: float, seed: int) -> None:
    sides = split(Dataset(np.zeros((samples, 1), np.float32)), holdout, seed)
    train, held = sides.train, sides.held
    assert len(train) >= 1
    assert len(held) >= 1
    assert sorted([*train.tolist(), *held.tolist()]) == list(range(samples))


@pytest.mark.parametrize(("samples", "holdout"), [(1, 0.5), (7, 0.0)])
def test_where_none_can_be_held_out_all_decide(samples: int, holdout: float) -> None:
    sides = split(Dataset(np.zeros((samples, 1), np.float32)), holdout, 0)
    assert sides.train.tolist() == sides.held.tolist() == list(range(samples))
    assert sides.source == ALL


def test_epochs_draw_training_rows_only() -> None:
    problem = problem_of(folded([20, 16, 5]), True, Search(**FAST))
    drawn = {int(row) for number in range(3) for rows, _, _ in problem.epoch(number) for row in rows}
    assert drawn <= set(problem.train.tolist())
    assert not drawn & set(problem.held.tolist())


class Lazy:
    """Stands for a mapped file: gives rows when asked for them by index, and never all."""

    def __init__(self, x: np.ndarray) -> None:
        self._x, self.shape, self.most = x, x.shape, 0

    def __len__(self) -> int:
        return len(self._x)

    def __getitem__(self, rows: np.ndarray) -> np.ndarray:
        assert isinstance(rows, np.ndarray)
        self.most = max(self.most, len(rows))
        return self._x[rows]

    def __array__(self, *_: object, **__: object) -> np.ndarray:
        raise AssertionError("all of the data was read at once")


def test_data_is_read_by_index(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibrate, "_CHUNK", 20 * 700)
    graph = folded([20, 16, 5])
    x = Lazy(np.random.default_rng(0).standard_normal((5000, 20)).astype(np.float32))
    options = Search(**{**FAST, "batch": 256})
    with deterministic(import_torch(), 1):
        problem = Problem(import_torch(), graph, Dataset(x), options.aim)  # type: ignore[arg-type]
        encoder = Encoder(Calibrate(data=x))  # type: ignore[arg-type]
        searcher(problem, Goal(target_size=400), options, encoder, Store(None, "")).run()
    assert 0 < x.most <= 1024


@settings(max_examples=6)
@given(seed=st.integers(0, 20), sparsity=st.floats(0.2, 0.95))
def test_what_is_pruned_stays_pruned_once_the_pattern_is_fixed(seed: int, sparsity: float) -> None:
    graph = folded([20, 16, 5], seed=seed)
    with deterministic(import_torch(), 1):
        problem = problem_of(graph, True, Search(**FAST))
        state = state_of(Prune(sparsity).apply(graph))
        for route in ("prune", "codes"):
            after = trained(problem, state.fresh(), route, Search(**FAST))
            for name, weights in after.weights.items():
                assert not weights[state.weights[name] == 0].any()
                assert (weights != state.weights[name]).any()
            state = after
        after = trained(problem, state.fresh(), "entries", Search(**FAST))
        for name, codes in after.codes.items():
            assert np.array_equal(codes, state.codes[name])
            assert after.values[name][0] == 0
            assert np.array_equal(after.weights[name] == 0, codes == 0)


@pytest.mark.parametrize("kind", ["zeros", "codebooks and biases", "codebooks"])
def test_what_learns_is_the_state_and_not_the_model_as_it_came(kind: str) -> None:
    graph = folded([20, 16, 5])
    with deterministic(import_torch(), 1):
        problem = problem_of(graph, True, Search(**FAST))
        state = state_of(Share(bits=2).apply(Prune(0.5).apply(graph)))
        state = replace(state, biases={name: biases + np.float32(1.5) for name, biases in state.biases.items()})
        parameters = {
            "zeros": lambda: Prune().parameters(problem.torch, state, None, 3),
            "codebooks and biases": lambda: Share().entries(problem.torch, state),
            "codebooks": lambda: Share().entries(problem.torch, state, biases=False),
        }[kind]()
        after, loss = train(problem, state, parameters, Span(0.0, 1.0, rate=0.0))
        batches = [
            float(problem.loss(outputs(problem.torch, graph_of(graph, state), x), rows, target))
            for rows, x, target in problem.epoch(0)
        ]
    assert loss == pytest.approx(np.mean(batches), rel=1e-5)
    for name, biases in state.biases.items():
        assert np.array_equal(after.biases[name], biases)


@pytest.mark.parametrize("kind", ["Sqrt", "LpNormalization", "ReduceL2", "Pow"])
def test_a_corner_of_infinite_slope_leaves_numbers(kind: str, tmp_path: Path) -> None:
    """Behind a Relu many values are 0, where a root has no slope; the layer in front of it learns of the others."""
    weights = {"w": np.random.default_rng(0).standard_normal((6, 8)).astype(np.float32), "third": np.float32(0.3)}
    more = {"Pow": ["third"], "ReduceL2": ["axes"]}.get(kind, [])
    attrs = {"LpNormalization": {"axis": 1, "p": 2}, "ReduceL2": {"keepdims": 1}}.get(kind, {})
    weights |= {"axes": np.array([1], np.int64)} if kind == "ReduceL2" else {}
    nodes = [node("MatMul", ["x", "w"], "s"), node("Relu", ["s"], "r"), node(kind, ["r", *more], "y", **attrs)]
    graph = load(save(model(nodes, ["n", 6], None, weights, opset=18), tmp_path / "m.onnx"))
    with deterministic(import_torch(), 1):
        problem = problem_of(Fold().apply(graph), False, Search(**FAST))
        problem.data.x[::3] = 0
        state = state_of(problem.network)
        after, loss = train(problem, state, Prune().parameters(problem.torch, state, None, 3), Span(0.0, 1.0, rate=0.1))
    (name,) = state.weights
    assert np.isfinite(loss)
    assert np.isfinite(after.weights[name]).all()
    assert (after.weights[name] != state.weights[name]).any() == (kind != "Pow")
