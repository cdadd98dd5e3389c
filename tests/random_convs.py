"""A hypothesis strategy: random convolutional networks with branches, as ONNX models of any opset."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from hypothesis import strategies as st
from models import model, node

from emcc.ops.windows import Axis

MOST = 8


@dataclass
class Net:
    """A model under construction; `shape` is [channels, height, width] of the current tensor, or [features]."""

    draw: Any
    opset: int
    shape: tuple[int, ...]
    rng: np.random.Generator
    current: str = "x"
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    weights: dict[str, np.ndarray] = field(default_factory=dict)

    def pick(self, *choices: Any) -> Any:
        """One of them."""
        return self.draw(st.sampled_from(choices))

    def constant(self, value: Any, dtype: Any = np.float32) -> str:
        """An initializer."""
        name = f"c{len(self.weights)}"
        self.weights[name] = np.asarray(value, dtype)
        return name

    def random(self, *shape: int) -> np.ndarray:
        """Normal numbers away from zero."""
        value = self.rng.standard_normal(shape)
        return value + np.where(value >= 0, 0.25, -0.25)

    def add(self, op: str, *more: str, shape: tuple[int, ...] | None = None, first: bool = True, **attrs: Any) -> None:
        """One node on the current tensor."""
        output = f"t{len(self.nodes)}"
        self.nodes.append(node(op, [self.current, *more] if first else [*more, self.current], output, **attrs))
        self.current, self.shape = output, self.shape if shape is None else shape

    def window(self, pads_below: tuple[int, int], **more: Any) -> tuple[dict[str, Any], tuple[int, ...]] | None:
        """(attributes, spatial sizes) of a window that fits; None where there is none."""
        sizes = self.shape[1:]
        kernel = [self.pick(1, 2, 3) for _ in sizes]
        strides, auto = (
            [self.pick(1, 1, 2, 3) for _ in sizes],
            self.pick("NOTSET", "NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER"),
        )
        dilations = (
            [self.pick(1, 1, 2) for _ in sizes] if more.pop("dilated") and auto in ("NOTSET", "VALID") else [1, 1]
        )
        pads = [
            self.draw(st.integers(0, min(limit, k)))
            for limit, k in zip(pads_below * 2, [k - 1 for k in kernel] * 2, strict=True)
        ]
        pads = pads if auto == "NOTSET" else [0, 0, 0, 0]
        ceil = bool(more.get("ceil_mode", 0)) and auto == "NOTSET"
        counts = []
        for i, size in enumerate(sizes):
            if auto.startswith("SAME"):
                if strides[i] > kernel[i]:  # onnxruntime makes negative pads of it, and refuses them
                    return None
                counts.append(-(-size // strides[i]))
            else:
                axis = Axis(size, kernel[i], strides[i], dilations[i], pads[i], pads[i + 2], ceil)
                counts.append(axis.count)
                if axis.count < 1 or not axis.all_touch:
                    return None
                if ceil and (axis.count - 1) * strides[i] < size + sum(pads[i::2]) - axis.reach:
                    return None  # before opset 19 onnx's shape inference counts a last window that begins in the pads
        attrs: dict[str, Any] = {"kernel_shape": kernel, "strides": strides}
        attrs |= {"dilations": dilations} if dilations != [1, 1] else {}
        attrs |= {"pads": pads} if auto == "NOTSET" else {"auto_pad": auto}
        attrs |= {"ceil_mode": 1} if ceil else {}
        return attrs, tuple(counts)

    def conv(self) -> None:
        group = self.pick(*(g for g in (1, 1, 2, self.shape[0]) if self.shape[0] % g == 0))
        out = group * self.draw(st.integers(1, max(1, MOST // group)))
        window = self.window((2, 2), dilated=True)
        if window is None:
            return
        attrs, sizes = window
        kernel = attrs["kernel_shape"]
        if self.pick(True, False):
            del attrs["kernel_shape"]
        inner = self.shape[0] // group
        extra = [self.constant(self.random(out, inner, *kernel) / np.sqrt(inner * np.prod(kernel)))]
        extra += [self.constant(self.random(out))] if self.pick(True, False) else []
        self.add("Conv", *extra, shape=(out, *sizes), group=group, **attrs)

    def pool(self) -> None:
        op = self.pick("MaxPool", "AveragePool")
        ceil = {"ceil_mode": 1} if self.opset >= 10 and self.pick(True, False) else {}
        window = self.window((1, 1), dilated=op == "MaxPool" and self.opset >= 10, **ceil)
        if window is None:
            return
        attrs, sizes = window
        if op == "AveragePool":
            attrs["count_include_pad"] = self.pick(0, 1)
        self.add(op, shape=(self.shape[0], *sizes), **attrs)

    def arithmetic(self) -> None:
        op = self.pick("Add", "Sub", "Mul", "Div")
        ones = [1] * (len(self.shape) - 1)
        form = self.pick((), (self.shape[0], *ones), (1, self.shape[0], *ones), self.shape)
        self.add(op, self.constant(self.random(*form)), first=op == "Div" or self.pick(True, False))

    def normalise(self) -> None:
        size = self.shape[0]
        values = [self.random(size), self.random(size), self.random(size), self.rng.random(size) + 0.2]
        self.add("BatchNormalization", *(self.constant(value) for value in values))

    def activate(self) -> None:
        op = self.pick("Relu", "LeakyRelu", "Sigmoid", "Tanh", "Clip")
        if op == "Clip" and self.opset < 11:
            self.add(op, **self.pick({}, {"min": 0.0}, {"min": -0.5, "max": 1.0}))
        elif op == "Clip":
            self.add(op, *self.pick((), (self.constant(0.0),), ("", self.constant(0.7))))
        else:
            self.add(op)

    def nothing(self) -> None:
        self.add(self.pick("Identity", "Dropout"))

    def branch(self) -> None:
        """Two ways from here, joined by Concat or, where they fit, by Add."""
        before, shape = self.current, self.shape
        self.pick(self.conv, self.activate, self.normalise)()
        one, first = self.current, self.shape
        self.current, self.shape = before, shape
        self.pick(self.conv, self.activate, self.nothing)()
        two, second = self.current, self.shape
        if first == second and self.pick(True, False):
            self.add("Add", one, first=self.pick(True, False))
        elif first[1:] == second[1:]:
            self.current = one
            self.add("Concat", two, shape=(first[0] + second[0], *first[1:]), axis=self.pick(1, -len(first)))
        elif one != before:
            self.nodes = [proto for proto in self.nodes if proto.output[0] != two or two == before]
            self.current, self.shape = one, first

    def flatten(self) -> None:
        features = int(np.prod(self.shape))
        if len(self.shape) == 3 and self.pick(True, False):
            self.add("Transpose", perm=[0, 2, 3, 1], shape=(*self.shape[1:], self.shape[0]))
        if self.pick(True, False):
            self.add("Flatten", shape=(features,))
        else:
            self.add("Reshape", self.constant([self.pick(0, -1), features], np.int64), shape=(features,))

    def linear(self) -> None:
        if len(self.shape) != 1:
            self.flatten()
        out = self.draw(st.integers(1, MOST))
        weight = self.constant(self.random(self.shape[0], out) / np.sqrt(self.shape[0]))
        if self.pick(True, False):
            self.add("Gemm", weight, self.constant(self.random(out)), shape=(out,))
        else:
            self.add("MatMul", weight, shape=(out,))

    def image(self) -> None:
        """From features back to an image, as in a decoder."""
        if len(self.shape) == 1:
            self.add("Reshape", self.constant([-1, self.shape[0], 1, 1], np.int64), shape=(self.shape[0], 1, 1))


IMAGE = (*[Net.conv] * 3, *[Net.pool] * 2, *[Net.branch] * 2)


@st.composite
def convs(draw: Any, opsets: tuple[int, ...] = (17,)) -> tuple[onnx.ModelProto, tuple[int, ...]]:
    """(model, the shape of a batch to feed it)."""
    batch = draw(st.sampled_from(["n", 1, 3]))
    shape = (draw(st.sampled_from([1, 2, 4])), draw(st.integers(3, 9)), draw(st.integers(3, 9)))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    net = Net(draw, draw(st.sampled_from(opsets)), shape, rng)
    for step in draw(
        st.lists(
            st.sampled_from([*IMAGE, Net.arithmetic, Net.normalise, Net.activate, Net.nothing]), min_size=1, max_size=7
        )
    ):
        step(net)
    if draw(st.booleans()):
        net.add("GlobalAveragePool", shape=(net.shape[0], 1, 1))
    for step in draw(
        st.lists(
            st.sampled_from([Net.linear, Net.linear, Net.arithmetic, Net.activate, Net.nothing, Net.image]), max_size=5
        )
    ):
        step(net)
    if not net.nodes:
        net.add("GlobalAveragePool")
    if draw(st.booleans()):
        net.linear() if net.opset < 13 else None
        net.add(draw(st.sampled_from(["Softmax", "LogSoftmax"])), axis=1)
    proto = model(net.nodes, [batch, *shape], None, net.weights, opset=net.opset, y=net.current)
    return proto, (batch if isinstance(batch, int) else 2, *shape)
