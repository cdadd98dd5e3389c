"""What a compiled network costs, as plain numbers, against the same model dense at the same number of PEs."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from emcc.ir.graph import Array, Format, Graph, Node
from emcc.ir.program import Layer

CLOCK_HZ = 100_000_000
"""The clock at which cycles are printed as seconds; nothing else depends on it."""

FLOAT_BYTES = 4


def dense_cycles(rows: int, columns: int, pes: int) -> int:
    """Return cycles of the dense baseline: rows dealt to PEs, one multiply-accumulate a PE and cycle, no skipping."""
    return -(-rows // pes) * columns


def dense_bytes(rows: int, columns: int) -> int:
    """Return the bytes of the dense baseline: weights and biases as float32, as they came."""
    return (rows * columns + rows) * FLOAT_BYTES


def layer_row(graph: Graph, node: Node, layer: Layer, pes: int, coded_bytes: int, cycles: float) -> dict[str, Any]:
    """Return one layer's figures.

    Args:
        graph: quantised; `node` is its QLinear.
        layer: what lowering made of it; unused rows and columns are gone there.
        coded_bytes: its part of model.emc.
        cycles: estimated, mean over the samples.
    """
    codes, codebook = (graph.constants[name] for name in node.inputs[1:3])
    rows, columns = codes.shape
    kept = int(np.count_nonzero(codebook[codes]))
    return {
        "name": node.name,
        "rows": rows,
        "columns": columns,
        "rows_used": layer.n_out,
        "columns_used": layer.n_in,
        "function": layer.function,
        "weights": rows * columns,
        "kept": kept,
        "density": kept / (rows * columns),
        "code_w": layer.code_w,
        "run_w": layer.run_w,
        "codebook_entries": int(np.unique(codes).size),
        "entries": layer.entries,
        "padding_zeros": layer.padding,
        "spmat_bits": layer.entries * (layer.code_w + layer.run_w),
        "dense_bytes": dense_bytes(rows, columns),
        "bytes": coded_bytes,
        "dense_cycles": dense_cycles(rows, columns, pes),
        "cycles": cycles,
        "weight_frac_bits": layer.weight_frac,
        "shift": layer.shift,
        "in_format": as_dict(layer.in_fmt),
        "z_format": as_dict(layer.z_fmt),
        "out_format": as_dict(layer.out_fmt),
    }


def as_dict(fmt: Format) -> dict[str, int]:
    """Return a format for the manifest."""
    return {"width": fmt.width, "frac_bits": fmt.frac_bits}


def totals(rows: Sequence[Mapping[str, Any]], file_bytes: int, cycles: Array, work: Array, pes: int) -> dict[str, Any]:
    """Return the whole model's figures.

    Args:
        rows: of `layer_row`.
        file_bytes: size of model.emc.
        cycles, work: estimated cycles and useful multiply-accumulates (neither operand zero), of each sample.
        pes: processing elements.
    """
    mean = float(cycles.mean())
    dense, before, weights, kept = (
        sum(row[key] for row in rows) for key in ("dense_cycles", "dense_bytes", "weights", "kept")
    )
    return {
        "weights": weights,
        "kept": kept,
        "density": kept / weights,
        "padding_zeros": sum(row["padding_zeros"] for row in rows),
        "dense_bytes": before,
        "bytes": file_bytes,
        "compression": before / file_bytes,
        "dense_cycles": dense,
        "cycles": {"mean": mean, "min": int(cycles.min()), "max": int(cycles.max()), "samples": int(cycles.size)},
        "speedup": dense / mean,
        "utilisation": float(work.sum() / (cycles.sum() * pes)),
        "clock_hz": CLOCK_HZ,
        "dense_seconds": dense / CLOCK_HZ,
        "seconds": mean / CLOCK_HZ,
    }
