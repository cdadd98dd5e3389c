"""--target-size uses what it is given: weights to fit, then finer codebooks, then fewer weights."""

import numpy as np
import pytest
from graphs import folded
from hypothesis import given, settings
from hypothesis import strategies as st
from searching import FAST, problem_of, search, searcher

from emcc.compress.search.entries import richer
from emcc.compress.search.goal import Goal, Search
from emcc.compress.search.store import Store
from emcc.compress.state import state_of
from emcc.compress.trainer import deterministic, import_torch
from emcc.driver.encoder import Encoder
from emcc.passes.calibrate import Calibrate

REGULAR = {"dropout": 0.2, "input_dropout": 0.1, "weight_decay": 0.1, "distil": 0.0}


@pytest.fixture(autouse=True)
def _torch():
    pytest.importorskip("torch")


@pytest.mark.parametrize(("size", "changes"), [(900, REGULAR), (1500, {})], ids=["regularised", "plain"])
def test_a_size_is_used(size: int, changes: dict[str, float]) -> None:
    _, encoded = search(
        folded([64, 48, 10]), Goal(target_size=size), samples=600, **{"epochs": 6, "code_epochs": 3, **changes}
    )
    assert 0.93 * size <= len(encoded) <= size


ROWS = st.lists(st.tuples(st.integers(1, 40), st.floats(0, 1e5), st.floats(-1, 1)), min_size=1, max_size=6)


@settings(max_examples=100)
@given(result=st.dictionaries(st.sampled_from("abc"), ROWS, min_size=1), data=st.data())
def test_richer_is_one_step_of_one_layer(
    result: dict[str, list[tuple[int, float, float]]], data: st.DataObject
) -> None:
    entries = {name: data.draw(st.sampled_from([item for item, _, _ in rows])) for name, rows in result.items()}
    changed = richer(result, entries)
    more = {name: sorted(item for item, _, _ in rows if item > entries[name]) for name, rows in result.items()}
    assert len(changed) == sum(bool(item) for item in more.values())
    for item in changed:
        (name,) = (name for name in entries if item[name] != entries[name])
        assert item[name] == more[name][0]


def test_richer_begins_where_a_bit_lowers_the_loss_most() -> None:
    result = {"a": [(2, 10.0, 1.0), (3, 20.0, 0.9)], "b": [(2, 10.0, 1.0), (3, 15.0, 0.9)], "c": [(2, 1.0, 0.0)]}
    assert richer(result, {"a": 2, "b": 2, "c": 2}) == [{"a": 2, "b": 3, "c": 2}, {"a": 3, "b": 2, "c": 2}]
    assert richer(result, {"a": 3, "b": 3, "c": 2}) == []


@settings(max_examples=8)
@given(seed=st.integers(0, 99), share=st.floats(0.3, 1.2))
def test_what_does_not_fit_goes_and_nothing_else_changes(seed: int, share: float) -> None:
    with deterministic(import_torch(), 1):
        problem = problem_of(folded([30, 24, 6], seed=seed), True, Search(**FAST))
        encoder = Encoder(Calibrate(data=problem.data.x))
        stages = searcher(problem, Goal(target_size=1), Search(**FAST), encoder, Store(None, ""))
        state = stages.quick(state_of(problem.original), {"fc0.weight": 4, "fc1.weight": 5})
        floor, whole = stages.bytes(stages.quick(stages.exactly(state, 0))), stages.bytes(state)
        target = floor + round(share * (whole - floor))
        fitted = stages.fitted(state, target, floor)
        assert stages.bytes(fitted) <= 1.02 * target
        assert fitted.kept() == state.kept() if whole <= 0.995 * target else fitted.kept() < state.kept()
        for name, result in fitted.codes.items():
            assert np.array_equal(result[result != 0], state.codes[name][result != 0])
            assert np.array_equal(result == 0, fitted.weights[name] == 0)
