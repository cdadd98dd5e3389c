"""Elementwise operators: the smallest models of public bug reports of other tools."""

import numpy as np

from reported.case import CONV, FC, MAP, ROW, W4, Reported, W, f, i, n, r

CASES: tuple[Reported, ...] = (
    Reported(
        "apache/tvm#7202",
        "PRelu with one slope",
        [FC, n("PRelu", "m s", "y")],
        ROW,
        {**W4, "s": r(1)},
    ),
    Reported(
        "apache/tvm#18598",
        "PRelu with a slope a channel, a result that is wrong",
        [n("PRelu", "x s", "y")],
        {"x": [1, 4, 4, 4]},
        {"s": r(4, 1, 1)},
    ),
    Reported(
        "apache/tvm#18596",
        "PRelu with a slope an element of the last axis",
        [CONV, n("PRelu", "c s", "y")],
        MAP,
        {**W, "s": r(3)},
    ),
    Reported(
        "apache/tvm#18606",
        "PRelu of a vector without a batch axis",
        [n("PRelu", "x s", "p"), n("MatMul", "p w", "y")],
        {"x": [4]},
        {**W4, "s": r(1)},
    ),
    Reported(
        "apache/tvm#20117",
        "Min of two constants",
        [n("Min", "a b", "c"), n("Mul", "x c", "d"), n("MatMul", "d w", "y")],
        ROW,
        {**W4, "a": f(1, 2, 3, 4), "b": f(4, 3, 2, 1)},
    ),
    Reported(
        "apache/tvm#18592",
        "Min that broadcasts",
        [FC, n("ReduceSum", "m a", "s"), n("Min", "m s", "y")],
        ROW,
        {**W4, "a": i(1)},
    ),
    Reported(
        "apache/tvm#12305",
        "Sum of one tensor several times",
        [FC, n("Sum", "m m m m m", "y")],
        ROW,
        W4,
    ),
    Reported(
        "onnx/onnx#7038",
        "Clip with a bound that has an axis",
        [FC, n("Clip", "m _ h", "y")],
        ROW,
        {**W4, "h": np.array([0.5], np.float32)},
    ),
    Reported(
        "sonos/tract#2646",
        "an RMS normalisation is none by the mean",
        [
            FC,
            n("Mul", "m m", "q"),
            n("ReduceMean", "q", "v", axes=[-1]),
            n("Add", "v e", "w1"),
            n("Sqrt", "w1", "d"),
            n("Div", "m d", "y"),
        ],
        ROW,
        {**W4, "e": f(1e-5)},
        opset=13,
    ),
    Reported(
        "pytorch/pytorch#84563",
        "a LayerNorm that is spelt out",
        [
            FC,
            n("ReduceMean", "m", "u", axes=[-1]),
            n("Sub", "m u", "d"),
            n("Pow", "d two", "s"),
            n("ReduceMean", "s", "v", axes=[-1]),
            n("Add", "v e", "ve"),
            n("Sqrt", "ve", "sd"),
            n("Div", "d sd", "y"),
        ],
        ROW,
        {**W4, "two": f(2), "e": f(1e-5)},
        opset=13,
    ),
)
