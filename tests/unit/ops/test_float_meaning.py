"""The operators' float meaning: the same in NumPy and torch, and stable at the ends."""

import numpy as np
import pytest

from emcc import ops
from emcc.ir.graph import Node
from emcc.ops.registry import OPERATORS, REDUCTIONS

X = np.random.default_rng(0).standard_normal((4, 1, 6))
ROW = np.random.default_rng(1).standard_normal((1, 1, 6))
SIX = np.abs(np.random.default_rng(2).standard_normal(6)) + 0.1
W = np.random.default_rng(3).standard_normal((6, 6))
IMAGE = np.random.default_rng(4).standard_normal((4, 6, 7, 5))
KERNEL = np.random.default_rng(5).standard_normal((4, 3, 3, 2))
WINDOW = {"strides": (2, 1), "dilations": (1, 2), "pads": (1, 0, 0, 1)}
POOL = {**WINDOW, "kernel_shape": (3, 2)}
WAYS = {"direction": "bidirectional", "hidden": 2}
STEPS, GATES = (np.random.default_rng(6).standard_normal(shape) for shape in ((4, 5, 6), (16, 8)))
SIDES, STATE = (np.random.default_rng(7).standard_normal(shape) for shape in (16, (2, 2)))
CASES = [
    ("Add", {}, [X, ROW]),
    ("Add", {}, [X, X]),
    ("ArgMax", {"axis": 2, "keepdims": 1, "select_last_index": 0}, [X]),
    ("ArgMax", {"axis": 2, "keepdims": 0, "select_last_index": 1}, [X.round()]),
    ("AveragePool", {**POOL, "ceil_mode": 0, "count_include_pad": 0}, [IMAGE]),
    ("AveragePool", {**POOL, "ceil_mode": 1, "count_include_pad": 1}, [IMAGE]),
    ("BatchNormalization", {"epsilon": 1e-5}, [X[:, 0], SIX, SIX, SIX, SIX]),
    ("Cast", {}, [X]),
    ("Clip", {"low": -0.5, "high": 0.75}, [X]),
    ("Concat", {"axis": 2}, [X, X[:, :, :2], X]),
    ("Conv", {**WINDOW, "group": 2}, [IMAGE, KERNEL, SIX[:4]]),
    ("Conv", {**WINDOW, "pads": (1, 2, 1, 2), "group": 2}, [IMAGE, KERNEL]),
    ("Div", {}, [X, ROW]),
    ("Dropout", {}, [X]),
    ("Embedding", {}, [X.round().clip(-2, 2), SIX[:, None] * W[0]]),
    ("Flatten", {"axis": 1}, [X]),
    ("GRU", {**WAYS, "linear_before_reset": 0}, [STEPS, GATES[:12], SIDES]),
    ("GRU", {**WAYS, "linear_before_reset": 1}, [STEPS, GATES[:12], SIDES, STATE]),
    ("LSTM", {**WAYS, "cell": 1}, [STEPS, GATES, SIDES, STATE, STATE]),
    ("Gemm", {"alpha": 0.5, "beta": 2.0, "transA": 0, "transB": 1}, [X[:, 0], W, SIX]),
    ("GlobalAveragePool", {}, [IMAGE]),
    ("Identity", {}, [X]),
    ("LeakyRelu", {"alpha": 0.1}, [X]),
    ("Linear", {}, [X, W, SIX]),
    ("LogSoftmax", {"axis": 2}, [X]),
    ("MatMul", {}, [X, W]),
    ("MatMul", {}, [W, X.reshape(4, 6, 1)]),
    ("MaxPool", {**POOL, "ceil_mode": 0}, [IMAGE]),
    ("MaxPool", {**POOL, "ceil_mode": 1}, [IMAGE - 9]),
    ("Mul", {}, [X, ROW]),
    ("Normalizer", {"norm": "L1"}, [X[:, 0]]),
    ("Normalizer", {"norm": "L2"}, [X[:, 0] * [[1], [0], [1e30], [1e-30]]]),
    ("Normalizer", {"norm": "MAX"}, [X[:, 0] * [[1], [0], [-1], [1]]]),
    ("Relu", {}, [X]),
    ("Reshape", {"shape": (2, 3)}, [X]),
    ("Shift", {}, [X, ROW[0]]),
    ("Sigmoid", {}, [X]),
    ("Softmax", {"axis": 2}, [X]),
    ("Squeeze", {"axes": (1,)}, [X]),
    ("Sub", {}, [ROW, X]),
    ("Tanh", {}, [X]),
    ("Transpose", {"perm": (0, 2, 1)}, [X]),
    ("Unsqueeze", {"axes": (1, 4)}, [X]),
]
POSITIVE = np.abs(X) + 0.1
BEYOND = {"Acosh": POSITIVE + 1, "Log": POSITIVE, "Sqrt": POSITIVE}
INSIDE = {op: np.tanh(X) for op in ("Acos", "Asin", "Atanh")}
NUMBERS = {"alpha": 0.3, "beta": 0.4, "gamma": 1.1, "approximate": "tanh", "low": -0.5, "high": 0.75, "step": 0.75}
STAIRS = {"low": -2, "high": 5, "scale": 0.5, "step": 0.25, "zero_point": 1}
GRID = {"axis": 2, "low": -128, "high": 127, "scale": (0.5,), "zero_point": (3,)}
CHANNELS = {**GRID, "scale": (0.5, 0.25, 1.0, 2.0, 0.125, 0.75), "zero_point": (0, 1, 2, 3, -4, -5)}
CASES += [
    *((op, grid, [4 * X]) for op in ops.having("grid") for grid in (GRID, CHANNELS)),
    *(("Stairs", {**STAIRS, "rounding": mode}, [X]) for mode in ("CEIL", "FLOOR", "ROUND", "ROUND_TO_ZERO")),
]
CASES += [
    *(
        (op, {name: NUMBERS[name] for name in ops.get(op).attrs}, [{**BEYOND, **INSIDE}.get(op, X)])
        for op in ops.having("elementwise")
        if not ops.traits(op) & {"affine", "joins", "no-op"} and op not in {case[0] for case in CASES}
    ),
    *((op, {"axes": (2, 3), "keepdims": keep}, [np.abs(IMAGE[None])[0] + 0.5]) for op in REDUCTIONS for keep in (1,)),
    ("BatchMatMul", {}, [IMAGE, IMAGE.transpose(0, 1, 3, 2)]),
    ("BatchMatMul", {}, [X, np.stack([W, W + 1])[:1]]),
    ("DepthToSpace", {"blocksize": 2, "mode": "DCR"}, [np.concatenate([IMAGE, IMAGE[:, :2]], 1)]),
    ("DepthToSpace", {"blocksize": 2, "mode": "CRD"}, [np.concatenate([IMAGE, IMAGE[:, :2]], 1)]),
    ("Gather", {"axis": 2, "indices": (5, 0, 0)}, [IMAGE]),
    ("Gelu", {"approximate": "none"}, [X]),
    ("GroupNormalization", {"epsilon": 1e-5, "num_groups": 2}, [IMAGE, SIX, SIX]),
    ("InstanceNormalization", {"epsilon": 1e-5}, [IMAGE, SIX, SIX]),
    ("LRN", {"alpha": 0.5, "beta": 0.75, "bias": 1.5, "size": 4}, [IMAGE]),
    ("LayerNormalization", {"axis": 2, "epsilon": 1e-5}, [X, SIX, SIX]),
    ("LpNormalization", {"axis": 2, "p": 1}, [X]),
    ("LpNormalization", {"axis": 2, "p": 2}, [X * (X > 0)]),
    ("Max", {}, [X, ROW, X + 0.5]),
    ("Min", {}, [X, ROW]),
    ("Pad", {"before": (0, 1, 2), "after": (1, 0, 3), "mode": "constant"}, [IMAGE]),
    ("Pad", {"before": (0, 1, 2), "after": (1, 0, 3), "mode": "edge"}, [IMAGE]),
    ("Pad", {"before": (0, 1, 2), "after": (1, 0, 3), "mode": "reflect"}, [IMAGE]),
    ("Pad", {"before": (0, 1, 2), "after": (1, 0, 3), "mode": "wrap"}, [IMAGE]),
    ("Pow", {}, [POSITIVE, ROW]),
    ("RMSNormalization", {"axis": 2, "epsilon": 1e-5}, [X, SIX]),
    ("Resize", {"factors": (1, 2, 3)}, [IMAGE]),
    ("Slice", {"begins": (0, 6, 1), "counts": (6, 3, 2), "steps": (1, -2, 3)}, [IMAGE]),
    ("SpaceToDepth", {"blocksize": 2, "mode": "DCR"}, [IMAGE[:, :, :6, :4]]),
    ("SpaceToDepth", {"blocksize": 2, "mode": "CRD"}, [IMAGE[:, :, :6, :4]]),
    ("Tile", {"repeats": (1, 2, 3)}, [IMAGE]),
    ("Where", {}, [1.0 * (X > 0), ROW, X]),
    ("TopK", {"axis": 1, "indices": 0, "k": 3, "largest": 1}, [IMAGE]),
    ("TopK", {"axis": 3, "indices": 1, "k": 2, "largest": 0}, [IMAGE.round()]),
]
FIT = {"strides": (1, 1), "dilations": (1, 1), "pads": (0, 0, 0, 0)}
FIT_POOL = {**FIT, "kernel_shape": (2, 2), "ceil_mode": 0}


def test_every_operator_is_here_or_is_quantised() -> None:
    assert {op for op, _, _ in CASES} | set(ops.having("quantised")) == set(OPERATORS)


@pytest.mark.parametrize(("op", "attrs", "values"), CASES)
def test_shape_rule_and_both_namespaces_agree(op: str, attrs: dict[str, object], values: list[np.ndarray]) -> None:
    torch = pytest.importorskip("torch")
    node = Node("n", op, tuple("abcde"[: len(values)]), ("y",), attrs)
    module = ops.get(op)
    result = module.evaluate(np, node, *values)
    two = op == "BatchMatMul" and len(values[1].shape) == 4
    data = len(values) if op in ("Concat", "MatMul") or two or values[-1] is X else 1
    data = 3 if op == "Max" else data
    batched = [
        (None, *v.shape[1:]) if len(v) == 4 and v is not ROW and i < data else v.shape for i, v in enumerate(values)
    ]
    assert module.shape(node, *batched) == (None, *result.shape[1:])
    assert len(result) == 4
    with_torch = module.evaluate(torch, node, *(torch.as_tensor(value) for value in values)).numpy()
    if result.dtype.kind == "i":
        np.testing.assert_array_equal(result, with_torch)
    np.testing.assert_allclose(result, with_torch, rtol=1e-12, atol=1e-12)


def test_argmax_of_equal_values() -> None:
    x = np.array([[1.0, 3.0, 3.0, 2.0]])
    attrs = {"axis": 1, "keepdims": 0, "select_last_index": 0}
    module = ops.get("ArgMax")
    assert module.evaluate(np, Node("n", "ArgMax", ("x",), ("y",), attrs), x).tolist() == [1]
    attrs["select_last_index"] = 1
    assert module.evaluate(np, Node("n", "ArgMax", ("x",), ("y",), attrs), x).tolist() == [2]


@pytest.mark.filterwarnings("error")
def test_no_overflow_at_the_ends() -> None:
    x = np.array([[-1e4, -50.0, 0.0, 50.0, 1e4]])
    sigmoid = ops.get("Sigmoid").evaluate(np, Node("n", "Sigmoid", ("x",), ("y",)), x)
    np.testing.assert_allclose(sigmoid, [[0, 1.9287498479639178e-22, 0.5, 1, 1]], rtol=1e-12)
    for op in ("Softmax", "LogSoftmax"):
        result = ops.get(op).evaluate(np, Node("n", op, ("x",), ("y",), {"axis": 1}), x)
        assert np.isfinite(result).all()


@pytest.mark.parametrize(
    ("op", "attrs", "shapes"),
    [
        ("Add", {}, [(None, 3), (4,)]),
        ("Add", {}, [(None, 3), (1, 1, 3)]),
        ("Mul", {}, [(None, 3), (2, 3)]),
        ("Relu", {}, [(3, 3)]),
        ("Softmax", {"axis": 0}, [(None, 3)]),
        ("ArgMax", {"axis": 2, "keepdims": 0}, [(None, 3)]),
        ("BatchNormalization", {}, [(None, 3), (3,), (3,), (3,), (4,)]),
        ("Gemm", {"transB": 0}, [(None, 3), (4, 3)]),
        ("Gemm", {"transB": 1}, [(None, 3), (4, 3), (5,)]),
        ("Gemm", {"transB": 1}, [(None, 1, 3), (4, 3)]),
        ("MatMul", {}, [(None, 2, 3), (3, 4)]),
        ("MatMul", {}, [(4, 3), (None, 3)]),
        ("Linear", {}, [(None, 2, 3), (4, 5), (4,)]),
        ("Linear", {}, [(None, 2, 3), (4, 6), (5,)]),
        ("Reshape", {"shape": (5,)}, [(None, 2, 3)]),
        ("Transpose", {"perm": (1, 0)}, [(None, 3)]),
        ("Transpose", {"perm": (0, 1, 1)}, [(None, 3, 3)]),
        ("Squeeze", {"axes": (1,)}, [(None, 3)]),
        ("Squeeze", {"axes": (0,)}, [(None, 3)]),
        ("Unsqueeze", {"axes": (0,)}, [(None, 3)]),
        ("Concat", {"axis": 0}, [(None, 3), (None, 3)]),
        ("Concat", {"axis": 1}, [(None, 3, 2), (None, 3, 3)]),
        ("Conv", {**FIT, "group": 1}, [(None, 3, 5, 5), (4, 2, 3, 3)]),
        ("Conv", {**FIT, "group": 2}, [(None, 4, 5, 5), (3, 2, 3, 3)]),
        ("Conv", {**FIT, "group": 1}, [(None, 3, 5, 2), (4, 3, 3, 3)]),
        ("Conv", {**FIT, "group": 1}, [(None, 3, 5, 5), (4, 3, 3, 3), (3,)]),
        ("Conv", {**FIT, "group": 1}, [(None, 3, 5), (4, 3, 3)]),
        ("Conv", {**FIT, "group": 1, "strides": (0, 1)}, [(None, 3, 5, 5), (4, 3, 3, 3)]),
        ("BatchMatMul", {}, [(None, 3), (None, 3)]),
        ("BatchMatMul", {}, [(None, 2, 3), (None, 4, 5)]),
        ("BatchMatMul", {}, [(None, 2, 3), (2, None, 3, 4)]),
        ("DepthToSpace", {"blocksize": 2, "mode": "DCR"}, [(None, 6, 3, 3)]),
        ("Gather", {"axis": 1, "indices": (3,)}, [(None, 3)]),
        ("Gather", {"axis": 0, "indices": (1,)}, [(None, 3)]),
        ("GroupNormalization", {"num_groups": 2}, [(None, 3, 4), (3,), (3,)]),
        ("InstanceNormalization", {}, [(None, 3, 4), (3,), (4,)]),
        ("LayerNormalization", {"axis": 1}, [(None, 3), (4,)]),
        ("Pad", {"before": (1,), "after": (0, 0), "mode": "edge"}, [(None, 3, 3)]),
        ("Pad", {"before": (3, 0), "after": (0, 0), "mode": "reflect"}, [(None, 3, 3)]),
        ("ReduceSum", {"axes": (0, 1), "keepdims": 0}, [(None, 3)]),
        ("ReduceSum", {"axes": (), "keepdims": 0}, [(None, 3)]),
        ("Resize", {"factors": (2, 1, 1)}, [(None, 3, 4, 4)]),
        ("Slice", {"begins": (3,), "counts": (1,), "steps": (1,)}, [(None, 3)]),
        ("Slice", {"begins": (1,), "counts": (3,), "steps": (-1,)}, [(None, 3)]),
        ("SpaceToDepth", {"blocksize": 2, "mode": "DCR"}, [(None, 6, 3, 4)]),
        ("Tile", {"repeats": (2,)}, [(None, 3, 3)]),
        ("TopK", {"axis": 1, "k": 4}, [(None, 3)]),
        ("GlobalAveragePool", {}, [(None, 3)]),
        ("MaxPool", FIT_POOL, [(None, 3, 1, 5)]),
        ("MaxPool", {**FIT_POOL, "pads": (2, 0, 0, 0)}, [(None, 3, 5, 5)]),
        ("MaxPool", {**FIT_POOL, "dilations": (3, 1), "pads": (1, 0, 1, 0)}, [(None, 3, 2, 5)]),
    ],
)
def test_shapes_that_do_not_fit(op: str, attrs: dict[str, object], shapes: list[tuple[int | None, ...]]) -> None:
    with pytest.raises(ValueError, match=r"\(|axis|axes|window|mirrored|channels|elements|squares"):
        ops.get(op).shape(Node("n", op, tuple("abcde"[: len(shapes)]), ("y",), attrs), *shapes)
