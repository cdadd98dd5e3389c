"""The bit-exact meaning of a Program: what the RTL computes, in NumPy integers, from the same slices."""

import numpy as np
from scipy.sparse import csr_array

from emcc.eie.pack import unpack_rows
from emcc.ir.graph import Array
from emcc.ir.program import Layer, Program
from emcc.ops.fixed import activate


def run(program: Program, x: Array) -> Array:
    """Run a batch.

    Args:
        x: integers [n, elements], the quantised input, flattened in the model's order.

    Returns:
        int64 [n, outputs] in the model's order.
    """
    return run_layers(program, x)[-1][:, np.argsort(program.output_order)]


def run_layers(program: Program, x: Array, count: int | None = None) -> list[Array]:
    """Return what every layer takes and the last one gives: int64 arrays [n, elements] in slot order, input first.

    `count` layers are run, or all.
    """
    values = [np.asarray(x, np.int64)[:, program.input_order]]
    for layer in program.layers[:count]:
        accumulators = (weights(layer, program.pes) @ values[-1].T).T + layer.bias
        table = program.tables[layer.table] if layer.table >= 0 else None
        values.append(activate(accumulators, layer.shift, layer.z_fmt.width, layer.function, table))
    return values


def weights(layer: Layer, pes: int) -> csr_array:
    """Decode the layer's weights from its slices: int64 [n_out, n_in], sparse, padding zeros left out."""
    rows, columns = unpack_rows(layer.count, layer.first, layer.run, pes)
    values = layer.codebook[layer.code]
    kept = values != 0
    return csr_array((values[kept], (rows[kept], columns[kept])), shape=(layer.n_out, layer.n_in), dtype=np.int64)
