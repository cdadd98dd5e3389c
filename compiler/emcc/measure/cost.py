"""What a compiled network costs, as plain numbers, against the same model dense at the same number of PEs."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from emcc.ir.codebook import code_width
from emcc.ir.graph import Array, Format, Graph, Node
from emcc.ir.program import Program, Step
from emcc.ops import qlinear

CLOCK_HZ = 100_000_000
"""The clock at which cycles are printed as seconds; nothing else depends on it."""

FLOAT_BYTES = 4


def dense_cycles(rows: int, columns: int, pes: int) -> int:
    """Return cycles of the dense baseline: rows dealt to PEs, one multiply-accumulate a PE and cycle, no skipping."""
    return -(-rows // pes) * columns


def dense_bytes(rows: int, columns: int) -> int:
    """Return the bytes of the dense baseline: weights and biases as float32, as they came."""
    return (rows * columns + rows) * FLOAT_BYTES


def layer_row(
    graph: Graph, node: Node, program: Program, step: Step, coded_bytes: int, cycles: float
) -> dict[str, Any]:
    """Return the figures of one layer, a matrix product or a convolution.

    Args:
        graph: quantised; `node` is its QLinear or QConv.
        program, step: what lowering made of it; unused rows and columns are gone there.
        coded_bytes: its part of model.emc.
        cycles: estimated, mean over the samples.
    """
    codes, codebook, *_ = qlinear.constants(graph, node)
    rows, columns = len(codes), codes[0].size
    kept = int(np.count_nonzero(qlinear.decoded(codes, codebook)))
    source, target = (program.buffers[index] for index in (step.sources[0], step.target))
    return {
        "name": node.name,
        "rows": rows,
        "columns": columns,
        "function": step.function,
        "weights": rows * columns,
        "kept": kept,
        "density": kept / (rows * columns),
        "codebook_entries": int(np.unique(codes).size) if codebook is not None else 0,
        **_packed(program, step),
        "dense_bytes": dense_bytes(rows, columns),
        "bytes": coded_bytes,
        "dense_cycles": dense_cycles(rows, columns, program.pes) * target.positions,
        "cycles": cycles,
        "weight_frac_bits": step.weight_frac,
        "shift": step.shift,
        "in_format": as_dict(source.fmt),
        "z_format": as_dict(step.z_fmt),
        "out_format": as_dict(target.fmt),
    }


def hosted_row(graph: Graph, node: Node) -> dict[str, int]:
    """Return the figures of a layer that the host runs, of a quantised graph: no cycle of the array, dense or not."""
    weights, bias = (graph.constants[name] for name in node.inputs[1:3])
    size = FLOAT_BYTES * (weights.size + bias.size)
    return {"weights": weights.size, "kept": int(np.count_nonzero(weights)), "dense_bytes": size, "dense_cycles": 0}


def _packed(program: Program, step: Step) -> dict[str, int]:
    """Return how a step's weights lie in the array: a depthwise convolution's are all there, and have no runs."""
    if step.slices >= 0:
        packed = program.slices[step.slices]
        used = {"rows_used": packed.n_out, "columns_used": packed.n_in}
        code_w, run_w, entries, padding = packed.code_w, packed.run_w, packed.entries, packed.padding
    else:
        codes = program.codes[step.codes]
        used = {"rows_used": codes.shape[1], "columns_used": len(codes)}
        code_w, run_w, entries, padding = code_width(codes, step.codebook < 0), 0, codes.size, 0
    bits = entries * (code_w + run_w)
    return {**used, "code_w": code_w, "run_w": run_w, "entries": entries, "padding_zeros": padding, "spmat_bits": bits}


def as_dict(fmt: Format) -> dict[str, int]:
    """Return a format for the manifest."""
    return {"width": fmt.width, "frac_bits": fmt.frac_bits}


def totals(
    rows: Sequence[Mapping[str, Any]],
    hosted: Sequence[Mapping[str, int]],
    file_bytes: int,
    cycles: Array,
    transfer: int,
    work: Array,
    pes: int,
    hz: int = CLOCK_HZ,
) -> dict[str, Any]:
    """Return the whole model's figures.

    Args:
        rows: of `layer_row`. Weights and the dense baseline are of those without "made": a dense model need not
            multiply by what emcc made a matrix of, such as a shuffle of channels.
        hosted: of `hosted_row`.
        file_bytes: size of model.emc.
        cycles, work: estimated cycles and useful multiply-accumulates (neither operand zero), of each sample.
        transfer: cycles beside them in which inputs and outputs cross.
        pes: processing elements.
        hz: the clock that times are at.
    """
    mean = float(cycles.mean())
    counted = [*(row for row in rows if not row.get("made")), *hosted]
    dense, before, weights, kept = (
        sum(row[key] for row in counted) for key in ("dense_cycles", "dense_bytes", "weights", "kept")
    )
    return {
        "weights": weights,
        "kept": kept,
        "density": kept / weights if weights else 1.0,
        "padding_zeros": sum(row["padding_zeros"] for row in rows),
        "dense_bytes": before,
        "bytes": file_bytes,
        "compression": before / file_bytes,
        "dense_cycles": dense,
        "cycles": {"mean": mean, "min": int(cycles.min()), "max": int(cycles.max()), "samples": int(cycles.size)},
        "transfer_cycles": transfer,
        "speedup": dense / (mean + transfer),
        "utilisation": float(work.sum() / (cycles.sum() * pes)),
        "clock_hz": hz,
        "dense_seconds": dense / hz,
        "seconds": (mean + transfer) / hz,
    }


def throughput(between: Array, exposed: Array, hz: int) -> dict[str, Any]:
    """Return the figures of a stream of inferences whose next input comes while one runs.

    Args:
        between: int64 [n], cycles from answer to answer at most; `exposed`: those in which an input still comes.
        hz: the clock that times are at.
    """
    mean = float(between.mean())
    return {
        "cycles": mean,
        "exposed_cycles": float(exposed.mean()),
        "exact": not exposed.any(),
        "seconds": mean / hz,
        "per_second": hz / mean,
    }
