"""A quantised layer before it is dealt to PEs, and the walk from a Graph of QLinear nodes to a list of them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from emcc.ir.graph import Array, Format, Graph
from emcc.ir.program import Table
from emcc.ops.fixed import activate, output_bounds


@dataclass(frozen=True)
class Matrix:
    """One QLinear node: codes uint8 [n_out, n_in], codebook int64 [2**code_w], bias int64 [n_out].

    `activity`: float64 [n_in], how often each input is not zero, where that is known.
    """

    name: str
    codes: Array
    codebook: Array
    code_w: int
    bias: Array
    in_fmt: Format
    z_fmt: Format
    out_fmt: Format
    weight_frac: int
    shift: int
    function: str
    table: Table | None
    activity: Array | None = None

    def columns(self, chosen: Array) -> "Matrix":
        """Return the layer with the columns `chosen`, in that order."""
        activity = None if self.activity is None else self.activity[chosen]
        return replace(self, codes=self.codes[:, chosen], activity=activity)

    @property
    def live(self) -> Array:
        """Bool [n_out, n_in]: where a weight is not zero."""
        return np.asarray((self.codebook != 0)[self.codes])

    def output_bounds(self) -> tuple[int, int]:
        """Return the smallest and largest activation this layer can give."""
        return output_bounds(self.out_fmt, self.function, self.table)

    def activate(self, accumulators: Array) -> Array:
        """Requantise accumulators (bias included) and apply the function; any shape, int64."""
        return activate(accumulators, self.shift, self.z_fmt.width, self.function, self.table)


def matrices(graph: Graph, activity: Sequence[Array] | None = None) -> list[Matrix]:
    """Return the QLinear chain of `graph` as matrices, in order, each with its item of `activity`."""
    result: list[Matrix] = []
    for node in graph.nodes:
        if node.op != "QLinear":
            raise ValueError(f"lowering takes QLinear nodes, not {node.op}: {node.name!r}")
        x, codes, codebook, bias, *tables = node.inputs
        in_fmt, out_fmt = graph.tensors[x].fmt, graph.tensors[node.outputs[0]].fmt
        assert in_fmt is not None
        assert out_fmt is not None
        attrs = node.attrs
        table = None
        if attrs["function"] == "table":
            coarse, fine = (np.asarray(graph.constants[name], np.int64) for name in tables)
            table = Table(attrs["lo_bits"], attrs["hi_bits"], coarse, fine)
        book = np.zeros(1 << attrs["code_w"], np.int64)
        book[: graph.constants[codebook].size] = graph.constants[codebook]
        result.append(
            Matrix(
                name=node.name,
                codes=graph.constants[codes],
                codebook=book,
                code_w=attrs["code_w"],
                bias=np.asarray(graph.constants[bias], np.int64),
                in_fmt=in_fmt,
                z_fmt=Format(out_fmt.width, attrs["z_frac"]),
                out_fmt=out_fmt,
                weight_frac=attrs["weight_frac"],
                shift=attrs["shift"],
                function=attrs["function"],
                table=table,
                activity=None if activity is None else np.asarray(activity[len(result)], np.float64),
            )
        )
    return result
