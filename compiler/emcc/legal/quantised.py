"""What holds a quantised graph's numbers together: formats, shifts, codebooks and tables."""

from collections.abc import Callable, Mapping

import numpy as np

from emcc import ops
from emcc.ir.codebook import CODE_WIDTHS
from emcc.ir.graph import Array, Format, Graph, Node
from emcc.legal.checks import require
from emcc.ops import qlinear
from emcc.ops.interpret import EXACT
from emcc.ops.qlocal import computed


def quantised(graph: Graph) -> None:
    """All tensors are of one width; numbers fit together, node by node."""
    widths = {format_of(graph, name).width for name in graph.tensors}
    require(len(widths) == 1, f"activations of {sorted(widths)} bits")
    for node in graph.nodes:
        if "quantised" in ops.traits(node.op):
            require(node.attrs["act_w"] in widths, f"{node.op} ({node.name!r}): activations of {sorted(widths)} bits")
            _CHECKS[node.op](graph, node)
            _function(graph, node)
        elif ops.traits(node.op) & EXACT:
            names = [name for name in (*node.inputs, *node.outputs) if name in graph.tensors]
            formats = {format_of(graph, name) for name in names}
            require(len(formats) == 1, f"{node.op} ({node.name!r}): formats {sorted(map(str, formats))}")


def format_of(graph: Graph, name: str) -> Format:
    """The format of a tensor, which it must have."""
    fmt = graph.tensors[name].fmt
    require(fmt, f"tensor {name!r} has no format")
    assert fmt is not None
    return fmt


def _shifts(node: Node, frac: int) -> None:
    require(node.attrs["shift"] == frac - node.attrs["z_frac"], f"{node.op} ({node.name!r}): shift")


def _codebook(node: Node, codebook: Array) -> None:
    name = f"{node.op} ({node.name!r})"
    require(codebook.dtype == np.int64, f"{name}: integers are not int64")
    require(codebook.min() >= -(1 << 15) and codebook.max() < 1 << 15, f"{name}: codebook beyond 16 bits")


def _layer(graph: Graph, node: Node) -> None:
    name = f"{node.op} ({node.name!r})"
    codes, codebook, bias, multiplier = qlinear.constants(graph, node)
    code_w = node.attrs["code_w"]
    require(codes.dtype == ("uint8" if codebook is not None else f"int{code_w}"), f"{name}: codes are {codes.dtype}")
    require(bias.dtype == np.int64, f"{name}: integers are not int64")
    if codebook is not None:
        require(code_w in CODE_WIDTHS and int(codes.max()) < 1 << code_w, f"{name}: codes go beyond the codebook")
        _codebook(node, codebook)
    if multiplier is not None:
        _codebook(node, multiplier)
    _shifts(node, format_of(graph, node.inputs[0]).frac_bits + node.attrs["weight_frac"])


def _pool(graph: Graph, node: Node) -> None:
    _codebook(node, graph.constants[node.inputs[1]])
    _shifts(node, format_of(graph, node.inputs[0]).frac_bits + node.attrs["weight_frac"])


def _sum(graph: Graph, node: Node) -> None:
    names, _ = computed(node, node.inputs)
    fracs = set()
    for name, weight in zip(names, node.attrs["weights"], strict=True):
        place = abs(weight).bit_length() - 1
        require(0 <= place < 15 and abs(weight) == 1 << place, f"QSum ({node.name!r}): weight {weight}")
        fracs.add(format_of(graph, name).frac_bits + place)
    require(len(fracs) == 1, f"QSum ({node.name!r}): scales {sorted(fracs)}")
    _shifts(node, fracs.pop())


def _product(graph: Graph, node: Node) -> None:
    _shifts(node, sum(format_of(graph, name).frac_bits for name in node.inputs[:2]))


def _function(graph: Graph, node: Node) -> None:
    """The function's table fits the formats on either side of it."""
    name, attrs = f"{node.op} ({node.name!r})", node.attrs
    lo, hi, width = attrs["lo_bits"], attrs["hi_bits"], attrs["act_w"]
    y = format_of(graph, node.outputs[0])
    if attrs["function"] != "table":
        plain = y.frac_bits == attrs["z_frac"] and not (lo or hi)
        require(plain, f"{name}: tables or formats of a {attrs['function']}")
        return
    tables = [graph.constants[constant] for constant in node.inputs[-2:]]
    require(len(tables) == 2 and lo + hi <= width, f"{name}: tables")
    require(all(table.dtype == np.int64 for table in tables), f"{name}: integers are not int64")
    require(tables[0].shape == (1 << (width - lo),), f"{name}: coarse is {tables[0].shape}")
    require(tables[1].shape == (1 << (hi + lo),) and (lo or not hi), f"{name}: fine is {tables[1].shape}")
    for table in tables:
        require(y.low <= table.min() and table.max() <= y.high, f"{name}: a table goes beyond {y}")


_CHECKS: Mapping[str, Callable[[Graph, Node], None]] = {
    "QAveragePool": _pool,
    "QConv": _layer,
    "QLinear": _layer,
    "QProduct": _product,
    "QSum": _sum,
}
