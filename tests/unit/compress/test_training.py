"""What trains and what decides; zeros and codes stay through every way of training."""

import numpy as np
import pytest
from graphs import folded
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from searching import FAST, problem_of

from emcc.compress.codes import assign
from emcc.compress.magnitude import Prune
from emcc.compress.problem import Problem, split
from emcc.compress.search.options import Goal, Search
from emcc.compress.search.search import Searcher
from emcc.compress.search.store import Store
from emcc.compress.state import state_of
from emcc.compress.trainer import Epoch
from emcc.compress.training import deterministic, import_torch
from emcc.driver.encoder import Encoder
from emcc.passes.calibrate import Calibrate
from emcc.samples.dataset import Dataset


@pytest.fixture(autouse=True)
def _torch():
    pytest.importorskip("torch")


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(samples=st.integers(2, 5000), holdout=st.floats(0.001, 0.9), seed=st.integers(0, 2**32 - 1))
def test_what_decides_never_trains(samples: int, holdout: float, seed: int) -> None:
    train, held = split(samples, holdout, seed)
    assert len(train) >= 1
    assert len(held) >= 1
    assert sorted([*train.tolist(), *held.tolist()]) == list(range(samples))


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


def test_data_is_read_by_index() -> None:
    graph = folded([20, 16, 5])
    x = Lazy(np.random.default_rng(0).standard_normal((5000, 20)).astype(np.float32))
    with deterministic(import_torch(), 1):
        problem = Problem(import_torch(), graph, Dataset(x), Search(**FAST))  # type: ignore[arg-type]
        encoder = Encoder(Calibrate(data=x))  # type: ignore[arg-type]
        Searcher(problem, Goal(target_size=400), encoder, Store(None, "")).run()
    assert 0 < x.most <= 1024


@settings(max_examples=6, deadline=None)
@given(seed=st.integers(0, 20), sparsity=st.floats(0.2, 0.95))
def test_what_is_pruned_stays_pruned_once_the_pattern_is_fixed(seed: int, sparsity: float) -> None:
    graph = folded([20, 16, 5], seed=seed)
    with deterministic(import_torch(), 1):
        problem = problem_of(graph, True, Search(**FAST))
        state = state_of(Prune(sparsity).apply(graph))
        for way, argument in (("prune", None), ("codes", lambda weights: assign(weights, dict.fromkeys(weights, 3)))):
            after = getattr(Epoch(problem, state.fresh(), 0.0, 1.0, 1e-2, 0.5), way)(argument)
            for name, weights in after.weights.items():
                assert not weights[state.weights[name] == 0].any()
                assert (weights != state.weights[name]).any()
            state = after
        books = Epoch(problem, state.fresh(), 0.0, 1.0, 1e-2, 0.5).books()
        for name, found in books.codes.items():
            assert np.array_equal(found, state.codes[name])
            assert books.values[name][0] == 0
            assert np.array_equal(books.weights[name] == 0, found == 0)
