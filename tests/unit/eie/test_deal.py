"""Dealing rows to lanes and groups."""

import numpy as np
import pytest

from emcc.eie.deal import deal


@pytest.mark.parametrize("groups", [1, 2, 4, 8])
def test_what_costs_nothing_as_columns_fills_one_group_after_another(groups: int) -> None:
    """A lane's rows, in their order: those that nothing reads, and those whose readers have nothing of them."""
    rng = np.random.default_rng(groups)
    for lanes, rows in ((1, 5), (3, 17), (4, 64), (5, 203)):
        work = rng.integers(0, 9, (rows, groups)).astype(np.float64)
        unread, order = deal(work, np.zeros((rows, 0)), lanes), np.arange(rows)
        assert (deal(work, np.zeros((rows, 2)), lanes) == unread).all()
        assert (np.sort(unread) == order).all()
        lane = order % lanes
        group = (order // lanes + lane) % groups
        for i in range(lanes):
            taken = [unread[(lane == i) & (group == g)] for g in range(groups)]
            assert (np.diff(np.concatenate(taken)) > 0).all()
