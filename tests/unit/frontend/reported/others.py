"""Others: the smallest models of public bug reports of other tools."""

import numpy as np

from reported.case import FC, MAP, ROW, W4, Reported, W, n, r

CASES: tuple[Reported, ...] = (
    Reported(
        "onnx/tensorflow-onnx#201",
        "pads of a Conv in the wrong order",
        [n("Conv", "x w", "y", pads=[0, 1, 1, 0])],
        MAP,
        W,
    ),
    Reported(
        "apache/tvm#18135",
        "CumSum backwards",
        [FC, n("CumSum", "m a", "y", reverse=1)],
        ROW,
        {**W4, "a": np.int64(1)},
    ),
    Reported(
        "PINTO0309/onnx2tf#42",
        "states of an LSTM as inputs",
        [n("LSTM", "x w r _ _ h c", "a y b", hidden_size=2)],
        {"x": [3, 1, 4], "h": [1, 1, 2], "c": [1, 1, 2]},
        {"w": r(1, 8, 4), "r": r(1, 8, 2)},
        refused="initial state (input 5) is computed",
    ),
    Reported(
        "onera/acetone#85",
        "constants that nothing uses",
        [n("Identity", "b", "k"), n("Gemm", "x w k", "y")],
        ROW,
        {**W4, "b": r(3), "unused": r(100)},
    ),
)
