"""Load-balance-aware pruning: every PE is left with the same number of weights."""

import numpy as np
import pytest
from graphs import folded

from emcc.compress.magnitude import Prune


@pytest.mark.parametrize("pes", [1, 3, 8, 64])
def test_every_pe_keeps_as_much(pes: int) -> None:
    graph = folded([40, 48, 10], seed=3)
    pruned = Prune(sparsity=0.8, balance_pes=pes).apply(graph)
    plain = Prune(sparsity=0.8).apply(graph)
    for name in ("fc0.weight", "fc1.weight"):
        weights = pruned.constants[name]
        assert np.count_nonzero(weights) == np.count_nonzero(plain.constants[name])
        groups = min(pes, len(weights))
        kept = [np.count_nonzero(weights[group::groups]) / weights[group::groups].size for group in range(groups)]
        assert max(kept) - min(kept) <= 1 / weights[groups - 1 :: groups].size
        for group in range(groups):
            mine, all_of_it = weights[group::groups], np.abs(graph.constants[name][group::groups])
            assert all_of_it[mine == 0].max(initial=0) <= all_of_it[mine != 0].min(initial=np.inf)


def test_one_group_is_plain_pruning() -> None:
    graph = folded([40, 48, 10], seed=4)
    one, none = (Prune(sparsity=0.7, balance_pes=pes).apply(graph) for pes in (1, 0))
    for name, weights in none.constants.items():
        np.testing.assert_array_equal(one.constants[name], weights)
