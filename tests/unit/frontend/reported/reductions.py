"""Reductions and Softmax: the smallest models of public bug reports of other tools."""

from reported.case import CONV, FC, MAP, W4, Reported, W, i, n

CASES: tuple[Reported, ...] = (
    Reported(
        "apache/tvm#7270",
        "a reduction behind a Flatten at axis 0",
        [n("Flatten", "x", "z", axis=0), n("Abs", "z", "a"), n("ReduceSum", "a k", "y", keepdims=1)],
        {"x": [1, 3, 2]},
        {"k": i(0)},
    ),
    Reported(
        "apache/tvm#14435",
        "ReduceSum with several axes as an input",
        [CONV, n("ReduceSum", "c a", "y", keepdims=0)],
        MAP,
        {**W, "a": i(1, -1)},
    ),
    Reported(
        "apache/tvm#18895",
        "ReduceMean behind a Concat and a Split",
        [
            n("Concat", "x x", "k", axis=2),
            n("Conv", "k w", "c"),
            n("Split", "c s", "a b", axis=2),
            n("Tan", "a", "t"),
            n("ReduceMean", "t", "y", axes=[2]),
        ],
        MAP,
        {**W, "s": i(4, 5)},
        opset=13,
    ),
    Reported(
        "microsoft/onnxruntime#1088",
        "a sum of a whole sample",
        [FC, n("ReduceSum", "m", "y", keepdims=0)],
        {"x": [1, 4]},
        W4,
    ),
    Reported(
        "apache/tvm#19420",
        "Softmax before opset 13 takes all axes behind as one",
        [CONV, n("Softmax", "c", "y")],
        MAP,
        W,
        opset=11,
    ),
    Reported(
        "onnx/onnx-mlir#832",
        "the default axis of Softmax before opset 13",
        [CONV, n("Softmax", "c", "y")],
        {"x": [1, 3, 3, 4]},
        W,
        opset=12,
    ),
    Reported(
        "microsoft/onnxruntime#17833",
        "Softmax over the channels of a map",
        [CONV, n("Softmax", "c", "y", axis=1)],
        MAP,
        W,
    ),
)
