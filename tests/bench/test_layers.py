"""The layers that benchmarks run: shapes, densities, and what is called ideal."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.common.layers import NINE, FullyConnected, named, problem
from benchmarks.common.options import lower_options

TINY = FullyConnected("tiny", 300, 200, 0.2, 0.5, 1000)


def test_the_nine_layers_are_the_papers():
    assert sum(layer.paper_cycles for layer in NINE) == 106_640
    assert [layer.name for layer in named([])] == [layer.name for layer in NINE]
    assert named(["vgg-6"]) == [NINE[3]]
    with pytest.raises(ValueError, match="no layer VGG-9; there are Alex-6"):
        named(["VGG-9"])


@pytest.mark.parametrize("case", ["random", "unbalanced"])
def test_a_problem_is_the_same_every_time_and_as_dense_as_asked(case):
    task, again = problem(TINY, case), problem(TINY, case)
    codes, x = task.graph.constants["codes"], task.x[0]
    assert np.array_equal(codes, again.graph.constants["codes"])
    assert np.array_equal(x, again.x[0])
    assert np.count_nonzero(codes) / codes.size == pytest.approx(0.2, rel=0.05)
    assert np.count_nonzero(x) == task.broadcasts == 150
    assert task.products == sum(int(np.count_nonzero(row[x != 0])) for row in codes)


def test_rows_of_the_unbalanced_case_differ():
    spread = {}
    for case in ("random", "unbalanced"):
        rows = np.count_nonzero(problem(TINY, case).graph.constants["codes"], axis=1)
        spread[case] = np.log(rows).std()
    assert spread["random"] < 0.2
    assert spread["unbalanced"] == pytest.approx(0.5, abs=0.12)


def test_ideal_is_the_larger_of_multipliers_and_broadcasts():
    task = replace(problem(TINY, "random"), products=6400, broadcasts=150)
    assert task.ideal(64) == 150
    assert task.ideal(16) == 400
    assert task.ideal(64, groups=2) == 100


def test_options_are_set_by_name():
    options = lower_options(["trim=false", "run_bits=4"], pes=2)
    assert (options.trim, options.run_bits, options.pes) == (False, 4, 2)
    with pytest.raises(ValueError, match="no option 'speed'"):
        lower_options(["speed=9"])
    with pytest.raises(ValueError, match="true or false"):
        lower_options(["trim=1"])
