"""Small designs of column groups that between them use every number of their package, to be linted."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from emcc import ops
from emcc.eie.options import LowerOptions
from emcc.ir.graph import Array, Format, Graph, Node, Tensor
from emcc.ir.program import Program

FRAC = 6
WEIGHT_FRAC = 6
WINDOW = {"strides": (1, 1), "dilations": (1, 1), "pads": (1, 1, 1, 1), "kernel_shape": (3, 3)}


@dataclass(frozen=True)
class Grouped:
    """Steps over a map of `channels` channels, by their names in `Made`: each reads what the one before gives.

    With `boot` weights come as a stream. `halves`: (early, again) of the last steps, see ir.Step.
    """

    steps: tuple[str, ...]
    channels: int
    act_w: int
    lower: LowerOptions
    boot: bool = False
    halves: tuple[tuple[int, int], ...] = ()

    def program(self) -> Program:
        """Lower the graph."""
        from emcc.eie.groups.halves import with_half
        from emcc.eie.lower import lower

        program = lower(self.graph(), self.lower)
        for index, half in enumerate(self.halves, len(program.steps) - len(self.halves)):
            program = with_half(program, index, *half)
        return program

    def graph(self) -> Graph:
        """Make the quantised graph; weights and tables are random."""
        made = Made(self.channels, self.act_w)
        for step in self.steps:
            getattr(made, step)()
        return Graph("specimen", ("x",), (made.last.name,), tuple(made.nodes), made.tensors, made.constants)

    def files(self) -> Mapping[str, bytes]:
        """Emit rtl/ and rom/, and the AXI top of a digest of zeros, or the boot image and its port."""
        from emcc.backends import rom, soc, verilog
        from emcc.backends.rom import flash
        from emcc.eie.groups.schedule import plan
        from emcc.eie.groups.tables import Context
        from emcc.link.digest import LINK, digest_of
        from emcc.link.render import memory

        program = self.program()
        context = Context(program, plan(program))
        images = rom.core_images(program, context.plan)
        boot = rom.BootLayout.of(context.numbers, images) if self.boot else None
        axi = {} if boot else soc.render_axi(soc.values(1, 1, bytes(32)), program.next_input)
        core = verilog.render_of(context, boot)
        uart = verilog.render_uart(core, boot is not None, program.next_input)
        files = {**core, **uart, **rom.render(images, "hex"), **axi}
        structure = boot.structure.hex() if boot else ""
        image = {flash.FILE: flash.write(boot, images)} if boot else {}
        return {**files, **image, LINK: memory(program.act_w, digest_of(files), structure)}


@dataclass
class Made:
    """A graph under construction."""

    channels: int
    act_w: int
    rng: np.random.Generator = field(default_factory=lambda: np.random.default_rng(0))
    tensors: dict[str, Tensor] = field(default_factory=dict)
    constants: dict[str, Array] = field(default_factory=dict)
    nodes: list[Node] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.last = Tensor("x", (None, self.channels, 3, 3), fmt=Format(self.act_w, FRAC))
        self.tensors["x"] = self.last

    def conv(self, code_w: int = 4, group: int = 1, multiplied: bool = False, own: bool = False) -> None:
        """A convolution."""
        shape, half = (self.channels, self.channels // group, 3, 3), 1 << code_w - 1
        codes = self.rng.integers(0, 1 << code_w, shape, np.uint8) if not own else self.rng.integers(-half, half, shape)
        codes = codes.astype(f"int{code_w}") if own else codes
        window = {name: value for name, value in WINDOW.items() if name != "kernel_shape"}
        self._weights(
            "QConv",
            codes,
            {**window, "group": group},
            code_w,
            multiplied=multiplied,
            more=4 * multiplied + (code_w - 6) * own,
        )

    def wide(self) -> None:
        """A convolution with longer codes."""
        self.conv(code_w=8)

    def depthwise(self) -> None:
        """A convolution of each channel alone, with multipliers."""
        self.conv(group=self.channels, multiplied=True)

    def linear(self) -> None:
        """A matrix product over the whole map."""
        self._node("Flatten", [self.last.name], {"axis": 1}, self.last.fmt)
        codes = self.rng.integers(0, 4, (self.channels, self.last.features), np.uint8)
        self._weights("QLinear", codes, {}, 2, more=5, function="identity")

    def dense(self) -> None:
        """A matrix product with multipliers."""
        codes = self.rng.integers(0, 16, (self.channels, self.last.features), np.uint8)
        self._weights("QLinear", codes, {}, 4, more=8, multiplied=True)

    def own(self) -> None:
        """A convolution whose codes are its weights."""
        self.conv(code_w=8, own=True)

    def own_wide(self) -> None:
        """The same with weights of 16 bits, and multipliers."""
        self.conv(code_w=16, multiplied=True, own=True)

    def own_depthwise(self) -> None:
        """The same of each channel alone."""
        self.conv(code_w=16, group=self.channels, own=True)

    def table(self) -> None:
        """A sum with a table behind it."""
        coarse = self._constant(self.rng.integers(-100, 100, 1 << self.act_w))
        inputs = [self.last.name, coarse, self._constant(np.zeros(1, np.int64))]
        self._quantised("QSum", inputs, {"weights": (1,)}, FRAC, "table", 0)

    def add(self) -> None:
        """A sum of two tensors."""
        self._quantised("QSum", [self.last.name, self._like()], {"weights": (1, -1)}, FRAC, "relu", 0)

    def multiply(self) -> None:
        """A product of two tensors."""
        self._quantised("QProduct", [self.last.name, self._like()], {}, 2 * FRAC, "identity", FRAC)

    def largest(self) -> None:
        """A maximum."""
        self._node("MaxPool", [self.last.name], {**WINDOW, "ceil_mode": 0}, self.last.fmt)

    def mean(self) -> None:
        """A mean of what is on the map."""
        book = self._constant(np.array([0, *((1 << 14) // count for count in range(1, 10))]))
        attrs = {**WINDOW, "ceil_mode": 0, "weight_frac": 14, "count_include_pad": 0}
        self._quantised("QAveragePool", [self.last.name, book], attrs, FRAC + 14, "identity", 14)

    def host(self) -> None:
        """What no array computes."""
        self._node("Softmax", [self.last.name], {"axis": len(self.last.shape) - 1}, Format(self.act_w, FRAC))

    def _like(self) -> str:
        """Name the first tensor of the last one's shape."""
        return next(name for name, tensor in self.tensors.items() if tensor.shape == self.last.shape)

    def _constant(self, value: Array) -> str:
        name = f"c{len(self.constants)}"
        self.constants[name] = value
        return name

    def _weights(
        self,
        op: str,
        codes: Array,
        attrs: dict[str, Any],
        code_w: int,
        *,
        more: int,
        function: str = "relu",
        multiplied: bool = False,
    ) -> None:
        """Add a layer; `more` is what it shifts by beside the weights' fraction bits."""
        rows, own = len(codes), codes.dtype.kind == "i"
        book = "" if own else self._constant(np.append(0, self.rng.integers(-60, 60, (1 << code_w) - 1)))
        values = [self.rng.integers(-200, 200, rows), *[self.rng.integers(1, 99, rows)] * multiplied]
        attrs = {**attrs, "code_w": code_w, "weight_frac": WEIGHT_FRAC}
        inputs = [self.last.name, self._constant(codes), book, *map(self._constant, values)]
        self._quantised(op, inputs, attrs, FRAC + WEIGHT_FRAC, function, WEIGHT_FRAC + more)

    def _quantised(
        self, op: str, inputs: list[str], attrs: dict[str, Any], frac: int, function: str, shift: int
    ) -> None:
        attrs = {**attrs, "act_w": self.act_w, "z_frac": frac - shift, "shift": shift, "function": function}
        fmt = Format(self.act_w, FRAC if function == "table" else frac - shift)
        self._node(op, inputs, {**attrs, "lo_bits": 0, "hi_bits": 0}, fmt)

    def _node(self, op: str, inputs: list[str], attrs: dict[str, Any], fmt: Format | None) -> None:
        node = Node(f"{op} {len(self.nodes)}", op, tuple(inputs), (f"y{len(self.nodes)}",), attrs)
        shapes = [
            self.tensors[name].shape if name in self.tensors else self.constants[name].shape if name else None
            for name in inputs
        ]
        self.last = Tensor(node.outputs[0], ops.get(op).shape(node, *shapes), fmt=fmt)
        self.tensors[self.last.name] = self.last
        self.nodes.append(node)


GROUPED = {
    "groups": Grouped(
        ("own", "depthwise", "largest", "mean", "add", "multiply", "table", "host", "wide", "linear"),
        *(11, 8, LowerOptions(pes=8, groups=4, queue_depth=16)),
    ),
    "one_group": Grouped(("linear",), 1, 16, LowerOptions(pes=1)),
    "no_codes": Grouped(("multiply", "add"), 5, 16, LowerOptions(pes=6, groups=2)),
    "many_lanes": Grouped(("own", "largest", "wide"), 20, 16, LowerOptions(pes=32, groups=2)),
    "own_codes": Grouped(("own", "own_wide", "own_depthwise"), 2, 16, LowerOptions(pes=3)),
    "own_codes_too": Grouped(("own_wide", "own_depthwise", "conv", "linear"), 5, 16, LowerOptions(pes=8, groups=2)),
    "many_groups": Grouped(("conv", "depthwise"), 9, 8, LowerOptions(pes=8, groups=8, queue_depth=16)),
    "next_input": Grouped(
        ("conv", "add", "table", "largest", "linear"),
        *(5, 8, LowerOptions(pes=4, groups=2, queue_depth=16, next_input=True)),
    ),
    "halves": Grouped(
        ("own", "linear", "dense", "dense", "dense", "add"),
        *(21, 8, LowerOptions(pes=8, groups=2, queue_depth=16)),
        halves=((4, 6), (2, 1), (0, 0), (4, 3), (0, 0)),
    ),
    "booted": Grouped(("own_depthwise", "conv"), 6, 8, LowerOptions(pes=4, groups=2), boot=True),
    "booted_codes": Grouped(("conv",), 3, 16, LowerOptions(pes=1), boot=True),
}
