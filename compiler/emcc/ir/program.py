"""Program: what the accelerator executes. Everything downstream of lowering reads this and nothing else."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from emcc.ir.graph import PLAIN, Affine, Array, Format

FUNCTIONS = ("identity", "relu", "table")
KINDS = ("broadcast", "local")
COMBINES = ("mac", "max", "mul")

MAX_RUN_W = 16
"""Bits of the widest zero run: it is stored as uint16."""

MAX_ACC_W = 48
MAX_PES = 256
GROUPS = (1, 2, 4, 8)
QUEUE_DEPTHS = (16, 32, 64, 128)
HOLE = -1
"""In an order: nothing of the model lies here."""


@dataclass(frozen=True)
class Buffer:
    """One tensor as the array holds it: `height` x `width` positions, row by row, of as many slots.

    Attributes:
        name: the tensor's name (untrusted text).
        height, width: positions; 1 x 1 for a vector.
        order: int64 [slots]; slot s holds channel order[s] of the model's tensor, or nothing (HOLE).
        fmt: format of an element.
        whole, first: this is slots first, first + 1, ... of buffer `whole` (Concat without a copy); -1, 0 for a buffer
            of its own.
    """

    name: str
    height: int
    width: int
    order: Array
    fmt: Format
    whole: int = -1
    first: int = 0

    @property
    def positions(self) -> int:
        """Positions."""
        return self.height * self.width

    @property
    def slots(self) -> int:
        """Slots a position."""
        return int(self.order.size)


@dataclass(frozen=True)
class Port:
    """How a tensor outside of the array lies in a buffer.

    Attributes:
        name, shape: of the tensor; the batch axis left out.
        buffer: index into Program.buffers.
        order: int64 [positions, slots]: the element of the flattened tensor that is there, or HOLE. What is written
            may repeat elements, and a hole is written as 0; of what is read, every element is in one place.
        affine: of the program's inputs and outputs, what the host does to the tensor in floats; of a host part's,
            PLAIN.
    """

    name: str
    shape: tuple[int, ...]
    buffer: int
    order: Array
    affine: Affine = PLAIN

    @property
    def slots(self) -> Array:
        """The element in each slot, position after position: int64 [positions * slots]."""
        return self.order.reshape(-1)


@dataclass(frozen=True)
class HostPart:
    """A node that the host runs, in float64, between steps: its inputs dequantised, its output quantised.

    Attributes:
        before: it runs before step `before`, and in the order of the parts.
        name, op, attrs: the node (untrusted text in `name`).
        reads: an input each: the index of a port in `ports`, ABSENT, or FIRST_CONSTANT - k for constants[k].
        ports: what it reads; target: what it writes.
        constants: float or integer arrays.
    """

    before: int
    name: str
    op: str
    attrs: Mapping[str, Any]
    reads: tuple[int, ...]
    ports: tuple[Port, ...]
    target: Port
    constants: tuple[Array, ...] = ()


ABSENT = -1
FIRST_CONSTANT = -2


@dataclass(frozen=True)
class Window:
    """Taps over a map. Output position (y, x) has its tap (i, j) at (y, x) * stride + (i, j) * dilation - before.

    Taps are numbered row by row; where a tap lies beyond the map it gives nothing. All pairs are (height, width).
    """

    kernel: tuple[int, ...] = (1, 1)
    stride: tuple[int, ...] = (1, 1)
    dilation: tuple[int, ...] = (1, 1)
    before: tuple[int, ...] = (0, 0)

    @property
    def taps(self) -> int:
        """Taps of a window."""
        return self.kernel[0] * self.kernel[1]


@dataclass(frozen=True)
class Table:
    """A function of one activation as two look-ups: y = saturate(coarse[i] + fine[j]).

    For z of `width` bits, u = z + 2**(width-1) (so that u is unsigned):
    i = u >> lo_bits; j = (u >> (width - hi_bits)) << lo_bits | (u & (2**lo_bits - 1)).
    This is the bipartite table of Das Sarma and Matula (1995); with lo_bits = 0 it is a plain table (fine is [0]).

    Attributes:
        lo_bits, hi_bits: see above; hi_bits is 0 where lo_bits is 0.
        coarse: int64 [2**(width - lo_bits)], within the activation's range.
        fine: int64 [2**(hi_bits + lo_bits)], or [1] holding 0, within the activation's range.
    """

    lo_bits: int
    hi_bits: int
    coarse: Array
    fine: Array


@dataclass(frozen=True)
class Slices:
    """A sparse matrix of codes, n_out x n_in, rows dealt to lanes: row r is lane r % lanes's local row r // lanes.

    Lane p's non-zero weights are entries first[p] .. first[p+1]-1 of `code` and `run`, column by column; column j of
    lane p is the count[p, j] entries from start[p, j] (relative to first[p]). Within a column an entry's local row is
    run for the first entry, previous + run + 1 after that. An entry whose code stands for 0 is a padding zero.

    Attributes:
        n_in, n_out: columns (a step's taps x its source's slots, the slots of tap 0 first) and rows.
        code_w, run_w: bits of an entry's code and zero run.
        start, count: int64 [lanes, n_in]; first: int64 [lanes + 1].
        code: uint8 [entries], uint16 of 16 bits a code; run: uint16 [entries].
        padding: number of padding zeros.
    """

    n_in: int
    n_out: int
    code_w: int
    run_w: int
    start: Array
    count: Array
    first: Array
    code: Array
    run: Array
    padding: int

    @property
    def entries(self) -> int:
        """Spmat entries over all lanes, padding zeros included."""
        return int(self.code.size)


@dataclass(frozen=True)
class Step:
    """What the array does in one go: y = f(requantise((sums + bias) * multiplier)), at every position of its target.

    A *broadcast* step sums W x over the window's taps and the source's slots, for each of the matrix's rows. In a
    *local* step every slot works for itself, with `combine` over taps, source after source:
    mac: sums of weights times x. The weight of a tap is codebook[codes[tap, slot]]; without codes it is
    codebook[taps that count], one for all taps of a position: AveragePool.
    max: the largest of the taps on the map. mul: the product of two sources. A source of one position stands for
    every position.

    Attributes:
        name: the ONNX node's name (untrusted text).
        kind: one of KINDS; combine: one of COMBINES ("mac" in a broadcast step).
        sources, target: indices into Program.buffers; a broadcast step has one source.
        window: the taps; of one tap where there are several sources.
        margins: top, left, bottom, right: taps so far beyond the map count as well, though they give nothing.
        slices, codes, codebook, bias, multiplier, table: indices into the Program's tuples, or -1. Where there are
            slices or codes and no codebook, the code is the weight, two's complement of 8 or 16 bits.
        weight_frac: fraction bits of the codebook.
        z_fmt: of what requantising gives; shift: its right shift, >= 0.
        function: one of FUNCTIONS.
        early: of a broadcast step with one position, local rows that are drained while the others' last columns are
            accumulated, a multiple of the groups; 0: all rows are drained together.
        again: where `early` is not 0, words of the source that are walked again for the others, the last ones of all
            taps' words: whole taps where there are several.
    """

    name: str
    kind: str
    combine: str
    sources: tuple[int, ...]
    target: int
    window: Window
    margins: tuple[int, ...]
    slices: int
    codes: int
    codebook: int
    bias: int
    multiplier: int
    table: int
    weight_frac: int
    z_fmt: Format
    shift: int
    function: str
    early: int = 0
    again: int = 0


@dataclass(frozen=True)
class Program:
    """A network for an array of `pes` processing elements: `groups` groups of `lanes`, each with columns of its own.

    A position's slots are dealt to words of `pes` slots, rows to `lanes`: the PEs of a lane have the same rows.

    Attributes:
        name: the model's name (untrusted text).
        pes: processing elements; groups: column groups, one of GROUPS, a divisor of `pes`.
        act_w: bits an activation (16 or 8).
        acc_w: accumulator bits, proven by lowering to hold every partial sum.
        queue_depth: activation queue entries a PE.
        inputs, outputs: the model's ports.
        parts: nodes that the host runs before and between steps.
        host: what the host runs on the one output, in order: ("Softmax", {"axis": -1}), ("ArgMax", {...}).
        buffers: of all tensors. steps: in order.
        slices, tables: shared by steps.
        codes: uint8 [taps, slots] each, of local steps; uint16 where codes are weights of 16 bits.
        codebooks: int64, 16-bit values. biases: int64 [slots], at accumulator scale. multipliers: int64 [slots].
        next_input: whether the next inference's inputs are received while this one runs; see eie.next_input.
    """

    name: str
    pes: int
    act_w: int
    acc_w: int
    queue_depth: int
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    buffers: tuple[Buffer, ...]
    steps: tuple[Step, ...]
    slices: tuple[Slices, ...]
    codes: tuple[Array, ...]
    codebooks: tuple[Array, ...]
    biases: tuple[Array, ...]
    multipliers: tuple[Array, ...]
    tables: tuple[Table, ...]
    parts: tuple[HostPart, ...] = ()
    host: tuple[tuple[str, Mapping[str, Any]], ...] = ()
    groups: int = 1
    next_input: bool = False

    @property
    def lanes(self) -> int:
        """PEs of a group: among so many are the rows of a matrix dealt."""
        return self.pes // self.groups


def words(elements: int, pes: int) -> int:
    """Words of one activation a PE that `elements` activations take."""
    return -(-elements // pes)
