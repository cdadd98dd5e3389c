"""Graph of QLinear nodes -> Program."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from emcc.base.errors import EmccError
from emcc.eie.balance import row_order
from emcc.eie.matrix import Matrix, matrices
from emcc.eie.options import LowerOptions
from emcc.eie.pack import Positions, pack, padding_zeros, positions
from emcc.eie.trim import trim
from emcc.ir.graph import Array, Graph
from emcc.ir.program import MAX_ACC_W, MAX_RUN_W, Layer, Program, Table
from emcc.ops.fixed import accumulator_bound


def lower(graph: Graph, options: LowerOptions | None = None, activity: Sequence[Array] | None = None) -> Program:
    """Deal the network to PEs.

    Args:
        graph: a chain of QLinear.
        options: the recipe's [lower] section.
        activity: float [n_in] a layer, how often each of its inputs is not zero; for balance "activity", which
            counts entries where this is None.

    Raises:
        EmccError: the accumulator of a layer would need more than MAX_ACC_W bits.
    """
    options = options or LowerOptions()
    layers = matrices(graph, activity)
    source = graph.tensors[graph.inputs[0]]
    sink = graph.tensors[graph.outputs[0]]
    inputs = np.arange(layers[0].codes.shape[1])
    if options.trim:
        layers, inputs = trim(layers)
    layers, output_order = _deal(layers, options)
    weights = [positions(layer.codes, layer.live, options.pes) for layer in layers]
    run_ws = [_run_width(layer, live, options) for layer, live in zip(layers, weights, strict=True)]
    entry_w = max(layer.code_w + run_w for layer, run_w in zip(layers, run_ws, strict=True))
    tables: list[Table] = []
    lowered = tuple(
        _layer(layer, live, min(entry_w - layer.code_w, MAX_RUN_W), _index(tables, layer.table))
        for layer, live in zip(layers, weights, strict=True)
    )
    return Program(
        name=graph.name,
        pes=options.pes,
        act_w=layers[0].in_fmt.width,
        acc_w=_accumulator_width(layers),
        queue_depth=options.queue_depth,
        layers=lowered,
        tables=tuple(tables),
        input_name=source.name,
        input_shape=_sample(source.shape),
        input_order=inputs,
        output_name=sink.name,
        output_shape=_sample(sink.shape),
        output_order=output_order,
        host=graph.host,
        drop_empty=options.drop_empty,
        overlap=options.overlap,
        prefetch=options.prefetch,
    )


def _sample(shape: tuple[int | None, ...]) -> tuple[int, ...]:
    return tuple(int(d or 0) for d in shape[1:])


def _deal(layers: list[Matrix], options: LowerOptions) -> tuple[list[Matrix], Array]:
    """Permute the rows of every layer, and the columns of the one after to match."""
    order = np.arange(layers[-1].codes.shape[0])
    if options.balance == "none":
        return layers, order
    dealt = list(layers)
    for i, layer in enumerate(dealt):
        weighted = options.balance == "activity" and layer.activity is not None
        order = row_order(layer.live @ layer.activity if weighted else layer.live.sum(axis=1), options.pes)
        dealt[i] = replace(layer, codes=layer.codes[order], bias=layer.bias[order])
        if i + 1 < len(dealt):
            dealt[i + 1] = dealt[i + 1].columns(order)
    return dealt, order


def _run_width(layer: Matrix, live: Positions, options: LowerOptions) -> int:
    """Choose the narrowest run with few enough padding zeros; where code 0 is a weight, pad only gaps beyond MAX_RUN_W.

    A codebook without any zero leaves no gap: what needs padding has a code to pad with.
    """
    widest = min(max(1, int(live.run.max(initial=0)).bit_length()), MAX_RUN_W)
    if layer.codebook[0] != 0:
        return widest
    if options.run_bits:
        return options.run_bits
    allowed = options.padding * live.run.size
    return next(w for w in range(1, widest + 1) if w == widest or padding_zeros(live, w) <= allowed)


def _index(tables: list[Table], table: Table | None) -> int:
    """Return the index of `table` in `tables`, where it is added if it is new; -1 for none."""
    if table is None:
        return -1
    for i, other in enumerate(tables):
        if (
            (other.lo_bits, other.hi_bits) == (table.lo_bits, table.hi_bits)
            and np.array_equal(other.coarse, table.coarse)
            and np.array_equal(other.fine, table.fine)
        ):
            return i
    tables.append(table)
    return len(tables) - 1


def _layer(layer: Matrix, live: Positions, run_w: int, table: int) -> Layer:
    slices = pack(live, run_w, zero=int(np.abs(layer.codebook).argmin()))
    return Layer(
        name=layer.name,
        n_in=layer.codes.shape[1],
        n_out=layer.codes.shape[0],
        code_w=layer.code_w,
        run_w=run_w,
        codebook=layer.codebook,
        start=slices.start,
        count=slices.count,
        first=slices.first,
        code=slices.code,
        run=slices.run,
        bias=layer.bias,
        in_fmt=layer.in_fmt,
        z_fmt=layer.z_fmt,
        out_fmt=layer.out_fmt,
        weight_frac=layer.weight_frac,
        shift=layer.shift,
        function=layer.function,
        table=table,
        padding=slices.padding,
    )


def _accumulator_width(layers: list[Matrix]) -> int:
    """Return bits to hold every partial sum: |w| against the largest |x|, bias and half of the last place on top."""
    low, high = layers[0].in_fmt.low, layers[0].in_fmt.high
    width = layers[0].in_fmt.width + 1
    for layer in layers:
        bound = accumulator_bound(layer.codes, layer.codebook, layer.bias, low, high, layer.shift)
        width = max(width, bound.bit_length() + 1, layer.shift + 1)
        if width > MAX_ACC_W:
            raise EmccError(
                f"the accumulator would need {width} bits, more than the {MAX_ACC_W} that the array has",
                node=layer.name,
                hint="scale the model's weights or biases, or use 8-bit activations ([calibrate] bits = 8)",
            )
        low, high = layer.output_bounds()
    return width
