"""Automatic compression: goals are met exactly, zeros are zeros, and an interrupted search ends like any other."""

from pathlib import Path

import numpy as np
import pytest
from graphs import folded
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from emcc.automatic.options import Goal, Search
from emcc.automatic.problem import Problem, split
from emcc.automatic.search import Found, Searcher
from emcc.automatic.size import Encoder
from emcc.automatic.store import Store
from emcc.errors import EmccError
from emcc.ir.graph import Graph
from emcc.ir.spec import verify
from emcc.ops.interpret import run
from emcc.passes.calibrate import Calibrate
from emcc.passes.training import deterministic, import_torch
from emcc.runtime.data import Dataset

FAST = {"epochs": 3, "settle": 1, "code_epochs": 1, "shared_epochs": 2, "batch": 32, "every": 3}


@pytest.fixture(autouse=True)
def _torch():
    pytest.importorskip("torch")


def problem_of(graph: Graph, labels: bool, options: Search, samples: int = 300) -> Problem:
    x = np.random.default_rng(1).standard_normal((samples, *graph.tensors["x"].shape[1:])).astype(np.float32)
    y = run(graph, x).argmax(axis=1) if labels else None
    return Problem(import_torch(), graph, Dataset(x, y), options)


def search(
    graph: Graph, goal: Goal, labels: bool = True, work: Path | None = None, samples: int = 300, **changes
) -> tuple[Found, bytes]:
    options = Search(**{**FAST, **changes})
    with deterministic(import_torch(), 1):
        problem = problem_of(graph, labels, options, samples)
        encoder = Encoder(Calibrate(data=problem.data.x))
        found = Searcher(problem, goal, encoder, Store(work, "key")).run()
        return found, encoder(found.shared)


def kept(graph: Graph) -> int:
    return sum(int(np.count_nonzero(graph.constants[node.inputs[1]])) for node in graph.layers())


@settings(max_examples=10, deadline=None)
@given(sparsity=st.floats(0.0, 1.0), labels=st.booleans(), score=st.sampled_from(["auto", "magnitude", "scan", "lamp"]))
def test_target_sparsity_is_exact_and_code_zero_is_zero(sparsity: float, labels: bool, score: str) -> None:
    graph = folded([20, 16, 5])
    found, _ = search(graph, Goal(target_sparsity=sparsity), labels, score=score, entries=3)
    size = 20 * 16 + 16 * 5
    assert kept(found.shared) == kept(found.pruned) == size - int(np.floor(size * sparsity + 0.5))
    verify(found.shared, after="finetune")
    for name, book in found.shared.codebooks.items():
        assert book.values[0] == 0.0
        assert np.array_equal(book.codes == 0, found.shared.constants[name] == 0)
        # What pruning took is never given back.
        assert not found.shared.constants[name][found.pruned.constants[name] == 0].any()
        assert book.values.size <= 4


@settings(max_examples=8, deadline=None)
@given(share=st.floats(0.25, 1.5), seed=st.integers(0, 3))
def test_target_size_is_never_exceeded(share: float, seed: int) -> None:
    graph = folded([30, 24, 6], seed=seed)
    target = int(share * 700)
    _, encoded = search(graph, Goal(target_size=target), seed=seed)
    assert len(encoded) <= target


def test_a_size_below_the_empty_model_is_refused() -> None:
    with pytest.raises(EmccError, match="cannot be reached"):
        search(folded([20, 16, 5]), Goal(target_size=20))


@pytest.mark.parametrize("labels", [True, False])
def test_max_drop_holds_on_the_held_out_part(labels: bool) -> None:
    found, _ = search(folded([20, 16, 5]), Goal(max_drop=20.0), labels, epochs=18, samples=1500)
    record = found.record
    assert record["quality"] >= record["quality_before"] - 20.0
    assert kept(found.shared) < 400
    assert record["measure"] == ("accuracy" if labels else "agreement")


def test_one_output_without_classes_is_judged_by_explained_variance() -> None:
    found, _ = search(folded([12, 8, 1]), Goal(target_sparsity=0.3), labels=False)
    assert found.record["measure"] == "explained variance"
    assert found.record["quality"] > 50


@pytest.mark.parametrize("goal", [Goal(target_size=300), Goal(target_sparsity=0.8), Goal(max_drop=10.0)])
def test_interrupted_and_resumed_is_as_never_interrupted(goal: Goal, tmp_path: Path) -> None:
    graph = folded([20, 16, 5])
    whole, encoded = search(graph, goal)
    full, _ = search(graph, goal, work=tmp_path / "full")
    steps = sorted((tmp_path / "full").glob("0*"))
    assert len(steps) > 6
    for cut in (1, len(steps) // 2, len(steps) - 1):
        work = tmp_path / f"cut{cut}"
        work.mkdir()
        for path in [tmp_path / "full" / "search.json", *steps[:cut]]:
            (work / path.name).write_bytes(path.read_bytes())
        again, bytes_again = search(graph, goal, work=work)
        assert bytes_again == encoded
        assert again.record == whole.record == full.record
        for name, value in whole.shared.constants.items():
            assert np.array_equal(value, again.shared.constants[name])


def test_a_damaged_step_is_done_again(tmp_path: Path) -> None:
    graph, goal = folded([20, 16, 5]), Goal(target_sparsity=0.7)
    _, encoded = search(graph, goal, work=tmp_path)
    step = sorted(tmp_path.glob("0*.npz"))[1]
    step.write_bytes(step.read_bytes()[:-3])
    assert search(graph, goal, work=tmp_path)[1] == encoded


def test_another_search_does_not_take_up_the_work_of_the_first(tmp_path: Path) -> None:
    Store(tmp_path / "a", "one")
    with pytest.raises(EmccError, match="another model, data or options"):
        Store(tmp_path / "a", "two")
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "thesis.tex").write_text("x")
    with pytest.raises(EmccError, match="something else"):
        Store(tmp_path / "b", "one")


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
