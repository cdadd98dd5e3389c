"""What a rule of the front end sees of a node: its attributes and inputs, with the checks that all rules need."""

import math
from collections.abc import Collection, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx

from emcc.frontend.context import Model
from emcc.frontend.grids import BITS, INDEXED, TRUTHS
from emcc.frontend.refusal import Refusal, UnknownShapeError, quoted
from emcc.frontend.topology import node_name
from emcc.ir.graph import INDICES, Array, Node
from emcc.ops.operator import Shape

Made = tuple[str, tuple[str, ...], dict[str, Any]]
"""What a rule makes of a node: op, inputs and attributes of the ir Node that gives its output (see Operands.put)."""

BATCH = (
    "keep the batch as the first axis of every tensor, e.g. Reshape to [0, -1], Flatten with axis=1; or, where the "
    "file leaves the batch open, take one sample at a time: --shape 1x..."
)

LARGEST = 1 << 24
"""Most elements a sample of a computed tensor: no FPGA holds as many activations."""


@dataclass(frozen=True)
class Step:
    """An ir node in front of the one that a rule returns, and the tensor between them."""

    made: Made
    output: str


@dataclass(frozen=True)
class Data:
    """A computed tensor: its shape (None in front: the batch) or None where unknown, and its type.

    `derived`: it would be constant, were the shape of a
    tensor known that a refused node makes. `bare`: the model, which is for one sample alone, has no batch axis in
    front of it: its shape there is shape[1:], and not (1, *shape[1:]). `unit`: every sample is a vector of numbers from
    0 up, whose sum is 1. `at`: the place of the batch among the axes in the model's order, where it is not the first;
    `before`, `after`: whether the model has the axis before it, or behind it, and the batch as one axis. `grid`: of
    integers, the attributes of the QuantizeLinear that made them, where that is known.
    """

    shape: Shape | None
    dtype: str = "float32"
    derived: bool = False
    bare: bool = False
    unit: bool = False
    at: int = 0
    before: int = 0
    after: int = 0
    grid: Mapping[str, Any] | None = None

    @property
    def in_front(self) -> bool:
        """Whether the batch is the model's first axis, and nothing but the batch."""
        return not self.at and not self.after

    def sizes(self, batch: int) -> list[int]:
        """The shape in the model, for so many samples, where it is not bare."""
        rest = [int(size or 1) for size in (self.shape or ())[1:]]
        apart, low, high = [*rest[: self.at], batch, *rest[self.at :]], self.at - self.before, self.at + self.after
        return [*apart[:low], math.prod(apart[low : high + 1]), *apart[high + 1 :]]


@dataclass
class Operands:
    """One node.

    Attributes:
        proto: the node.
        attrs: its attributes over the defaults of its operator.
        model: what it is a node of.
        batch: the number of samples the model is read for.
        frozen: whether that is 1 although the model's batch axis is open.
        data: every computed tensor so far.
        constants: every constant so far.
        names: every name that the model has, wherever, and those that nodes before this one made.
        changed: constants in the form that the node needs, by the name it refers to them with.
        steps: ir nodes in front of the one that the rule returns.
        makers: the ir nodes so far, by the tensors they make.
        kept: constants of those, by the names that they have there.
        leaves_bare: whether the output is bare (see Data); None where an input's being so decides.
        leaves_unit: whether the output is: see Data.
        others: what makes each of the node's other outputs, where the node has such: see `also`.
        integers_too: whether the rule takes tensors of integers.
        units: of constants so far that are integers times units, these, to be broadcast; changed_units: of `changed`.
        settled: constants that other outputs of the node are.
        wanted: what anything reads, or is an output.
        ends: of outputs that a rule places itself, the attributes of their Data.
        rows: whether the rows of a Gemm are several a sample.
    """

    proto: onnx.NodeProto
    attrs: Mapping[str, Any]
    model: Model
    batch: int
    frozen: bool
    data: MutableMapping[str, Data]
    constants: MutableMapping[str, Array]
    names: Collection[str]
    makers: Mapping[str, Node]
    kept: Mapping[str, Array]
    changed: dict[str, Array] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)
    leaves_bare: bool | None = None
    leaves_unit: bool = False
    others: dict[str, Made] = field(default_factory=dict)
    integers_too: bool = False
    units: Mapping[str, Array] = field(default_factory=dict)
    changed_units: dict[str, Array] = field(default_factory=dict)
    settled: dict[str, Array] = field(default_factory=dict)
    wanted: Collection[str] = ()
    ends: dict[str, dict[str, Any]] = field(default_factory=dict)
    rows: bool = False

    @property
    def opset(self) -> int:
        """Return the version of the default domain."""
        return self.model.opsets[""]

    @property
    def sources(self) -> Collection[str]:
        """Return the names of the model's inputs."""
        return self.model.sources

    def given(self, i: int) -> bool:
        """Return whether input i is there."""
        return i < len(self.proto.input) and bool(self.proto.input[i])

    def is_data(self, i: int) -> bool:
        """Return whether input i is computed from the model's input."""
        return self.given(i) and self.proto.input[i] in self.data

    def bare(self, i: int = 0) -> bool:
        """Return whether input i is computed and bare: see Data."""
        return self.is_data(i) and self.data[self.proto.input[i]].bare

    @property
    def single(self) -> bool:
        """Whether the model itself is for one sample alone, so that its batch axis may be anywhere, or gone."""
        return self.batch == 1 and not self.frozen

    def shape(self, i: int = 0, bare: bool = False) -> tuple[int | None, ...]:
        """Return the shape of input i, a computed tensor of floats, or of integers where the rule takes such.

        It may be bare only where `bare` is set.
        """
        data = self.data[self.proto.input[i]]
        taken = self.picks(i) or self.counts(i) or (self.integers_too and data.dtype in BITS)
        taken = taken or (data.dtype == "bool" and self.proto.op_type in TRUTHS)
        if data.dtype != "float32" and not taken:
            raise Refusal(f"input {i} holds {data.dtype}, not floats", "leave it out")
        if data.shape is None:
            raise UnknownShapeError
        if data.bare and not bare:
            raise Refusal(f"input {i} is {list(data.shape[1:])} in the model, without the batch in front", BATCH)
        return data.shape

    def picks(self, i: int = 0) -> bool:
        """Return whether input i holds integers of the model's input, and the operator may read such."""
        return self._whole(i) and self._moved(i) in self.sources

    def counts(self, i: int = 0) -> bool:
        """Return whether input i holds places, of an ArgMax or a TopK, and the operator may read such."""
        return self._whole(i) and self._moved(i) not in self.sources

    def _whole(self, i: int) -> bool:
        return self.data[self.proto.input[i]].dtype in INDICES and self.proto.op_type in INDEXED

    def _moved(self, i: int) -> str:
        """The tensor that input i is, before it was moved about."""
        name = str(self.proto.input[i])
        while name in self.makers and self.data[self.makers[name].inputs[0]].dtype in INDICES:
            name = self.makers[name].inputs[0]
        return name

    def full(self, i: int = 0) -> tuple[int, ...]:
        """Return the shape of input i, which is not bare, with the batch in its place."""
        return tuple(self.batch if size is None else size for size in self.shape(i))

    def own(self, i: int = 0) -> tuple[int, ...]:
        """Return the shape that input i has in the model, for the number of samples it is read for."""
        if self.bare(i):
            return tuple(size for size in self.shape(i, bare=True)[1:] if size is not None)
        self.shape(i)
        return tuple(self.data[self.proto.input[i]].sizes(self.batch))

    def batch_at(self, i: int = 0) -> int:
        """Return the axis that the batch is in the model, of input i; -1 where it shares that axis."""
        data = self.data[self.proto.input[i]]
        return -1 if data.before or data.after else data.at

    def wants(self, output: int) -> bool:
        """Return whether anything reads that output of the node, or it is one of the model's."""
        return output < len(self.proto.output) and self.proto.output[output] in self.wanted

    def places(self, output: int, **where: Any) -> None:
        """Say of an output which attributes its Data has: bare, at."""
        if output < len(self.proto.output) and self.proto.output[output]:
            self.ends[str(self.proto.output[output])] = where

    def constant(self, i: int) -> Array:
        """Return the value of input i, of any type."""
        name = self.proto.input[i]
        if name not in self.constants:
            raise Refusal(f"input {i} ({quoted(name)}) is computed from the model's input", "make it an initializer")
        return self.constants[name]

    def integers(self, i: int) -> tuple[int, ...]:
        """Return the value of input i, a vector of integers."""
        value = self.constant(i)
        if value.dtype.kind not in "iu" or value.ndim > 1 or value.size > 64:
            raise Refusal(f"input {i} is not a vector of integers", "export the model again")
        return tuple(int(item) for item in value.ravel())

    def weights(self, i: int, rank: int | None = None) -> Array:
        """Return the value of input i as float32, every element finite; its rank is `rank`, where given."""
        value, name = self.constant(i), self.proto.input[i]
        if value.dtype.kind != "f":
            raise Refusal(f"input {i} ({quoted(name)}) holds {value.dtype}, not floats", "store it as float32")
        if not value.size:
            raise Refusal(f"input {i} ({quoted(name)}) is {list(value.shape)}: it has no elements", "give it some")
        if rank is not None and value.ndim != rank:
            raise Refusal(f"input {i} ({quoted(name)}) has {value.ndim} axes, not {rank}", "export the model again")
        with np.errstate(over="ignore"):
            floats = np.asarray(value, np.float32)
        if not np.isfinite([floats.min(), floats.max()]).all():
            at = np.unravel_index(int(np.argmin(np.isfinite(floats))), floats.shape)
            index = ", ".join(str(int(axis)) for axis in at)
            reason = f"{quoted(name)} holds {value[at]} at [{index}]"
            raise Refusal(reason, "train again, or mend it: weights must be finite")
        return floats

    def truths(self, i: int) -> Array:
        """Return the value of input i, of booleans or floats, as float32."""
        value = self.constant(i)
        return value.astype(np.float32) if value.dtype.kind == "b" and value.size else self.weights(i)

    def number(self, name: str) -> float:
        """Return a float attribute, finite."""
        value = float(self.attrs[name])
        if not math.isfinite(value):
            raise Refusal(f"attribute {name!r} is {value}", "give it a finite value")
        return value

    def axis(self, name: str, rank: int) -> int:
        """Return an axis attribute, counted from the front."""
        return self.counted(int(self.attrs[name]), rank)

    def counted(self, axis: int, rank: int) -> int:
        """Return `axis` counted from the front."""
        if not -rank <= axis < rank:
            raise Refusal(f"axis {axis} is not one of {rank}", "export the model again")
        return axis % rank

    def axes(self, rank: int) -> tuple[int, ...] | None:
        """Return the axes that input 1, or else attribute `axes`, names, counted from the front and sorted, or None."""
        given = self.integers(1) if self.given(1) else self.attrs.get("axes")
        if given is None:
            return None
        axes = tuple(sorted(self.counted(int(axis), rank) for axis in given))
        if len(set(axes)) != len(axes):
            raise Refusal(f"axes {list(axes)} repeat", "name each axis once")
        return axes

    def keep(self, i: int, value: Array) -> str:
        """Keep constant `value`, which is input i, or that in another shape; return its name."""
        own = str(self.proto.input[i])
        free = own not in self.changed and own not in self.data and value.shape == self.constants[own].shape
        name = self._hold(own if free else self.fresh(own), value)
        if own in self.units and value.size == self.constants[own].size:
            unit = self.units[own]
            same = value.shape == self.constants[own].shape
            spread = unit if same else np.broadcast_to(unit, self.constants[own].shape).reshape(value.shape)
            self.changed_units[name] = spread
        return name

    def keep_units(self, i: int, value: Array, unit: Array) -> str:
        """Keep `value`, input i as floats, integers times `unit`; return its name."""
        name = self._hold(self.fresh(str(self.proto.input[i])), value)
        self.changed_units[name] = unit
        return name

    def constant_of(self, part: str, value: Array) -> str:
        """Keep a constant that the model does not have; return its name, made of the node's output and `part`."""
        return self._hold(self.fresh(f"{self.proto.output[0]}.{part}"), value)

    def named(self, part: str, value: Array) -> str:
        """Keep a constant that the model does not have; return its name, made of the node's name and `part`."""
        return self._hold(self.fresh(f"{node_name(self.proto)}.{part}"), value)

    def put(self, op: str, inputs: tuple[str, ...], attrs: dict[str, Any]) -> str:
        """Put an ir node in front of the one that the rule returns; return the name of the tensor it makes."""
        made = next((name for name in self.proto.output if name), "")
        output = self.fresh(f"{made}.{op.lower()}")
        self.steps.append(Step((op, inputs, attrs), output))
        return output

    def also(self, output: int, made: Made) -> None:
        """Say what makes another output of the node than the one that the rule returns."""
        if output < len(self.proto.output) and self.proto.output[output]:
            self.others[str(self.proto.output[output])] = made

    def fresh(self, name: str) -> str:
        """Return `name`, with as many primes behind it as make it unlike every other."""
        taken = {*self.changed, *(step.output for step in self.steps)}
        while name in taken or name in self.names or name in self.data or name in self.constants:
            name += "'"
        return name

    def _hold(self, name: str, value: Array) -> str:
        self.changed[name] = value
        return name
