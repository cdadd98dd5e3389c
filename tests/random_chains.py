"""A hypothesis strategy: random chains of all the operators that emcc compiles, as ONNX models of any opset."""

from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy as np
import onnx
from hypothesis import strategies as st
from models import model, node

MOST_FEATURES = 24


@dataclass
class Chain:
    """A model under construction; `shape` is that of one sample of the current tensor."""

    draw: Any
    opset: int
    batch: int | str | None
    shape: tuple[int, ...]
    rng: np.random.Generator
    current: str = "x"
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    weights: dict[str, np.ndarray] = field(default_factory=dict)

    def pick(self, *choices: Any) -> Any:
        """One of them."""
        return self.draw(st.sampled_from(choices))

    def name(self) -> str:
        """A tensor's name that is not in use."""
        return f"t{len(self.nodes)}_{len(self.weights)}"

    def constant(self, value: Any, dtype: Any = np.float32) -> str:
        """A constant: an initializer, a Constant node, or an initializer through Identity."""
        array, name = np.asarray(value, dtype), self.name()
        form = self.pick("initializer", "initializer", "node", "identity")
        if form == "node":
            self.nodes.append(node("Constant", [], name, value=onnx.numpy_helper.from_array(array)))
            return name
        self.weights[name] = array
        if form == "identity":
            self.nodes.append(node("Identity", [name], name + "i"))
            return name + "i"
        return name

    def add(self, op: str, *more: str, shape: tuple[int, ...] | None = None, first: bool = True, **attrs: Any) -> None:
        """One node on the current tensor."""
        output = self.name()
        inputs = [self.current, *more] if first else [*more, self.current]
        self.nodes.append(node(op, inputs, output, **attrs))
        self.current, self.shape = output, self.shape if shape is None else shape

    def random(self, *shape: int) -> np.ndarray:
        """Normal numbers away from zero."""
        value = self.rng.standard_normal(shape)
        return value + np.where(value >= 0, 0.25, -0.25)

    def gemm(self) -> None:
        out, trans = self.draw(st.integers(1, 8)), self.pick(0, 1)
        weight = self.random(self.shape[0], out) / np.sqrt(self.shape[0])
        extra = [self.constant(weight.T if trans else weight)]
        form = (
            self.pick("none", "empty", (), (1,), (out,), (1, out)) if self.opset >= 11 else self.pick((out,), (1, out))
        )
        if form not in ("none", "empty"):
            extra.append(self.constant(self.random(*form)))
        elif form == "empty":
            extra.append("")
        self.add("Gemm", *extra, shape=(out,), transB=trans, alpha=self.pick(1.0, 0.5), beta=self.pick(1.0, 2.0))

    def matmul(self) -> None:
        if len(self.shape) >= 2 and self.shape[-1] == 1 and all(size == 1 for size in self.shape[:-2]):
            out = self.draw(st.integers(1, 8))
            weight = self.constant(self.random(out, self.shape[-2]))
            self.add("MatMul", weight, shape=(*self.shape[:-2], out, 1), first=False)
        elif all(size == 1 for size in self.shape[:-1]):
            out = self.draw(st.integers(1, 8))
            weight = self.constant(self.random(self.shape[-1], out) / np.sqrt(self.shape[-1]))
            self.add("MatMul", weight, shape=(*self.shape[:-1], out))

    def arithmetic(self) -> None:
        op = self.pick("Add", "Sub", "Mul", "Div")
        ones = [self.pick(1, size) if size > 1 else self.pick(1, 1, 2) for size in self.shape]
        form = tuple(self.pick((), ones[-1:], ones, [1, *ones]))
        shape = np.broadcast_shapes(self.shape, form[-len(self.shape) :])
        self.add(op, self.constant(self.random(*form)), shape=shape, first=op == "Div" or self.pick(True, False))

    def normalise(self) -> None:
        size = self.shape[0]
        values = [self.random(size), self.random(size), self.random(size), self.rng.random(size) + 0.2]
        self.add("BatchNormalization", *(self.constant(value) for value in values), epsilon=self.pick(1e-5, 1e-2))

    def activate(self) -> None:
        op = self.pick("Relu", "LeakyRelu", "Sigmoid", "Tanh")
        self.add(op, **({"alpha": self.pick(0.01, 0.3)} if op == "LeakyRelu" else {}))

    def nothing(self) -> None:
        op = self.pick("Identity", "Cast", "Dropout")
        if op == "Dropout" and self.opset >= 12 and self.pick(True, False):
            self.add(op, self.constant(0.3))
        elif op == "Dropout" and self.opset < 12:
            self.add(op, ratio=0.3)
        else:
            self.add(op, **({"to": onnx.TensorProto.FLOAT} if op == "Cast" else {}))

    def flatten(self) -> None:
        self.add("Flatten", axis=1, shape=(prod(self.shape),))

    def transpose(self) -> None:
        perm = self.draw(st.permutations(range(1, len(self.shape) + 1)))
        self.add("Transpose", perm=[0, *perm], shape=tuple(self.shape[axis - 1] for axis in perm))

    def with_axes(self, op: str, axes: list[int], shape: tuple[int, ...]) -> None:
        if self.opset < 13:
            self.add(op, shape=shape, axes=axes)
        else:
            self.add(op, self.constant(axes, np.int64), shape=shape)

    def unsqueeze(self) -> None:
        if len(self.shape) < 4:
            at = self.draw(st.integers(1, len(self.shape) + 1))
            self.with_axes("Unsqueeze", [at], (*self.shape[: at - 1], 1, *self.shape[at - 1 :]))

    def squeeze(self) -> None:
        ones = [i + 1 for i, size in enumerate(self.shape) if size == 1]
        if ones and len(self.shape) > 1:
            at = self.pick(*ones)
            self.with_axes("Squeeze", [at], self.shape[: at - 1] + self.shape[at:])

    def reshape(self) -> None:
        features = prod(self.shape)
        first = self.pick(*(size for size in range(1, features + 1) if features % size == 0))
        shape = self.pick((features,), (first, features // first))
        if self.pick(True, False, False):
            self.reshape_by_shape(shape)
            return
        target = [self.pick(0, -1, self.batch) if isinstance(self.batch, int) else self.pick(0, -1), *shape]
        if shape[0] == self.shape[0] and self.pick(True, False):
            target[1] = 0
        if -1 not in target:
            target[self.pick(*range(1, len(target)))] = -1
        self.add("Reshape", self.constant(target, np.int64), shape=shape)

    def reshape_by_shape(self, shape: tuple[int, ...]) -> None:
        """As torch's view(x.size(0), ...) is exported: Shape, Gather, Unsqueeze, Concat."""
        source, base = self.current, self.name()
        self.nodes.append(node("Shape", [source], base + "s"))
        zero = self.constant(0, np.int64)
        self.nodes.append(node("Gather", [base + "s", zero], base + "g", axis=0))
        axes: dict[str, Any] = {"axes": [0]} if self.opset < 13 else {}
        more = [] if axes else [self.constant([0], np.int64)]
        self.nodes.append(node("Unsqueeze", [base + "g", *more], base + "u", **axes))
        rest = self.constant(shape, np.int64)
        self.nodes.append(node("Concat", [base + "u", rest], base + "c", axis=0))
        self.add("Reshape", base + "c", shape=shape)


@st.composite
def chains(draw: Any, opsets: tuple[int, ...] = (17,)) -> tuple[onnx.ModelProto, tuple[int, ...]]:
    """(model, the shape of a batch to feed it)."""
    batch = draw(st.sampled_from(["n", None, 1, 3]))
    shape = draw(st.sampled_from([(5,), (8,), (2, 3), (1, 4), (2, 2, 3), (1, 1, 5), (4, 1)]))
    seed = draw(st.integers(0, 2**32 - 1))
    chain = Chain(draw, draw(st.sampled_from(opsets)), batch, shape, np.random.default_rng(seed))
    steps = [Chain.arithmetic, Chain.activate, Chain.nothing, Chain.flatten, Chain.transpose, Chain.unsqueeze]
    steps += [Chain.squeeze, Chain.reshape, Chain.matmul, Chain.normalise, *[Chain.gemm] * 3]
    for step in draw(st.lists(st.sampled_from(steps), min_size=1, max_size=9)):
        if step is Chain.gemm or (not chain.nodes and step is Chain.nothing):
            if len(chain.shape) != 1:
                chain.flatten()
            chain.gemm()
        else:
            step(chain)
        if prod(chain.shape) > MOST_FEATURES:
            break
    if not any(proto.output[0] == chain.current for proto in chain.nodes):
        chain.activate()
    tail = draw(st.sampled_from([None, None, "Softmax", "LogSoftmax"]))
    if tail:
        if chain.opset < 13 and len(chain.shape) != 1:
            chain.flatten()
        chain.add(tail, axis=len(chain.shape))
    proto = model(chain.nodes, [batch, *shape], None, chain.weights, opset=chain.opset, y=chain.current)
    return proto, (batch if isinstance(batch, int) else 2, *shape)
