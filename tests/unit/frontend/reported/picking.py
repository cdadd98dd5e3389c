"""Picking of elements: the smallest models of public bug reports of other tools."""

import numpy as np

from reported.case import FC, MAP, ROW, W4, Reported, W, i, n, r

CASES: tuple[Reported, ...] = (
    Reported(
        "apache/tvm#19531",
        "negative indices of Gather",
        [n("Gather", "x k", "g", axis=1), n("MatMul", "g w", "y")],
        ROW,
        {"k": i(-1, -3, 0), "w": r(3, 2)},
    ),
    Reported(
        "PINTO0309/openvino2tensorflow#2",
        "Gather with several indices on an inner axis",
        [n("Conv", "x w", "c"), n("Gather", "c k", "y", axis=2)],
        MAP,
        {**W, "k": i(3, 0, 0, 2)},
    ),
    Reported(
        "NervanaSystems/ngraph#2387",
        "Gather by a single index takes the axis away",
        [n("Gather", "x k", "g", axis=-1), n("MatMul", "g w", "y")],
        {"x": ["n", 4, 3]},
        {**W4, "k": np.int64(-1)},
    ),
    Reported(
        "nod-ai/AMD-SHARK-ModelDev#824",
        "Slice backwards",
        [n("Slice", "x a b c d", "s"), n("MatMul", "s w", "y")],
        ROW,
        {"a": i(-1), "b": i(-5), "c": i(1), "d": i(-1), **W4},
    ),
    Reported(
        "apache/tvm#19532",
        "Slice that takes nothing",
        [n("Slice", "x a b c d", "s"), n("MatMul", "s w", "y")],
        ROW,
        {"a": i(0), "b": i(3), "c": i(1), "d": i(-1), **W4},
        refused="takes nothing of axis 1",
    ),
    Reported(
        "apache/tvm#20217",
        "negative indices of GatherElements",
        [FC, n("GatherElements", "m k", "y", axis=1)],
        {"x": [1, 4]},
        {**W4, "k": np.int64([[-1, 0]])},
    ),
    Reported(
        "onnx/tensorflow-onnx#1108",
        "Pad by negative widths",
        [n("Pad", "x p", "q"), n("Conv", "q w", "y")],
        MAP,
        {**W, "p": i(0, 0, -1, 1, 0, 0, 1, -1)},
    ),
)
