"""A hypothesis strategy: random image networks of the operators beyond convolutions, pools and joins.

Gates, functions however they are spelt, normalisations, moves of channels and positions, convolutions of one axis, work
that only a host does, and several inputs and outputs.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
from hypothesis import strategies as st
from models import model
from onnx import TensorProto, helper
from random_convs import Net as Convs

OPSET = 20
FUNCTIONS: dict[str, dict[str, Any]] = {
    "Celu": {"alpha": 0.8},
    "Elu": {"alpha": 0.7},
    "Erf": {},
    "Gelu": {"approximate": "tanh"},
    "HardSigmoid": {"alpha": 0.3},
    "HardSwish": {},
    "Mish": {},
    "Selu": {},
    "Softplus": {},
    "Softsign": {},
    "ThresholdedRelu": {"alpha": 0.2},
}


class Net(Convs):
    """A model under construction, with more operators."""

    def over(self, other: str, op: str = "Mul") -> None:
        """The current tensor joined with another."""
        self.add(op, other, first=self.pick(True, False))

    def function(self) -> None:
        op = self.pick(*FUNCTIONS)
        self.add(op, **FUNCTIONS[op])

    def spelt(self) -> None:
        """A function that exporters write as several nodes."""
        x, how = self.current, self.pick("swish", "hard swish", "hard sigmoid", "gelu", "relu6", "mish")
        if how == "swish":
            self.add("Sigmoid")
            self.over(x)
        elif how in ("hard swish", "hard sigmoid"):
            self.add("Add", self.constant(3.0))
            self.add("Clip", self.constant(0.0), self.constant(6.0))
            if how == "hard swish":
                self.over(x)
            self.add("Div", self.constant(6.0))
        elif how == "gelu":
            self.add("Div", self.constant(np.sqrt(2.0)))
            self.add("Erf")
            self.add("Add", self.constant(1.0))
            self.over(x)
            self.add("Mul", self.constant(0.5))
        elif how == "mish":
            self.add("Softplus")
            self.add("Tanh")
            self.over(x)
        else:
            self.add("Clip", self.constant(0.0), self.constant(6.0))

    def prelu(self) -> None:
        self.add("PRelu", self.constant(self.random(self.shape[0], *[1] * (len(self.shape) - 1))))

    def gate(self) -> None:
        """Squeeze and excite, or a product of two branches."""
        x, shape = self.current, self.shape
        if len(shape) == 3 and self.pick(True, False):
            self.add("GlobalAveragePool", shape=(shape[0], 1, 1))
            weight = self.constant(self.random(shape[0], shape[0], 1, 1) / np.sqrt(shape[0]))
            self.add("Conv", weight)
            self.add("Sigmoid")
            self.shape = shape
        else:
            self.pick(self.function, self.normalise, self.activate)()
        self.over(x, self.pick("Mul", "Mul", "Sub", "Max"))

    def shuffle(self) -> None:
        """Channels in another order, the way it is written."""
        channels, sizes = self.shape[0], self.shape[1:]
        group = self.pick(*(g for g in range(1, channels + 1) if channels % g == 0))
        after = self.shape
        if len(after) == 3 and self.pick(True, False):
            split = [0, group, channels // group, *sizes]
            self.add("Reshape", self.constant(split, np.int64))
            self.add("Transpose", perm=[0, 2, 1, *range(3, 3 + len(sizes))])
            self.add("Reshape", self.constant([0, channels, *sizes], np.int64), shape=after)
        else:
            order = self.draw(st.permutations(range(channels)))
            self.add("Gather", self.constant(order, np.int64), axis=1)

    def cut(self) -> None:
        """Part of an axis, by Slice or Split."""
        axis = self.draw(st.integers(0, len(self.shape) - 1))
        size = self.shape[axis]
        if size < 2:
            return
        if self.pick(True, False):
            begin, step = self.draw(st.integers(0, size - 1)), self.pick(1, 1, 2, -1)
            end = self.draw(st.integers(begin + 1, size)) if step > 0 else -size - 5
            count = len(range(size)[begin : None if step < 0 else end : step])
            rows = ([begin], [end], [axis + 1], [step])
            shape = (*self.shape[:axis], count, *self.shape[axis + 1 :])
            self.add("Slice", *(self.constant(row, np.int64) for row in rows), shape=shape)
            return
        left = self.draw(st.integers(1, size - 1))
        parts, x = self.constant([left, size - left], np.int64), self.current
        names = [f"t{len(self.nodes)}a", f"t{len(self.nodes)}"]
        names = names if self.pick(True, False) else names[::-1]
        self.nodes.append(helper.make_node("Split", [x, parts], names, f"split{len(self.nodes)}", axis=axis + 1))
        kept = self.pick(0, 1)
        self.current = names[kept]
        self.shape = (*self.shape[:axis], (left, size - left)[kept], *self.shape[axis + 1 :])

    def pad(self) -> None:
        if len(self.shape) != 3:
            return
        mode = self.pick("constant", "constant", "reflect", "edge")
        sides = [self.draw(st.integers(0, min(2, size - 1))) for size in self.shape[1:] * 2]
        value = [self.constant(self.pick(0.0, 0.5))] if mode == "constant" and self.pick(True, False) else []
        pads = self.constant([0, 0, *sides[:2], 0, 0, *sides[2:]], np.int64)
        sizes = [size + sides[i] + sides[i + 2] for i, size in enumerate(self.shape[1:])]
        self.add("Pad", pads, *value, mode=mode, shape=(self.shape[0], *sizes))

    def resize(self) -> None:
        if len(self.shape) != 3 or max(self.shape) > 12:
            return
        factors = [self.pick(1, 2, 3), self.pick(1, 2)]
        how = self.pick(("asymmetric", "floor"), ("half_pixel", "round_prefer_floor"))
        modes = {"coordinate_transformation_mode": how[0], "nearest_mode": how[1], "mode": "nearest"}
        sizes = [size * factor for size, factor in zip(self.shape[1:], factors, strict=True)]
        self.add("Resize", "", self.constant([1, 1, *factors]), shape=(self.shape[0], *sizes), **modes)

    def blocks(self) -> None:
        if len(self.shape) != 3:
            return
        channels, height, width = self.shape
        if channels % 4 == 0 and max(height, width) < 12:
            shape = (channels // 4, height * 2, width * 2)
            self.add("DepthToSpace", blocksize=2, mode=self.pick("DCR", "CRD"), shape=shape)
        elif height % 2 == 0 and width % 2 == 0 and channels <= 4:
            self.add("SpaceToDepth", blocksize=2, shape=(channels * 4, height // 2, width // 2))

    def moved(self) -> None:
        """A way through another layout: channels last and back."""
        if len(self.shape) == 3:
            shape = self.shape
            self.add("Transpose", perm=[0, 2, 3, 1], shape=(*shape[1:], shape[0]))
            self.pick(self.function, self.activate, self.nothing, self.arithmetic)()
            self.add("Transpose", perm=[0, 3, 1, 2], shape=shape)

    def hosted(self) -> None:
        """What no step of the array does."""
        size = self.shape[0]
        how = self.pick("LRN", "InstanceNormalization", "Softmax", "ReduceMax", "square", "root")
        if how == "LRN" and len(self.shape) == 3:
            self.add("LRN", size=3, alpha=0.1)
        elif how == "InstanceNormalization" and len(self.shape) == 3 and np.prod(self.shape[1:]) > 2:
            self.add(how, self.constant(self.random(size)), self.constant(self.random(size)))
        elif how == "Softmax":
            self.add(how, axis=1)
        elif how == "ReduceMax":
            self.add(how, self.constant([1], np.int64), shape=(1, *self.shape[1:]))
        elif how == "square":
            self.add("Pow", self.constant(2.0))
        elif how == "root":
            self.add("Abs")
            self.add("Sqrt")

    def line(self) -> None:
        """A convolution and a pool of one axis."""
        if len(self.shape) != 3:
            return
        channels, shape = self.shape[0], self.shape
        width = int(np.prod(shape[1:]))
        self.add("Reshape", self.constant([0, channels, width], np.int64), shape=(channels, width))
        kernel = self.draw(st.integers(1, min(3, width)))
        out = self.draw(st.integers(1, 4))
        self.add("Conv", self.constant(self.random(out, channels, kernel)), shape=(out, width), auto_pad="SAME_UPPER")
        self.pick(self.function, self.normalise, self.activate)()
        if width > 2:
            shape = (out, (width - 2) // 2 + 1)
            self.add(self.pick("MaxPool", "AveragePool"), kernel_shape=[2], strides=[2], shape=shape)
        self.add("Unsqueeze", self.constant([2], np.int64), shape=(out, 1, self.shape[1]))


STEPS: tuple[Callable[[Net], None], ...] = (
    *(Net.conv, Net.conv, Net.conv, Net.pool, Net.branch, Net.arithmetic, Net.normalise, Net.activate),
    *(Net.function, Net.spelt, Net.spelt, Net.prelu, Net.gate, Net.gate, Net.shuffle, Net.cut, Net.cut, Net.pad),
    *(Net.resize, Net.blocks, Net.moved, Net.hosted, Net.line),
)


@st.composite
def images(draw: Any) -> tuple[onnx.ModelProto, dict[str, tuple[int, ...]]]:
    """(model, the shape of a batch of each of its inputs)."""
    shape = (draw(st.sampled_from([1, 2, 4])), draw(st.integers(3, 7)), draw(st.integers(3, 7)))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    net, inputs = Net(draw, OPSET, shape, rng), {"x": shape}
    if draw(st.integers(0, 3)) == 0:
        inputs["z"] = shape
        net.add(draw(st.sampled_from(["Add", "Mul", "Concat"])), "z", **{})
        if net.nodes[-1].op_type == "Concat":
            net.nodes[-1].attribute.append(helper.make_attribute("axis", 1))
            net.shape = (2 * shape[0], *shape[1:])
    outputs = set()
    for step in draw(st.lists(st.sampled_from(STEPS), min_size=1, max_size=7)):
        step(net)
        if draw(st.integers(0, 7)) == 0 and net.current not in inputs:
            outputs.add(net.current)
    if draw(st.booleans()):
        net.linear()
    if not net.nodes:
        net.add("Relu")
    outputs.add(net.current)
    proto = model(net.nodes, ["n", *shape], None, net.weights, opset=OPSET, y=net.current)
    if "z" in inputs:
        proto.graph.input.append(helper.make_tensor_value_info("z", TensorProto.FLOAT, ["n", *shape]))
    del proto.graph.output[:]
    made = [name for node in proto.graph.node for name in node.output if name in outputs]
    proto.graph.output.extend(helper.make_value_info(name, onnx.TypeProto()) for name in made)
    for value in proto.graph.output:
        value.type.tensor_type.elem_type = TensorProto.FLOAT
    return proto, {name: (2, *sizes) for name, sizes in inputs.items()}
