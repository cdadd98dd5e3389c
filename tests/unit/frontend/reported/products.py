"""Matrix products: the smallest models of public bug reports of other tools."""

from reported.case import MAP, ROW, W4, Reported, W, f, i, n, r

CASES: tuple[Reported, ...] = (
    Reported(
        "kraiskil/onnx2c#12",
        "the bias of a Gemm of one row",
        [n("Gemm", "x w b", "y", transB=1)],
        {"x": [1, 4]},
        {"w": r(3, 4), "b": r(3)},
    ),
    Reported(
        "fastmachinelearning/hls4ml#269",
        "sizes of a Gemm in the middle, weights among the inputs",
        [n("Gemm", "x w b", "g"), n("Relu", "g", "q"), n("Gemm", "q w b", "y", alpha=0.5, beta=2.0)],
        {"x": [1, 4]},
        {"w": r(4, 4), "b": r(4)},
        listed=True,
        opset=8,
    ),
    Reported(
        "fastmachinelearning/hls4ml#686",
        "Conv of one axis between transposes, and a Reshape",
        [
            n("Transpose", "x", "t", perm=[0, 2, 1]),
            n("Conv", "t w", "c"),
            n("Relu", "c", "q"),
            n("Transpose", "q", "u", perm=[0, 2, 1]),
            n("Reshape", "u s", "z"),
            n("MatMul", "z v", "m"),
            n("Softmax", "m", "y"),
        ],
        {"x": ["n", 6, 4]},
        {"w": r(2, 4, 1), "s": i(-1, 12), "v": r(12, 3)},
    ),
    Reported(
        "onnx/onnx#2198",
        "constants that are no inputs of the graph",
        [n("Add", "x b", "a"), n("MatMul", "a w", "y")],
        ROW,
        {**W4, "b": f(42.0)},
    ),
    Reported(
        "microsoft/onnxruntime#4033",
        "constants that are inputs of the graph",
        [n("Conv", "x w", "y")],
        MAP,
        W,
        listed=True,
        opset=8,
    ),
)
