"""A quantised layer as a matrix of codes before it is dealt to PEs, and how nodes become such."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from emcc.ir.codebook import raw
from emcc.ir.graph import Array, Format, Graph, Node
from emcc.ir.program import HOLE, Table
from emcc.ops import qlinear
from emcc.ops.fixed import activate


@dataclass(frozen=True)
class Matrix:
    """One QLinear or QConv node: codes uint8 or uint16 [n_out, n_in], codebook int64 [2**code_w], bias int64 [n_out].

    The codebook is None where the code is the weight (ir.codebook.looked_up_in).

    The columns are a window's taps x channels, the channels of tap 0 first. `mask`: bool as `codes`, False where there
    is no weight whatever the code; None where all are weights. `activity`: float64 [n_in], how often each input is
    not zero, where that is known. `multiplier`: int64 [n_out], or None.
    """

    name: str
    codes: Array
    codebook: Array | None
    code_w: int
    bias: Array
    multiplier: Array | None
    out_fmt: Format
    weight_frac: int
    z_fmt: Format
    shift: int
    function: str
    table: Table | None
    activity: Array | None = None
    mask: Array | None = None

    def columns(self, chosen: Array) -> "Matrix":
        """Return the layer with the columns `chosen`, in that order; a HOLE is a column without weights."""
        activity = None if self.activity is None else np.where(chosen == HOLE, 0.0, self.activity[chosen])
        mask = None if self.mask is None else self.mask[:, chosen]
        if (chosen == HOLE).any():
            mask = np.broadcast_to(chosen != HOLE, (len(self.codes), chosen.size)) & (True if mask is None else mask)
        return replace(self, codes=self.codes[:, chosen], activity=activity, mask=mask)

    def rows(self, chosen: Array) -> "Matrix":
        """Return the layer with the rows `chosen`, in that order; a HOLE is a row without weights and bias."""
        hole = chosen == HOLE
        mask = None if self.mask is None else self.mask[chosen]
        if hole.any():
            mask = np.broadcast_to(~hole[:, None], (chosen.size, self.codes.shape[1])) & (
                True if mask is None else mask
            )
        multiplier = None if self.multiplier is None else np.where(hole, 1, self.multiplier[chosen])
        bias = np.where(hole, 0, self.bias[chosen])
        return replace(self, codes=self.codes[chosen], bias=bias, multiplier=multiplier, mask=mask)

    @property
    def live(self) -> Array:
        """Bool [n_out, n_in]: where a weight is not zero."""
        live = np.asarray(self.codes != 0 if self.codebook is None else (self.codebook != 0)[self.codes])
        return live if self.mask is None else live & self.mask

    @property
    def pads(self) -> bool:
        """Whether code 0 is the weight 0."""
        return self.codebook is None or self.codebook[0] == 0

    def activate(self, accumulators: Array) -> Array:
        """Requantise accumulators [..., n_out] (bias included) and apply the function; int64."""
        by = 1 if self.multiplier is None else self.multiplier
        return activate(accumulators, self.shift, self.z_fmt.width, self.function, self.table, by)


def matrix(graph: Graph, node: Node, positions: int, activity: Mapping[str, Array]) -> Matrix:
    """Return a QLinear or QConv as a matrix.

    Args:
        graph: quantised.
        positions: of the map that a QLinear reads, flattened: its columns are (channel, position) in the model.
        activity: as `eie.activity` measures it, or empty.
    """
    attrs, out_fmt = node.attrs, graph.tensors[node.outputs[0]].fmt
    assert out_fmt is not None
    codes, codebook, bias, multiplier = qlinear.constants(graph, node)
    codes = raw(codes)
    busy, mask = activity.get(node.inputs[0]), None
    if node.op == "QConv":
        codes, mask = _dense(codes, int(attrs["group"]))
        busy = None if busy is None else np.tile(busy, codes.shape[1] // busy.size)
    elif positions > 1:
        codes, busy = _by_position(codes, positions), None if busy is None else _by_position(busy[None], positions)[0]
    return Matrix(
        name=node.name,
        codes=codes,
        codebook=codebook,
        code_w=attrs["code_w"],
        bias=np.asarray(bias, np.int64),
        multiplier=multiplier,
        out_fmt=out_fmt,
        weight_frac=attrs["weight_frac"],
        z_fmt=Format(out_fmt.width, attrs["z_frac"]),
        shift=attrs["shift"],
        function=attrs["function"],
        table=table_of(graph, node),
        activity=None if busy is None else np.asarray(busy, np.float64),
        mask=mask,
    )


def table_of(graph: Graph, node: Node) -> Table | None:
    """Return a quantised node's function table, if it has one."""
    if node.attrs["function"] != "table":
        return None
    coarse, fine = (np.asarray(graph.constants[name], np.int64) for name in node.inputs[-2:])
    return Table(node.attrs["lo_bits"], node.attrs["hi_bits"], coarse, fine)


def _by_position(columns: Array, positions: int) -> Array:
    """Return [rows, channels x positions] as [rows, positions x channels]."""
    return np.ascontiguousarray(columns.reshape(len(columns), -1, positions).swapaxes(1, 2)).reshape(len(columns), -1)


def _dense(codes: Array, group: int) -> tuple[Array, Array | None]:
    """Return codes [out, in / group, kh, kw] as ([out, taps x in], the mask of a grouped convolution)."""
    out, inner, *kernel = codes.shape
    taps = kernel[0] * kernel[1]
    by_tap = codes.reshape(out, inner, taps).swapaxes(1, 2)
    if group == 1:
        return np.ascontiguousarray(by_tap).reshape(out, -1), None
    full, mask = np.zeros((out, taps, group * inner), codes.dtype), np.zeros((out, taps, group * inner), bool)
    for g in range(group):
        rows, columns = slice(g * out // group, (g + 1) * out // group), slice(g * inner, (g + 1) * inner)
        full[rows, :, columns] = by_tap[rows]
        mask[rows, :, columns] = True
    return full.reshape(out, -1), mask.reshape(out, -1)
