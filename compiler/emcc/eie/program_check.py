"""Whether a Program, say from a file, is one that the array can run."""

import math
from collections.abc import Iterator

import numpy as np

from emcc.base.text import printable
from emcc.eie.pack import unpack_rows
from emcc.eie.reference import weights
from emcc.ir.graph import Array
from emcc.ir.program import FUNCTIONS, MAX_ACC_W, MAX_PES, MAX_RUN_W, QUEUE_DEPTHS, Layer, Program
from emcc.ops import having
from emcc.ops.fixed import output_bounds
from emcc.ops.host import apply

_CODE_WIDTHS = (1, 2, 4, 8)
_FRAC = 1 << 14


def problems(program: Program) -> list[str]:
    """Say what is wrong, a sentence each; [] where nothing is."""
    wrong = list(_network(program))
    if not wrong:
        wrong = [f"table {i}: {text}" for i in range(len(program.tables)) for text in _table(program, i)]
    for i, layer in enumerate(program.layers if not wrong else ()):
        texts = list(_layer(program, layer)) or list(_entries(program, layer))
        wrong += [f"layer {i + 1} ({printable(layer.name, 40)!r}): {text}" for text in texts]
    return wrong or list(_accumulators(program)) + list(_host(program))


def _network(program: Program) -> Iterator[str]:
    if not 1 <= program.pes <= MAX_PES:
        yield f"{program.pes} PEs, not 1 to {MAX_PES}"
    if program.act_w not in (8, 16) or not program.act_w < program.acc_w <= MAX_ACC_W:
        yield f"activations of {program.act_w} bits and accumulators of {program.acc_w}"
    if program.queue_depth not in QUEUE_DEPTHS:
        yield f"queues of {program.queue_depth} entries, not one of {', '.join(map(str, QUEUE_DEPTHS))}"
    if len({(table.lo_bits, table.hi_bits) for table in program.tables}) > 1:
        yield "tables of different splits"
    if not program.layers:
        yield "no layers"
        return
    elements, n_in, n_out = math.prod(program.input_shape), program.layers[0].n_in, program.layers[-1].n_out
    if min((*program.input_shape, *program.output_shape), default=1) < 1 or math.prod(program.output_shape) != n_out:
        yield f"shapes {program.input_shape} and {program.output_shape} do not fit {n_in} inputs and {n_out} outputs"
    if program.input_order.shape != (n_in,) or not _distinct(program.input_order, elements):
        yield "the input order does not pick distinct elements of the input"
    if program.output_order.shape != (n_out,) or not _distinct(program.output_order, n_out):
        yield "the output order is not a permutation"
    for i, (layer, after) in enumerate(zip(program.layers, program.layers[1:], strict=False), 1):
        if layer.n_out != after.n_in or layer.out_fmt != after.in_fmt:
            yield f"layer {i}'s result is not what layer {i + 1} takes"


def _distinct(order: Array, size: int) -> bool:
    return bool(_within(order, 0, size - 1) and np.unique(order).size == order.size)


def _within(values: Array, low: int, high: int) -> bool:
    return not values.size or bool(int(values.min()) >= low and int(values.max()) <= high)


def _table(program: Program, i: int) -> Iterator[str]:
    table, width = program.tables[i], program.act_w
    if not 0 <= table.lo_bits < width or not 0 <= table.hi_bits <= min(width - table.lo_bits, table.lo_bits * width):
        yield f"a split of {table.lo_bits} low and {table.hi_bits} high bits"
    elif table.coarse.shape != (1 << width - table.lo_bits,) or table.fine.shape != (
        1 << table.hi_bits + table.lo_bits,
    ):
        yield f"{table.coarse.shape} and {table.fine.shape} entries"
    for values in (table.coarse, table.fine):
        if not _within(values, -(1 << width - 1), (1 << width - 1) - 1):
            yield f"entries beyond {width} bits"


def _layer(program: Program, layer: Layer) -> Iterator[str]:
    if layer.code_w not in _CODE_WIDTHS or not 0 <= layer.run_w <= MAX_RUN_W:
        yield f"codes of {layer.code_w} and runs of {layer.run_w} bits"
        return
    if layer.n_in < 1 or layer.n_out < 1:
        yield f"{layer.n_in} inputs and {layer.n_out} outputs"
    shapes = {
        "codebook": (1 << layer.code_w,),
        "start": (program.pes, layer.n_in),
        "count": (program.pes, layer.n_in),
        "first": (program.pes + 1,),
        "run": layer.code.shape,
        "bias": (layer.n_out,),
    }
    for name, shape in shapes.items():
        if getattr(layer, name).shape != shape or len(layer.code.shape) != 1:
            yield f"{name} is of shape {getattr(layer, name).shape}, not {shape}"
    for fmt in (layer.in_fmt, layer.z_fmt, layer.out_fmt):
        if fmt.width != program.act_w or abs(fmt.frac_bits) > _FRAC:
            yield f"a format of {fmt.width} bits, {fmt.frac_bits} of them fraction"
    if (
        not 0 <= layer.shift < program.acc_w
        or layer.shift != layer.in_fmt.frac_bits + layer.weight_frac - layer.z_fmt.frac_bits
    ):
        yield f"it shifts by {layer.shift}"
    if layer.function not in FUNCTIONS or (layer.function == "table") != (layer.table >= 0):
        yield f"function {printable(layer.function, 20)!r} with table {layer.table}"
    if layer.function != "table" and layer.out_fmt != layer.z_fmt:
        yield f"{printable(layer.function, 20)!r} changes the format"
    if not -1 <= layer.table < len(program.tables):
        yield f"table {layer.table} of {len(program.tables)}"
    if not _within(layer.codebook, -(1 << 15), (1 << 15) - 1):
        yield "codebook entries beyond 16 bits"
    if not _within(layer.bias, -(1 << program.acc_w - 1), (1 << program.acc_w - 1) - 1):
        yield f"biases beyond the accumulator's {program.acc_w} bits"
    if not _within(layer.code, 0, (1 << layer.code_w) - 1) or not _within(layer.run, 0, (1 << layer.run_w) - 1):
        yield f"codes beyond {layer.code_w} or runs beyond {layer.run_w} bits"


def _entries(program: Program, layer: Layer) -> Iterator[str]:
    """Check the slices, after `_layer` found nothing."""
    if not _within(layer.count, 0, layer.n_out) or int(layer.count.sum()) != layer.entries:
        yield f"the columns have {int(layer.count.sum())} entries, not {layer.entries}"
        return
    slices = layer.count.sum(axis=1)
    if not np.array_equal(layer.first, np.concatenate([[0], np.cumsum(slices)])):
        yield "the PEs' slices do not follow each other"
    elif not np.array_equal(layer.start, np.cumsum(layer.count, axis=1) - layer.count):
        yield "the columns do not follow each other"
    elif layer.entries and int(unpack_rows(layer.count, layer.first, layer.run, program.pes)[0].max()) >= layer.n_out:
        yield f"entries lie beyond row {layer.n_out - 1}"
    if layer.padding != np.count_nonzero(layer.codebook[layer.code] == 0):
        yield f"{layer.padding} padding zeros of {layer.entries} entries"


def _accumulators(program: Program) -> Iterator[str]:
    """Check that sums fit the accumulator, after `_layer` and `_entries` found nothing."""
    low, high = program.layers[0].in_fmt.low, program.layers[0].in_fmt.high
    for i, layer in enumerate(program.layers, 1):
        sums = np.asarray(abs(weights(layer, program.pes)).sum(axis=1)).ravel()
        bound = int((sums * max(-low, high) + np.abs(layer.bias)).max()) + (1 << layer.shift >> 1)
        if bound >= 1 << program.acc_w - 1:
            yield f"layer {i}: sums of up to {bound} do not fit an accumulator of {program.acc_w} bits"
        table = program.tables[layer.table] if layer.table >= 0 else None
        low, high = output_bounds(layer.out_fmt, layer.function, table)


def _host(program: Program) -> Iterator[str]:
    unknown = sorted({op for op, _ in program.host} - set(having("host")))
    if unknown:
        yield f"the host has no operator {printable(unknown[0], 40)!r}"
        return
    try:
        apply(program.host, np.zeros((1, *program.output_shape)))
    except (TypeError, ValueError, IndexError) as error:
        yield f"the host's operators do not fit the output: {printable(str(error))}"
