"""The smallest models of what public bug reports of other tools are about: what was crashed on, or silently wrong."""

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

Shape = Sequence[int | str]


@dataclass(frozen=True)
class Reported:
    """One report.

    Attributes:
        source: repository and number of the issue or pull request.
        what: what went wrong there.
        nodes: of the model; the last one's first output is its output unless `outputs` says otherwise.
        inputs: shapes by name; `types` where they are not floats.
        constants: by name; in the graph's inputs as well where `listed`.
        refused: part of emcc's error, or "" where emcc agrees with onnxruntime.
        positive: whether samples are above 0.
    """

    source: str
    what: str
    nodes: Sequence[onnx.NodeProto]
    inputs: Mapping[str, Shape]
    constants: Mapping[str, np.ndarray] = field(default_factory=dict)
    opset: int = 17
    outputs: Sequence[str] = ()
    types: Mapping[str, int] = field(default_factory=dict)
    listed: bool = False
    refused: str = ""
    positive: bool = False

    @property
    def address(self) -> str:
        """Of the report: GitHub sends issues to pull requests by itself."""
        repository, number = self.source.split("#")
        return f"https://github.com/{repository}/issues/{number}"

    def model(self) -> onnx.ModelProto:
        """The model."""
        held = [numpy_helper.from_array(np.asarray(value), name) for name, value in self.constants.items()]
        kinds = [self.types.get(name, TensorProto.FLOAT) for name in self.inputs]
        shapes = self.inputs.values()
        inputs = [helper.make_tensor_value_info(*each) for each in zip(self.inputs, kinds, shapes, strict=True)]
        if self.listed:
            inputs += [helper.make_tensor_value_info(item.name, item.data_type, item.dims) for item in held]
        names = self.outputs or [self.nodes[-1].output[0]]
        outputs = [helper.make_tensor_value_info(name, self.types.get(name, TensorProto.FLOAT), None) for name in names]
        graph = helper.make_graph(list(self.nodes), "reported", inputs, outputs, held)
        proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", self.opset)])
        proto.ir_version = 8
        return proto

    def samples(self, count: int) -> dict[str, np.ndarray]:
        """As many as the model fixes, or `count`."""
        rng, made = np.random.default_rng(11), {}
        for name, shape in self.inputs.items():
            first = shape[0] if isinstance(shape[0], int) else count
            value = rng.standard_normal((first, *(int(size) for size in shape[1:])))
            value = np.abs(value) + 0.1 if self.positive else value
            kind = helper.tensor_dtype_to_np_dtype(self.types.get(name, TensorProto.FLOAT))
            made[name] = (value * 40 if kind.kind in "iu" else value).astype(kind)
        return made


def n(op: str, inputs: str, outputs: str, **attrs: Any) -> onnx.NodeProto:
    """A node; names are apart by blanks, _ is an input that is left out."""
    names = ["" if name == "_" else name for name in inputs.split()]
    return helper.make_node(op, names, outputs.split(), name=f"{outputs.split()[0]}_{op}", **attrs)


def r(*shape: int) -> np.ndarray:
    """Random weights."""
    rng = np.random.default_rng(zlib.crc32(repr(shape).encode()))
    return rng.standard_normal(shape).astype(np.float32)


def i(*values: int) -> np.ndarray:
    """Integers."""
    return np.array(values, np.int64)


def f(*values: float) -> np.ndarray:
    """Floats; one alone is a scalar."""
    return np.array(values if len(values) > 1 else values[0], np.float32)


MAP, ROW = {"x": ["n", 3, 5, 4]}, {"x": ["n", 4]}
W, W4 = {"w": r(2, 3, 2, 2)}, {"w": r(4, 3)}
FC = n("MatMul", "x w", "m")
CONV = n("Conv", "x w", "c")

CASES: tuple[Reported, ...] = (
    # Convolutions and pools
    Reported(
        "root-project/root#21873",
        "SAME of an even kernel pads one side only",
        [n("Conv", "x w", "y", auto_pad="SAME_UPPER")],
        MAP,
        W,
    ),
    Reported(
        "robertknight/rten#1399",
        "SAME of a kernel that is not square, its sides mixed up",
        [n("ConvTranspose", "x w", "y", auto_pad="SAME_UPPER", strides=[2, 2])],
        MAP,
        {"w": r(3, 2, 2, 3)},
    ),
    Reported(
        "opencv/opencv#19316",
        "asymmetric pads of a Conv",
        [n("Conv", "x w", "y", pads=[1, 0, 0, 1], strides=[2, 2])],
        MAP,
        W,
    ),
    Reported(
        "oramasearch/onnx-go#192",
        "asymmetric pads, one side alone",
        [n("Conv", "x w", "y", pads=[0, 0, 1, 0])],
        MAP,
        W,
    ),
    Reported(
        "tenstorrent/tt-forge-onnx#2757",
        "asymmetric pads of a MaxPool",
        [n("MaxPool", "x", "p", kernel_shape=[3, 3], strides=[2, 2], pads=[0, 0, 1, 1]), n("Conv", "p w", "y")],
        MAP,
        {"w": r(2, 3, 1, 1)},
    ),
    Reported(
        "deephealthproject/eddl#315",
        "pads at the end of a MaxPool alone",
        [CONV, n("MaxPool", "c", "y", kernel_shape=[3, 3], strides=[2, 2], pads=[0, 0, 2, 2])],
        MAP,
        W,
    ),
    Reported(
        "apache/tvm#18594",
        "AveragePool with ceil_mode, its shape",
        [CONV, n("AveragePool", "c", "y", kernel_shape=[2, 2], strides=[2, 2], pads=[0, 0, 1, 1], ceil_mode=1)],
        {"x": ["n", 3, 6, 6]},
        W,
        opset=19,
    ),
    Reported(
        "pytorch/pytorch#71549",
        "AveragePool with ceil_mode and pads",
        [CONV, n("AveragePool", "c", "y", kernel_shape=[3, 3], strides=[3, 3], pads=[1, 1, 1, 1], ceil_mode=1)],
        {"x": ["n", 3, 5, 5]},
        W,
        opset=10,
    ),
    Reported(
        "PINTO0309/onnx2tf#207",
        "MaxPool with ceil_mode",
        [CONV, n("MaxPool", "c", "y", kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1)],
        {"x": ["n", 3, 6, 8]},
        W,
    ),
    Reported(
        "ThanatosShinji/onnx-tool#10",
        "auto_pad of an AveragePool",
        [CONV, n("AveragePool", "c", "y", kernel_shape=[3, 3], auto_pad="SAME_UPPER")],
        MAP,
        W,
    ),
    Reported(
        "PINTO0309/onnx2tf#135",
        "AveragePool that does not count pads",
        [CONV, n("AveragePool", "c", "y", kernel_shape=[3, 3], pads=[1, 1, 1, 1], count_include_pad=0)],
        MAP,
        W,
    ),
    Reported(
        "fastmachinelearning/hls4ml#1458",
        "AveragePool of one axis",
        [CONV, n("AveragePool", "c", "p", kernel_shape=[2], strides=[2]), n("Flatten", "p", "y")],
        {"x": ["n", 3, 9]},
        {"w": r(2, 3, 2)},
    ),
    Reported(
        "fastmachinelearning/qonnx#32",
        "a bias of a Conv between transposes",
        [
            n("Transpose", "x", "t", perm=[0, 3, 1, 2]),
            n("Conv", "t w b", "c"),
            n("Transpose", "c", "y", perm=[0, 2, 3, 1]),
        ],
        {"x": ["n", 5, 4, 3]},
        {**W, "b": r(2)},
    ),
    Reported(
        "PaddlePaddle/Paddle2ONNX#1276",
        "a dilated depthwise Conv",
        [n("Conv", "x w", "y", group=3, dilations=[2, 2], pads=[2, 2, 2, 2])],
        MAP,
        {"w": r(3, 1, 3, 3)},
    ),
    Reported(
        "openvinotoolkit/openvino#20848",
        "the shape of a ConvTranspose",
        [n("ConvTranspose", "x w", "y", output_shape=[10, 8], kernel_shape=[3, 3], strides=[3, 3])],
        {"x": [1, 1, 3, 3]},
        {"w": r(1, 2, 3, 3)},
        opset=11,
    ),
    Reported(
        "apache/tvm#11076",
        "output_shape of a ConvTranspose without pads",
        [n("ConvTranspose", "x w", "y", output_shape=[10, 8], strides=[2, 2])],
        MAP,
        {"w": r(3, 2, 3, 3)},
    ),
    Reported(
        "PINTO0309/onnx2tf#56",
        "pads of a ConvTranspose with strides",
        [n("ConvTranspose", "x w", "y", strides=[3, 3], pads=[1, 1, 1, 1])],
        MAP,
        {"w": r(3, 2, 4, 4)},
    ),
    Reported(
        "tenstorrent/tt-forge-onnx#665",
        "asymmetric pads of a ConvTranspose",
        [n("ConvTranspose", "x w", "y", strides=[2, 2], pads=[0, 1, 1, 0])],
        MAP,
        {"w": r(3, 2, 3, 3)},
    ),
    Reported(
        "tracel-ai/burn#2216",
        "output_padding of a ConvTranspose",
        [n("ConvTranspose", "x w", "y", strides=[2, 2], output_padding=[1, 1])],
        MAP,
        {"w": r(3, 2, 3, 3)},
    ),
    Reported(
        "onnx/onnx-coreml#388",
        "BatchNormalization behind a Reshape",
        [CONV, n("Reshape", "c s", "r"), n("BatchNormalization", "r a b m v", "y")],
        MAP,
        {**W, "s": i(0, 2, 12), "a": r(2), "b": f(1, 2), "m": f(0.5, 1), "v": f(1, 2)},
    ),
    # Matrix products
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
    # Elementwise operators
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
    # Reductions, Softmax
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
    # Shapes
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
    # Picking
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
    # Resize
    Reported(
        "apache/tvm#19500",
        "Resize to the nearest, by half pixels and 1.5",
        [
            n(
                "Resize",
                "x _ s",
                "z",
                mode="nearest",
                coordinate_transformation_mode="half_pixel",
                nearest_mode="round_prefer_floor",
            ),
            n("Conv", "z w", "y"),
        ],
        {"x": [1, 3, 4, 4]},
        {**W, "s": f(1, 1, 1.5, 1.5)},
    ),
    Reported(
        "fastmachinelearning/qonnx#197",
        "Resize without a region",
        [
            CONV,
            n(
                "Resize",
                "c _ s",
                "y",
                mode="nearest",
                coordinate_transformation_mode="asymmetric",
                nearest_mode="floor",
            ),
        ],
        MAP,
        {**W, "s": f(1, 1, 2, 2)},
    ),
    Reported(
        "kendryte/nncase#245",
        "Resize bilinear, with corners that meet",
        [CONV, n("Resize", "c _ s", "y", mode="linear", coordinate_transformation_mode="align_corners")],
        MAP,
        {**W, "s": f(1, 1, 2, 2)},
    ),
    # Others
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
