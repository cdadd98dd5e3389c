"""Models that are refused, and each as its hint says to repair it.

Every function makes one row: what the hint says (or its beginning), the model that causes it, the repaired model, and
whether both are to give the same numbers where onnxruntime runs both.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from models import Shape, model, node
from onnx import TensorProto, helper, inliner

RNG = np.random.default_rng(8)
W = RNG.standard_normal((3, 3)).astype(np.float32)
IMAGE: Shape = ("n", 2, 6, 6)
K = RNG.standard_normal((3, 2, 3, 3)).astype(np.float32)


@dataclass(frozen=True)
class Row:
    """One hint, tried."""

    hint: str
    broken: onnx.ModelProto
    repaired: onnx.ModelProto
    same: bool = True


ROWS: dict[str, Callable[[], Row]] = {}


def row(make: Callable[[], Row]) -> Callable[[], Row]:
    """Enter a row under the name of its function."""
    ROWS[make.__name__] = make
    return make


def pair(
    hint: str,
    broken: Sequence[onnx.NodeProto],
    repaired: Sequence[onnx.NodeProto],
    shape: Shape = ("n", 3),
    weights: dict[str, Any] | None = None,
    *,
    same: bool = True,
    opset: int = 17,
) -> Row:
    """The row of two lists of nodes over the same input and weights (W is there as "w")."""
    held = {"w": W, **(weights or {})}
    return Row(hint, *(model(nodes, shape, weights=held, opset=opset) for nodes in (broken, repaired)), same)


def image_instead(op: str, *inputs: str, **attrs: Any) -> Row:
    """An operator on images for which emcc has a Conv."""
    conv = [node("Conv", ["x", "k"], "y")]
    weights = {
        "k": K,
        "roi": np.zeros(0, np.float32),
        "s": np.float32([1, 1, 2, 2]),
    }
    hint = "of the operators on images emcc has Conv"
    return pair(hint, [node(op, ["x", *inputs], "y", **attrs)], conv, IMAGE, weights, same=False)


@row
def pool_by_norm() -> Row:
    return image_instead("LpPool", kernel_shape=[3, 3])


@row
def function() -> Row:
    hint = "use one of Celu, Clip, Elu"
    return pair(hint, [node("Shrink", ["x"], "y")], [node("LeakyRelu", ["x"], "y")], same=False)


@row
def recurrent() -> Row:
    """Unrolled: a sequence of one step from a state of zeros."""
    broken = [node("RNN", ["x", "i", "i"], "y", hidden_size=3)]
    repaired = [node("Flatten", ["x"], "f"), node("Gemm", ["f", "w"], "z", transB=1), node("Tanh", ["z"], "y")]
    hint = "of the recurrent layers emcc has LSTM and GRU"
    return pair(hint, broken, repaired, (1, 1, 3), {"i": W[None]})


@row
def control_flow() -> Row:
    kinds = [("i", TensorProto.INT64, []), ("c", TensorProto.BOOL, []), ("v", TensorProto.FLOAT, [1, 3])]
    given = [helper.make_tensor_value_info(*kind) for kind in kinds]
    body = [node("Relu", ["v"], "r"), node("Identity", ["c"], "d")]
    results = [helper.make_tensor_value_info(name, *kind[1:]) for name, kind in zip("dr", kinds[1:], strict=True)]
    broken = [node("Loop", ["times", "", "x"], "y", body=helper.make_graph(body, "b", given, results))]
    weights = {"times": np.int64(1)}
    return pair("export the model without control flow", broken, [node("Relu", ["x"], "y")], (1, 3), weights=weights)


@row
def normalisation() -> Row:
    weights = {"one": np.ones(2, np.float32), "none": np.zeros(2, np.float32)}
    broken = [node("MeanVarianceNormalization", ["x"], "y", axes=[2, 3])]
    repaired = [node("InstanceNormalization", ["x", "one", "none"], "y")]
    return pair("use BatchNormalization, which folds into the weights, or", broken, repaired, IMAGE, weights)


@row
def selection() -> Row:
    weights = {"where": np.array([True, False, True]), "i": np.array([0, 2])}
    broken = [node("Compress", ["x", "where"], "y", axis=1)]
    return pair("select features by Slice", broken, [node("Gather", ["x", "i"], "y", axis=1)], weights=weights)


@row
def anything_else() -> Row:
    broken = [node("Relu", ["x"], "r"), node("GlobalLpPool", ["r"], "y", p=1)]
    repaired = [node("Relu", ["x"], "r"), node("GlobalAveragePool", ["r"], "m"), node("Mul", ["m", "many"], "y")]
    return pair("leave it out, or express it by Gemm, MatMul", broken, repaired, IMAGE, {"many": np.float32(36)})


@row
def einsum() -> Row:
    """The sum along an axis of one matrix is taken first."""
    broken = [node("Einsum", ["x", "w"], "y", equation="ni,jk->nk")]
    repaired = [node("ReduceSum", ["x"], "s", axes=[1], keepdims=1), node("MatMul", ["s", "column"], "y")]
    hint = "express it by MatMul, Transpose and Reshape"
    return pair(hint, broken, repaired, weights={"column": W.sum(axis=0, keepdims=True)}, opset=12)


@row
def another_domain() -> Row:
    broken = [helper.make_node("BiasSplitGelu", ["x"], ["y"], domain="com.microsoft")]
    return pair("export with standard operators only", broken, [node("Relu", ["x"], "y")], same=False)


@row
def functions_of_the_model() -> Row:
    broken = model([helper.make_node("Twice", ["x"], ["y"], domain="own")], ["n", 3])
    opsets = [helper.make_opsetid("", 17)]
    broken.functions.append(helper.make_function("own", "Twice", ["a"], ["b"], [node("Add", ["a", "a"], "b")], opsets))
    broken.opset_import.append(helper.make_opsetid("own", 1))
    return Row("put its function in its place: onnx.inliner", broken, inliner.inline_local_functions(broken))


@row
def reduced_batch() -> Row:
    broken, repaired = ([node("ReduceMean", ["x"], "y", axes=axes, keepdims=1)] for axes in ([0, 1], [1]))
    return pair("emcc reduces a sample's own axes, not the batch", broken, repaired, same=False)


@row
def some_samples() -> Row:
    rows = {"b": np.array([0]), "e": np.array([1]), "a0": np.array([0]), "a1": np.array([1])}
    broken, repaired = ([node("Slice", ["x", "b", "e", name], "y")] for name in ("a0", "a1"))
    return pair("keep the batch as the first axis of every tensor", broken, repaired, weights=rows, same=False)


@row
def another_mode() -> Row:
    weights = {"s": np.float32([1, 1, 2, 2])}
    broken, repaired = ([node("Resize", ["x", "", "s"], "y", mode=mode)] for mode in ("cubic", "linear"))
    return pair("resize by mode nearest or linear", broken, repaired, IMAGE, weights, same=False)


@row
def divisor() -> Row:
    broken = [node("Div", ["x", "z"], "y")]
    weights = {"z": np.float32([1, 0, 2]), "m": np.float32([1, 1, 2])}
    return pair("mend the divisor", broken, [node("Div", ["x", "m"], "y")], weights=weights, same=False)


@row
def constant_by_sample() -> Row:
    weights = {"c": np.arange(6, dtype=np.float32).reshape(2, 3), "one": np.arange(3, dtype=np.float32)}
    broken, repaired = ([node("Pow", ["x", name], "y")] for name in ("c", "one"))
    return pair("give it the shape of one sample", broken, repaired, (2, 3), weights, same=False)


@row
def computed_addend() -> Row:
    broken = [node("Gemm", ["x", "w", "x"], "y")]
    repaired = [node("Gemm", ["x", "w"], "g"), node("Add", ["g", "x"], "y")]
    return pair("add it by a node of its own", broken, repaired)


@row
def transposed_batch() -> Row:
    broken = [node("Transpose", ["x"], "t"), node("Gemm", ["t", "w"], "y", transA=1)]
    hint = "keep the batch as the first axis of every tensor"
    return pair(hint, broken, [node("Gemm", ["x", "w"], "y")])


@row
def reshape_mixes() -> Row:
    weights = {"bad": np.array([-1, 6]), "good": np.array([0, -1])}
    broken, repaired = ([node("Reshape", ["x", name], "y")] for name in ("bad", "good"))
    return pair("keep the batch as the first axis of every tensor", broken, repaired, ("n", 2, 6), weights, same=False)


@row
def flatten_mixes() -> Row:
    broken, repaired = ([node("Flatten", ["x"], "y", axis=axis)] for axis in (2, 1))
    return pair("keep the batch as the first axis of every tensor", broken, repaired, ("n", 2, 6), same=False)


@row
def softmax_over_samples() -> Row:
    broken, repaired = ([node("Softmax", ["x"], "y", axis=axis)] for axis in (0, 1))
    return pair("set its axis to the features", broken, repaired, same=False)


@row
def squeezed_batch() -> Row:
    weights = {"a": np.array([0, 2]), "b": np.array([2])}
    broken, repaired = ([node("Squeeze", ["x", name], "y")] for name in "ab")
    return pair("name its axes, without axis 0", broken, repaired, ("n", 3, 1), weights, same=False)


@row
def cast_to_integers() -> Row:
    broken = [node("Cast", ["x"], "y", to=TensorProto.INT32)]
    return pair("remove the cast", broken, [node("Identity", ["x"], "y")], same=False)


@row
def joins_samples() -> Row:
    broken, repaired = ([node("Concat", ["x", "x"], "y", axis=axis)] for axis in (0, 1))
    return pair("set its axis to the features", broken, repaired, same=False)


@row
def training() -> Row:
    ones = np.ones(3, np.float32)
    broken, repaired = (
        [helper.make_node("BatchNormalization", ["x", *"oooo"], names, "bn", training_mode=mode)]
        for mode, names in ((1, ["y", "m", "v"]), (0, ["y"]))
    )
    return pair("export the model for inference", broken, repaired, weights={"o": ones}, same=False)


@row
def second_input() -> Row:
    """Made a constant."""
    broken = model([node("Add", ["x", "u"], "y")], ["n", 3])
    broken.graph.input.append(helper.make_tensor_value_info("u", TensorProto.FLOAT, ["k"]))
    repaired = onnx.ModelProto.FromString(broken.SerializeToString())
    repaired.graph.initializer.append(onnx.numpy_helper.from_array(W[0], "u"))
    return Row("make a constant of it: an initializer of its name", broken, repaired, same=False)


@row
def integers_as_input() -> Row:
    broken, repaired = (model([node("Relu", ["x"], "y")], ["n", 3]) for _ in range(2))
    broken.graph.input[0].type.tensor_type.elem_type = TensorProto.INT32
    return Row("export the model with a float input", broken, repaired, same=False)


@row
def no_batch_axis() -> Row:
    hint = "export it with an input of [batch, features ...], every axis but the first a number"
    return Row(hint, *(model([node("Relu", ["x"], "y")], shape) for shape in (["n"], ["n", 3])), same=False)


@row
def bounds_by_sample() -> Row:
    weights = {"c": np.ones((2, 1), np.float32), "one": np.float32(1)}
    broken, repaired = ([node("Max", ["x", name], "y")] for name in ("c", "one"))
    return pair("make it one number for all elements", broken, repaired, weights=weights, same=False)


def small(hint: str, wrong: onnx.NodeProto, right: onnx.NodeProto, shape: Shape = ("n", 3), **weights: Any) -> Row:
    """The row of one node and another, which need not mean the same."""
    return pair(hint, [wrong], [right], shape, weights, same=False)


@row
def constant_first() -> Row:
    wrong, right = (node("Conv", inputs, "y") for inputs in (["k", "x"], ["x", "k"]))
    return small("give it the computed tensor first", wrong, right, IMAGE, k=K)


@row
def computed_slope() -> Row:
    broken = [node("Squeeze", ["x"], "slope"), node("PRelu", ["x", "slope"], "y")]
    return pair(
        "make it an initializer",
        broken,
        [node("PRelu", ["x", "half"], "y")],
        ("n", 1),
        {"half": np.float32([0.5])},
        same=False,
    )


@row
def integer_weights() -> Row:
    wrong, right = (node("MatMul", ["x", name], "y") for name in ("i", "f"))
    return small("store it as float32", wrong, right, i=np.eye(3, dtype=np.int64), f=np.eye(3, dtype=np.float32))


@row
def joined_constant() -> Row:
    wrong, right = (node("Concat", ["x", name], "y", axis=1) for name in ("w", "x"))
    return small("join what does not depend on the sample", wrong, right)


@row
def wide_pads() -> Row:
    wrong, right = (node("MaxPool", ["x"], "y", kernel_shape=[2, 2], pads=[size] * 4) for size in (2, 1))
    return small("make the pads smaller", wrong, right, IMAGE)


@row
def pads_twice() -> Row:
    wrong, right = (node("Conv", ["x", "k"], "y", pads=[1] * 4, auto_pad=auto) for auto in ("SAME_UPPER", "NOTSET"))
    return small("remove one of them", wrong, right, IMAGE, k=K)


@row
def squeezed_features() -> Row:
    wrong, right = (node("Squeeze", ["x", name], "y") for name in "ab")
    return small("mend its axes", wrong, right, ("n", 3, 1), a=np.array([1]), b=np.array([2]))


@row
def weights_as_rows() -> Row:
    wrong, right = (node("Gemm", inputs, "y", transB=1) for inputs in (["w", "x"], ["x", "w"]))
    return small("the computed tensor must be input A, with the batch as its rows; B the weights", wrong, right)


@row
def samples_as_columns() -> Row:
    wrong, right = (node("Gemm", ["x", "w"], "y", transA=turned) for turned in (1, 0))
    return small("export it with transA=0", wrong, right)


@row
def axes_twice() -> Row:
    wrong, right = (node("Squeeze", ["x", name], "y") for name in "ab")
    return small("name each axis once", wrong, right, ("n", 1, 3), a=np.array([1, -2]), b=np.array([1]))


@row
def slope_of_nothing() -> Row:
    wrong, right = (node("LeakyRelu", ["x"], "y", alpha=alpha) for alpha in (float("nan"), 0.5))
    return small("give it a finite value", wrong, right)


@row
def random_constant() -> Row:
    broken = [node("RandomNormal", [], "r", shape=[3]), node("Add", ["x", "r"], "y")]
    repaired, weights = [node("Add", ["x", "drawn"], "y")], {"drawn": np.float32([0.5, -1, 2])}
    return pair("draw them once and store them as an initializer", broken, repaired, weights=weights, same=False)


@row
def second_output_used() -> Row:
    dropped = [helper.make_node("Dropout", ["x"], ["d", "mask"], name="drop")]
    broken = [*dropped, node("Where", ["mask", "d", "w"], "y")]
    hint = "only the first output of a node may be used"
    return pair(hint, broken, [*dropped, node("Relu", ["d"], "y")], same=False)


@row
def constant_of_graphs() -> Row:
    result = helper.make_value_info("r", onnx.TypeProto())
    branch = helper.make_graph([node("Relu", ["w"], "r")], "b", [], [result])
    broken = [node("If", ["c"], "v", then_branch=branch, else_branch=branch), node("MatMul", ["x", "v"], "y")]
    weights = {"c": np.asarray(True), "folded": np.maximum(W, 0)}
    hint = "export the model with its constants folded"
    return pair(hint, broken, [node("MatMul", ["x", "folded"], "y")], weights=weights)
