"""Program: what the accelerator executes. Everything downstream of lowering reads this and nothing else."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from emcc.ir.graph import Array, Format

FUNCTIONS = ("identity", "relu", "table")

MAX_RUN_W = 16
"""Bits of the widest zero run: it is stored as uint16."""

MAX_ACC_W = 48
MAX_PES = 256
QUEUE_DEPTHS = (16, 32, 64, 128)


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
class Layer:
    """y = f(W x + b), W n_out x n_in, rows dealt to PEs: row r belongs to PE r % pes, where it is local row r // pes.

    Rows and columns are numbered by slot: a permutation that lowering chose (see Program.output_order). PE p's
    non-zero weights are entries first[p] .. first[p+1]-1 of `code` and `run`, column by column; column j of PE p is
    the count[p, j] entries from start[p, j] (relative to first[p]). Within a column an entry's local row is
    run for the first entry, previous + run + 1 after that. An entry whose code stands for 0 is a padding zero.

    Attributes:
        name: the ONNX node's name (untrusted text).
        n_in, n_out: columns and rows.
        code_w, run_w: bits of an entry's code and zero run.
        codebook: int64 [2**code_w], 16-bit values, unused entries 0.
        start, count: int64 [pes, n_in].
        first: int64 [pes + 1].
        code: uint8 [entries]; run: uint16 [entries].
        bias: int64 [n_out], at accumulator scale, in slot order.
        in_fmt, z_fmt, out_fmt: formats of x, of W x + b after requantising, and of y.
        weight_frac: fraction bits of the codebook.
        shift: in_fmt.frac_bits + weight_frac - z_fmt.frac_bits, >= 0.
        function: one of FUNCTIONS; table: index into Program.tables, or -1.
        padding: number of padding zeros.
    """

    name: str
    n_in: int
    n_out: int
    code_w: int
    run_w: int
    codebook: Array
    start: Array
    count: Array
    first: Array
    code: Array
    run: Array
    bias: Array
    in_fmt: Format
    z_fmt: Format
    out_fmt: Format
    weight_frac: int
    shift: int
    function: str
    table: int
    padding: int

    @property
    def entries(self) -> int:
        """Spmat entries over all PEs, padding zeros included."""
        return int(self.code.size)


@dataclass(frozen=True)
class Program:
    """A network for an array of `pes` processing elements.

    Attributes:
        name: the model's name (untrusted text).
        pes: processing elements.
        act_w: bits an activation (16 or 8).
        acc_w: accumulator bits, proven by lowering to hold every partial sum.
        queue_depth: activation queue entries a PE.
        layers: in order.
        tables: distinct function tables.
        input_name, input_shape: as in the model; the batch axis left out.
        input_order: int64 [layers[0].n_in]; slot s takes element input_order[s] of the flattened input.
        output_name, output_shape: as in the model; the batch axis left out.
        output_order: int64 [layers[-1].n_out]; slot s is element output_order[s] of the flattened output.
        host: operators left to the host, in order: ("Softmax", {"axis": -1}), ("ArgMax", {...}).
        drop_empty, overlap, prefetch: what the array does to save cycles: keep empty columns out of the queues, scan a
            layer while its source is being written, read flags ahead. Off only to measure what each is worth.
    """

    name: str
    pes: int
    act_w: int
    acc_w: int
    queue_depth: int
    layers: tuple[Layer, ...]
    tables: tuple[Table, ...]
    input_name: str
    input_shape: tuple[int, ...]
    input_order: Array
    output_name: str
    output_shape: tuple[int, ...]
    output_order: Array
    host: tuple[tuple[str, Mapping[str, Any]], ...] = ()
    drop_empty: bool = True
    overlap: bool = True
    prefetch: bool = True

    @property
    def in_words(self) -> int:
        """Words of `pes` activations an input takes."""
        return words(self.layers[0].n_in, self.pes)

    @property
    def out_words(self) -> int:
        """Words of `pes` activations an output takes."""
        return words(self.layers[-1].n_out, self.pes)


def words(elements: int, pes: int) -> int:
    """Words of one activation a PE that `elements` activations take."""
    return -(-elements // pes)
