"""A Program in the making: steps, and what they share."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from emcc.eie.matrix import Matrix, table_of
from emcc.eie.options import DEEP, LowerOptions
from emcc.eie.pack import Positions, pack, padding_zeros, positions
from emcc.eie.places import Places
from emcc.eie.tensors import Part
from emcc.ir.codebook import raw
from emcc.ir.graph import PLAIN, Array, Format, Graph, Node
from emcc.ir.program import (
    ABSENT,
    FIRST_CONSTANT,
    HOLE,
    MAX_ACC_W,
    MAX_RUN_W,
    HostPart,
    Port,
    Program,
    Slices,
    Step,
    Table,
    Window,
)
from emcc.ops import qlinear
from emcc.ops.qlocal import computed


class Pool:
    """Distinct values of one kind, by index."""

    def __init__(self) -> None:
        self.values: list[Any] = []
        self._known: dict[tuple[Any, ...], int] = {}

    def index(self, value: Any, *arrays: Array) -> int:
        """Return the index of a value that is the same as another if all of its arrays are."""
        key = tuple((array.shape, str(array.dtype), array.tobytes()) for array in arrays)
        if key not in self._known:
            self._known[key] = len(self.values)
            self.values.append(value)
        return self._known[key]

    def array(self, value: Array) -> int:
        """Return the index of an array."""
        return self.index(value, value)

    def table(self, table: Table | None) -> int:
        """Return the index of a function table, -1 for none."""
        if table is None:
            return -1
        return self.index(table, np.array([table.lo_bits, table.hi_bits]), table.coarse, table.fine)


class Draft:
    """Takes a quantised graph's nodes in order; `build` gives the Program, with accumulators of MAX_ACC_W bits."""

    def __init__(self, graph: Graph, options: LowerOptions, activity: Mapping[str, Array]) -> None:
        self.graph, self.options = graph, options
        self.places = Places(graph, options, activity)
        self.steps: list[Step] = []
        self.parts: list[HostPart] = []
        self._dealt: list[Matrix] = []
        self.codes, self.codebooks, self.biases, self.multipliers, self.tables = (Pool() for _ in range(5))
        self.inputs = tuple(self._end(name) for name in graph.inputs)

    def _end(self, name: str) -> Port:
        """Return the port of one of the model's inputs or outputs."""
        return replace(self.places.port(name), affine=self.graph.affines.get(name, PLAIN))

    def add(self, node: Node) -> None:
        """Add what a node becomes; nothing for a view."""
        (output,) = node.outputs
        if node.name in self.places.tensors.aside or self.places.tensors.of(output) != output:
            return
        if node.name in self.places.tensors.hosted:
            self._host(node)
        elif node.op == "Concat":
            self._concat(node)
        elif node.name in self.places.matrices:
            self._broadcast(node, self.places.matrices[node.name])
        else:
            self._local(node)

    def _step(self, node: Node, kind: str, combine: str, sources: Sequence[str | int], **more: Any) -> None:
        """Add a step with what STEP says in a quantised node. `sources`: tensors or buffers; `more` has precedence."""
        (output,) = node.outputs
        fmt = self.graph.tensors[output].fmt
        assert fmt is not None
        fields: dict[str, Any] = {
            **dict.fromkeys(("slices", "codes", "codebook", "bias", "multiplier", "table"), -1),
            "window": Window(),
            "margins": (0, 0, 0, 0),
            "weight_frac": node.attrs.get("weight_frac", 0),
            "z_fmt": Format(fmt.width, node.attrs.get("z_frac", fmt.frac_bits)),
            "shift": node.attrs.get("shift", 0),
            "function": node.attrs.get("function", "identity"),
            "sources": tuple(self.places.buffer(source) if isinstance(source, str) else source for source in sources),
        }
        fields |= {"target": self.places.buffer(output)} if "target" not in more else {}
        self.steps.append(Step(name=node.name, kind=kind, combine=combine, **{**fields, **more}))

    def _window(self, node: Node) -> Window:
        attrs = node.attrs
        kernel = self.graph.constants[node.inputs[1]].shape[2:] if node.op == "QConv" else attrs["kernel_shape"]
        return Window(tuple(kernel), tuple(attrs["strides"]), tuple(attrs["dilations"]), tuple(attrs["pads"][:2]))

    def _shared(self, layer: Matrix, source: str) -> Matrix:
        """Return a layer whose source holds columns several times, each time with some of the rows."""
        order = self.places.order(source)
        taken = self.places.unrolled[source].rows_of(order, len(layer.codes), self.options.lanes)
        mask = np.tile(taken, layer.codes.shape[1] // order.size)
        return replace(layer, mask=mask if layer.mask is None else layer.mask & mask)

    def _convolved(self, node: Node, source: str) -> Window:
        made = self.places.unrolled.get(source)
        return self._window(node) if made is None else made.rows

    def _broadcast(self, node: Node, layer: Matrix) -> None:
        (source,) = self.places.tensors.computed(node)
        dealt = layer.rows(self.places.order(node.outputs[0])).columns(self.places.columns(layer, source))
        if source in self.places.unrolled:
            dealt = self._shared(dealt, source)
        height, width, _ = self.places.tensors.maps[source]
        self._dealt.append(dealt)
        self._step(
            node,
            "broadcast",
            "mac",
            [source],
            slices=len(self._dealt) - 1,
            codebook=-1 if layer.codebook is None else self.codebooks.array(layer.codebook),
            bias=self.biases.array(dealt.bias),
            multiplier=-1 if dealt.multiplier is None else self.multipliers.array(dealt.multiplier),
            table=self.tables.table(layer.table),
            window=self._convolved(node, source) if node.op == "QConv" else Window((height, width)),
        )

    def _local(self, node: Node) -> None:
        graph, order = self.graph, self.places.order(node.outputs[0])
        sources, more = self.places.tensors.computed(node), dict[str, Any]()
        if "function" in node.attrs:
            more["table"] = self.tables.table(table_of(graph, node))
        if node.op in ("MaxPool", "QAveragePool", "QConv"):
            more["window"] = self._window(node)
        if node.op == "MaxPool":
            self._step(node, "local", "max", sources, **more)
        elif node.op == "QProduct":
            maps = [self.places.tensors.maps[name] for name in sources]
            sources = sources if maps[0][0] * maps[0][1] >= maps[1][0] * maps[1][1] else sources[::-1]
            self._step(node, "local", "mul", sources, **more)
        elif node.op == "QAveragePool":
            more["margins"] = node.attrs["pads"] if node.attrs["count_include_pad"] else (0, 0, 0, 0)
            more["codebook"] = self.codebooks.array(graph.constants[computed(node, node.inputs)[0][1]])
            self._step(node, "local", "mac", sources, **more)
        elif node.op == "QSum":
            book, codes = np.unique(np.array(node.attrs["weights"], np.int64), return_inverse=True)
            more["codes"] = self.codes.array(np.repeat(codes.astype(np.uint8)[:, None], order.size, axis=1))
            self._step(node, "local", "mac", sources, codebook=self.codebooks.array(book), **more)
        else:
            self._depthwise(node, order, sources, more)

    def _depthwise(self, node: Node, order: Array, sources: list[str], more: dict[str, Any]) -> None:
        codes, codebook, bias, multiplier = qlinear.constants(self.graph, node)
        hole, by_tap = order == HOLE, raw(codes).reshape(len(codes), -1).T
        more["codes"] = self.codes.array(np.where(hole, by_tap.dtype.type(0), by_tap[:, order]))
        more["bias"] = self.biases.array(np.where(hole, 0, bias[order]))
        if multiplier is not None:
            more["multiplier"] = self.multipliers.array(np.where(hole, 1, multiplier[order]))
        if codebook is not None:
            more["codebook"] = self.codebooks.array(codebook)
        self._step(node, "local", "mac", sources, **more)

    def _concat(self, node: Node) -> None:
        """Copy what does not lie in its place, and all of it where the order is not free."""
        (output,) = node.outputs
        whole, channels = self.places.whole(node), 0
        for i, (name, first) in enumerate(
            zip(self.places.tensors.computed(node), self.places.firsts(node), strict=True)
        ):
            if self.places.tensors.parts.get(name) != Part(output, channels):
                target = self.places.new(f"{output}.{i}", name, self.places.order(name), whole, first)
                codes = self.codes.array(np.zeros((1, self.places.order(name).size), np.uint8))
                book = self.codebooks.array(np.ones(1, np.int64))
                self._step(node, "local", "mac", [name], codes=codes, codebook=book, target=target)
            channels += self.places.tensors.maps[name][2]
        if output not in self.places.tensors.concats:
            self._reordered(node, whole)

    def _reordered(self, node: Node, source: int) -> None:
        """Copy a buffer into the output's, whose slots are in another order: a broadcast step, weights 0 and 1."""
        (output,) = node.outputs
        fmt = self.graph.tensors[output].fmt
        assert fmt is not None
        held, wanted = self.places.natural(node), self.places.order(output)
        codes = (held == wanted[:, None]) & (wanted != HOLE)[:, None]
        book, bias = np.array([0, 1]), np.zeros(wanted.size, np.int64)
        self._dealt.append(
            Matrix(node.name, codes.astype(np.uint8), book, 1, bias, None, fmt, 0, fmt, 0, "identity", None)
        )
        numbers = {
            "slices": len(self._dealt) - 1,
            "codebook": self.codebooks.array(book),
            "bias": self.biases.array(bias),
        }
        self._step(node, "broadcast", "mac", [source], **numbers)

    def _host(self, node: Node) -> None:
        reads: list[int] = []
        ports: list[Port] = []
        constants: list[Array] = []
        for name in node.inputs:
            if name in self.graph.tensors:
                reads.append(len(ports))
                ports.append(self.places.port(name))
            elif name:
                reads.append(FIRST_CONSTANT - len(constants))
                constants.append(self.graph.constants[name])
            else:
                reads.append(ABSENT)
        part = HostPart(
            before=len(self.steps),
            name=node.name,
            op=node.op,
            attrs=node.attrs,
            reads=tuple(reads),
            ports=tuple(ports),
            target=self.places.port(node.outputs[0]),
            constants=tuple(constants),
        )
        self.parts.append(part)

    def build(self) -> Program:
        """Return the Program."""
        graph, options = self.graph, self.options
        live = [positions(layer.codes, layer.live, options.lanes) for layer in self._dealt]
        run_ws = [_run_width(layer, weights, options) for layer, weights in zip(self._dealt, live, strict=True)]
        entry_w = max((layer.code_w + run_w for layer, run_w in zip(self._dealt, run_ws, strict=True)), default=1)
        slices, index = Pool(), []
        for layer, weights in zip(self._dealt, live, strict=True):
            packed = _slices(layer, weights, min(entry_w - layer.code_w, MAX_RUN_W))
            arrays = packed.start, packed.count, packed.code, packed.run
            index.append(slices.index(packed, *arrays, np.array([packed.n_out, packed.code_w, packed.run_w])))
        fmt = graph.tensors[graph.inputs[0]].fmt
        assert fmt is not None
        return Program(
            name=graph.name,
            pes=options.pes,
            act_w=fmt.width,
            acc_w=MAX_ACC_W,
            queue_depth=options.queue_depth or DEEP,
            inputs=self.inputs,
            outputs=tuple(self._end(name) for name in graph.outputs),
            buffers=tuple(self.places.buffers),
            steps=tuple(replace(step, slices=index[step.slices]) if step.slices >= 0 else step for step in self.steps),
            slices=tuple(slices.values),
            codes=tuple(self.codes.values),
            codebooks=tuple(self.codebooks.values),
            biases=tuple(self.biases.values),
            multipliers=tuple(self.multipliers.values),
            tables=tuple(self.tables.values),
            parts=tuple(self.parts),
            host=graph.host,
            groups=max(options.groups, 1),
            next_input=options.next_input,
        )


def _run_width(layer: Matrix, live: Positions, options: LowerOptions) -> int:
    """Choose the narrowest run with few enough padding zeros; where code 0 is a weight, pad only gaps beyond MAX_RUN_W.

    A codebook without any zero leaves no gap in a dense matrix: what needs padding has a code to pad with.
    """
    widest = min(max(1, int(live.run.max(initial=0)).bit_length()), MAX_RUN_W)
    if not layer.pads:
        return widest
    if options.run_bits:
        return options.run_bits
    allowed = options.padding * live.run.size
    return next(w for w in range(1, widest + 1) if w == widest or padding_zeros(live, w) <= allowed)


def _slices(layer: Matrix, live: Positions, run_w: int) -> Slices:
    packed = pack(live, run_w, zero=0 if layer.codebook is None else int(np.abs(layer.codebook).argmin()))
    n_out, n_in = layer.codes.shape
    return Slices(n_in=n_in, n_out=n_out, code_w=layer.code_w, run_w=run_w, **vars(packed))
