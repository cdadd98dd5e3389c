"""Shapes: the smallest models of public bug reports of other tools."""

import numpy as np
from onnx import TensorProto

from reported.case import CONV, FC, MAP, ROW, W4, Reported, W, f, i, n, r

CASES: tuple[Reported, ...] = (
    Reported(
        "onnx/onnx#2708",
        "a negative axis of Flatten",
        [CONV, n("Flatten", "c", "f", axis=-3), n("MatMul", "f v", "y")],
        MAP,
        {**W, "v": r(24, 3)},
    ),
    Reported(
        "PINTO0309/onnx2tf#8",
        "Flatten of channels behind a map",
        [CONV, n("Flatten", "c", "f"), n("Gemm", "f v", "y")],
        {"x": ["n", 3, 2, 4]},
        {**W, "v": r(6, 3)},
    ),
    Reported(
        "sony/nnabla#961",
        "Shape, Gather, Unsqueeze, Concat for a Reshape",
        [
            CONV,
            n("Shape", "x", "s"),
            n("Gather", "s z", "d", axis=0),
            n("Unsqueeze", "d z1", "u"),
            n("Concat", "u m1", "k", axis=0),
            n("Reshape", "c k", "y"),
        ],
        MAP,
        {**W, "z": np.int64(0), "z1": i(0), "m1": i(-1)},
    ),
    Reported(
        "ONNC/onnc#166",
        "a Cast of a Reshape's shape",
        [n("Cast", "s", "t", to=TensorProto.INT64), n("Reshape", "x t", "r"), n("MatMul", "r w", "y")],
        {"x": ["n", 2, 2]},
        {**W4, "s": f(-1, 4)},
    ),
    Reported(
        "apache/tvm#19966",
        "axes of Squeeze as an attribute",
        [n("Squeeze", "x", "s", axes=[2]), n("Transpose", "s", "t", perm=[0, 2, 1]), n("Conv", "t w", "y")],
        {"x": ["n", 1, 1, 3]},
        {"w": r(2, 3, 1)},
        opset=11,
    ),
    Reported(
        "dlshriver/dnnv#93",
        "axes of Unsqueeze as an input",
        [FC, n("Unsqueeze", "m a", "y")],
        ROW,
        {**W4, "a": i(1, -1)},
        opset=13,
    ),
    Reported(
        "Xilinx/finn#892",
        "a Transpose in front of a Concat",
        [
            CONV,
            n("Transpose", "c", "t", perm=[0, 1, 3, 2]),
            n("Transpose", "c", "u", perm=[0, 1, 3, 2]),
            n("Concat", "t u", "y", axis=1),
        ],
        MAP,
        W,
    ),
    Reported(
        "fastmachinelearning/hls4ml#1269",
        "transposes around a global average",
        [
            CONV,
            n("Transpose", "c", "t", perm=[0, 2, 3, 1]),
            n("Transpose", "t", "u", perm=[0, 3, 1, 2]),
            n("GlobalAveragePool", "u", "g"),
            n("Flatten", "g", "y"),
        ],
        MAP,
        W,
    ),
)
