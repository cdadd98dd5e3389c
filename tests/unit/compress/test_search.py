"""Automatic compression: goals are met exactly, zeros are zeros, and an interrupted search ends like any other."""

from pathlib import Path

import numpy as np
import pytest
from graphs import folded
from hypothesis import given, settings
from hypothesis import strategies as st
from searching import kept, search

from emcc.base.errors import EmccError
from emcc.compress.search.goal import Goal
from emcc.compress.search.store import Store
from emcc.legal.verify import verify
from emcc.samples.yardstick import Yardstick


@pytest.fixture(autouse=True)
def _torch():
    pytest.importorskip("torch")


@settings(max_examples=6)
@given(sparsity=st.floats(0.0, 1.0), labels=st.booleans(), score=st.sampled_from(["auto", "magnitude", "scan", "lamp"]))
def test_target_sparsity_is_exact_and_code_zero_is_zero(sparsity: float, labels: bool, score: str) -> None:
    graph = folded([20, 16, 5])
    result, _ = search(graph, Goal(target_sparsity=sparsity), labels, score=score, entries=3)
    size = 20 * 16 + 16 * 5
    assert kept(result.shared) == kept(result.pruned) == size - int(np.floor(size * sparsity + 0.5))
    verify(result.shared, after="finetune")
    for name, book in result.shared.codebooks.items():
        assert book.values[0] == 0.0
        assert np.array_equal(book.codes == 0, result.shared.constants[name] == 0)
        # What pruning took is never given back.
        assert not result.shared.constants[name][result.pruned.constants[name] == 0].any()
        assert book.values.size <= 4


def test_richer_codebooks_are_taken_where_cheap_ones_lose(monkeypatch: pytest.MonkeyPatch) -> None:
    graph, goal = folded([20, 16, 5]), Goal(target_sparsity=0.5)
    sizes, quality, rows = {}, {}, {}
    for prices in ((1e6,), (1e6, 0.0)):
        monkeypatch.setattr("emcc.compress.search.search.PRICES", prices)
        result, _ = search(graph, goal)
        sizes[len(prices)] = [book.values.size for book in result.shared.codebooks.values()]
        quality[len(prices)], rows[len(prices)] = result.record["quality"], len(result.record["steps"])
    assert max(sizes[1]) == 3
    assert min(sizes[2]) > 3
    assert quality[2] > quality[1] + 0.5
    assert rows[1] == rows[2]


@settings(max_examples=3)
@given(share=st.floats(0.4, 1.5), seed=st.integers(0, 3))
def test_target_size_is_never_exceeded(share: float, seed: int) -> None:
    graph = folded([20, 16, 5], seed=seed)
    target = int(share * 500)
    _, encoded = search(graph, Goal(target_size=target), seed=seed)
    assert len(encoded) <= target


def test_a_size_below_the_empty_model_is_refused() -> None:
    with pytest.raises(EmccError, match="cannot be reached"):
        search(folded([20, 16, 5]), Goal(target_size=20))


@pytest.mark.parametrize("labels", [True, False])
def test_max_drop_holds_on_the_held_out_part(labels: bool) -> None:
    result, _ = search(folded([20, 16, 5]), Goal(max_drop=30.0), labels, samples=1500)
    record = result.record
    assert record["quality"] >= record["quality_before"] - 30.0
    assert record["lost"] <= record["lost_at_most"] <= 30.0
    assert kept(result.shared) < 400
    assert record["measure"] == ("accuracy" if labels else "explained variance")


def test_one_output_without_classes_is_judged_by_explained_variance() -> None:
    result, _ = search(folded([12, 8, 1]), Goal(target_sparsity=0.3), labels=False)
    assert result.record["measure"] == "explained variance"
    assert result.record["quality"] > 50


@pytest.mark.parametrize("goal", [Goal(target_size=300), Goal(target_sparsity=0.8), Goal(max_drop=10.0)])
def test_interrupted_and_resumed_is_as_never_interrupted(goal: Goal, tmp_path: Path) -> None:
    graph = folded([20, 16, 5])
    full, encoded = search(graph, goal, work=tmp_path / "full")
    steps = sorted((tmp_path / "full").glob("0*"))
    assert len(steps) > 6
    for cut in (len(steps) // 3, len(steps) - 1):
        work = tmp_path / f"cut{cut}"
        work.mkdir()
        for path in [tmp_path / "full" / "search.json", *steps[:cut]]:
            (work / path.name).write_bytes(path.read_bytes())
        again, bytes_again = search(graph, goal, work=work)
        assert bytes_again == encoded
        assert again.record == full.record
        for name, value in full.shared.constants.items():
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


def test_a_drop_that_cannot_be_kept_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Yardstick, "lost_at_most", lambda self, outputs: 100.0)
    monkeypatch.setattr(Yardstick, "lost", lambda self, outputs: 100.0)
    with pytest.raises(EmccError, match="nothing can be taken"):
        search(folded([20, 16, 5]), Goal(max_drop=1.0))
