"""Activity: how often each input of each layer is not zero, on real inputs through the integer graph."""

import numpy as np
from qgraphs import IN_FRAC, inputs, quantised

from emcc.eie.activity import activity
from emcc.ops import interpret


def test_activity_is_the_share_of_non_zero_inputs() -> None:
    graph = quantised([12, 9, 4], seed=2)
    x = inputs(50, 12, density=0.3)
    got = activity(graph, x / 2.0**IN_FRAC)
    np.testing.assert_array_equal(got["x"], (x != 0).mean(axis=0))
    hidden = interpret.trace(graph, x)[graph.nodes[1].inputs[0]]
    np.testing.assert_array_equal(got["y0"], (hidden != 0).mean(axis=0))
    assert len(got) == 2
