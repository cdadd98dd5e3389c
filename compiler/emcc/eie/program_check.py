"""Whether a Program, say from a file, is whole and sound: nothing that follows has to look twice."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np

from emcc.base.text import printable
from emcc.eie.bounds import accumulators
from emcc.eie.groups.rectangles import seen, whole
from emcc.eie.next_input import why_not
from emcc.eie.pack import unpack_rows
from emcc.ir.affine import plain, sound
from emcc.ir.codebook import CODE_WIDTHS, IDENTITY_WIDTHS
from emcc.ir.graph import Array, Format
from emcc.ir.program import (
    ABSENT,
    COMBINES,
    FIRST_CONSTANT,
    FUNCTIONS,
    GROUPS,
    HOLE,
    KINDS,
    MAX_ACC_W,
    MAX_PES,
    MAX_RUN_W,
    QUEUE_DEPTHS,
    Buffer,
    HostPart,
    Port,
    Program,
    Slices,
    Step,
    Table,
    words,
)
from emcc.ops import having, traits
from emcc.ops.fixed import MULTIPLIER_W
from emcc.ops.host import apply, tail_of

_FRAC = 1 << 14
_ELEMENTS = 1 << 28
"""Elements that the buffers of one inference may have, and positions or taps of a map."""


def problems(program: Program) -> list[str]:
    """Say what is wrong, a sentence each; [] where nothing is."""
    wrong = list(_network(program))
    checks: tuple[tuple[str, Sequence[object], Callable[..., Iterator[str]]], ...] = (
        ("table", program.tables, _table),
        ("buffer", program.buffers, _buffer),
        ("slices", program.slices, _slices),
        ("host part", program.parts, _part),
    )
    for kind, items, check in checks if not wrong else ():
        wrong += [f"{kind} {i}: {text}" for i, item in enumerate(items) for text in check(program, item)]
    if not wrong:
        wrong = [f"{port.name!r}: {text}" for port in program.inputs for text in _port(program, port, written=True)]
        wrong += [f"{port.name!r}: {text}" for port in program.outputs for text in _port(program, port, written=False)]
    for i, step in enumerate(program.steps if not wrong else ()):
        wrong += [f"step {i + 1} ({printable(step.name, 40)!r}): {text}" for text in _step(program, step)]
    return wrong or list(_accumulators(program)) + list(_host(program)) + list(_ahead(program))


def _network(program: Program) -> Iterator[str]:
    if not 1 <= program.pes <= MAX_PES:
        yield f"{program.pes} PEs, not 1 to {MAX_PES}"
    if program.groups not in GROUPS or program.pes % program.groups:
        yield f"{program.pes} PEs in {program.groups} groups"
    if program.act_w not in (8, 16) or not program.act_w < program.acc_w <= MAX_ACC_W:
        yield f"activations of {program.act_w} bits and accumulators of {program.acc_w}"
        return  # What else a number may be is said by these.
    if program.queue_depth not in QUEUE_DEPTHS:
        yield f"queues of {program.queue_depth} entries, not one of {', '.join(map(str, QUEUE_DEPTHS))}"
    if len({(table.lo_bits, table.hi_bits) for table in program.tables}) > 1:
        yield "tables of different splits"
    if not (program.steps and program.inputs and program.outputs):
        yield "no steps, no inputs or no outputs"
    for kind, arrays, low, high in (
        ("codebooks", program.codebooks, -(1 << 15), (1 << 15) - 1),
        ("biases", program.biases, -(1 << program.acc_w - 1), (1 << program.acc_w - 1) - 1),
        ("multipliers", program.multipliers, -(1 << MULTIPLIER_W - 1), (1 << MULTIPLIER_W - 1) - 1),
    ):
        if not all(array.ndim == 1 and array.size and _within(array, low, high) for array in arrays):
            yield f"{kind} beyond {(high - low).bit_length()} bits, or of no entries"
    if not all(array.ndim == 2 and array.size and array.dtype in ("uint8", "uint16") for array in program.codes):
        yield "codes that are not taps by slots"
    if [part.before for part in program.parts] != sorted(part.before for part in program.parts):
        yield "host parts out of order"


def _within(values: Array, low: int, high: int) -> bool:
    return not values.size or bool(int(values.min()) >= low and int(values.max()) <= high)


def _distinct(order: Array, size: int) -> bool:
    return bool(_within(order, 0, size - 1) and np.unique(order).size == order.size)


def _format(program: Program, fmt: Format) -> Iterator[str]:
    if fmt.width != program.act_w or abs(fmt.frac_bits) > _FRAC:
        yield f"a format of {fmt.width} bits, {fmt.frac_bits} of them fraction"


def _table(program: Program, table: Table) -> Iterator[str]:
    width = program.act_w
    if not 0 <= table.lo_bits < width or not 0 <= table.hi_bits <= min(width - table.lo_bits, table.lo_bits * width):
        yield f"a split of {table.lo_bits} low and {table.hi_bits} high bits"
    elif table.coarse.shape != (1 << width - table.lo_bits,) or table.fine.shape != (
        1 << table.hi_bits + table.lo_bits,
    ):
        yield f"{table.coarse.shape} and {table.fine.shape} entries"
    for values in (table.coarse, table.fine):
        if not _within(values, -(1 << width - 1), (1 << width - 1) - 1):
            yield f"entries beyond {width} bits"


def _given(program: Program, buffer: Buffer) -> bool:
    """Whether a buffer is one of the model's inputs, which no step writes."""
    mine = [index for index, other in enumerate(program.buffers) if other is buffer]
    return any(port.buffer in mine for port in program.inputs) and not any(
        step.target in mine for step in program.steps
    )


def _buffer(program: Program, buffer: Buffer) -> Iterator[str]:
    yield from _format(program, buffer.fmt)
    sides = min(buffer.height, buffer.width, buffer.order.size) > 0 and buffer.order.ndim == 1
    if not sides or buffer.height * buffer.width * buffer.slots > _ELEMENTS:
        yield f"{buffer.height} x {buffer.width} positions of {buffer.order.shape} slots"
    elif _given(program, buffer):
        # The host may write a channel into several slots.
        if not _within(buffer.order, HOLE, (1 << 31) - 1):
            yield "an order that does not name channels"
    elif not _distinct(buffer.order[buffer.order != HOLE], 1 << 31):
        yield "an order that does not name distinct channels"
    if buffer.whole != -1:
        # A part is made after its whole's parts began, so wholes cannot lie in each other in a ring.
        seen, at = 0, buffer
        while at.whole >= 0 and seen <= len(program.buffers):
            if at.whole >= len(program.buffers):
                yield f"part of buffer {at.whole} of {len(program.buffers)}"
                return
            whole = program.buffers[at.whole]
            if (whole.height, whole.width, whole.fmt) != (at.height, at.width, at.fmt):
                yield "another map or format than the whole's"
            if not 0 <= at.first <= whole.slots - at.slots:
                yield f"slots {at.first} to {at.first + at.slots} of {whole.slots}"
            if at.first % program.pes:
                yield f"a part from slot {at.first}, within a word of {program.pes}"
            at, seen = whole, seen + 1
        if at.whole != -1:
            yield "a part of itself, or of nothing"


def _port(program: Program, port: Port, *, written: bool) -> Iterator[str]:
    if not 0 <= port.buffer < len(program.buffers):
        yield f"buffer {port.buffer} of {len(program.buffers)}"
        return
    buffer, size = program.buffers[port.buffer], math.prod(port.shape)
    held = port.order[port.order != HOLE]
    if min(port.shape, default=1) < 1 or size > _ELEMENTS or port.order.shape != (buffer.positions, buffer.slots):
        yield f"shape {port.shape} and order {port.order.shape} do not fit a buffer of {buffer.positions} positions"
    elif written and not _within(held, 0, size - 1):
        yield "the order takes what the input does not have"
    elif not written and (held.size != size or not _distinct(held, size)):
        yield "the order does not give every element of the output once"
    elif not sound(port.affine, size):
        yield "scales or offsets of another number, that are not finite, or a scale of 0, or an unknown norm"
    elif port.affine.norm and not written:
        yield "a norm of what is no input"


def _part(program: Program, part: HostPart) -> Iterator[str]:
    if traits(part.op) & {"quantised", "folded"} or not traits(part.op):
        yield f"the host has no operator {printable(part.op, 40)!r}"
    if not 0 <= part.before <= len(program.steps):
        yield f"before step {part.before} of {len(program.steps)}"
    low, high = FIRST_CONSTANT - len(part.constants) + 1, len(part.ports) - 1
    if not all(low <= read <= high or read == ABSENT for read in part.reads) or not part.ports:
        yield "it reads what is not there"
    if not all(plain(port.affine) for port in (*part.ports, part.target)):
        yield "scales or offsets, which are for the program's inputs and outputs"
    for port in part.ports:
        yield from _port(program, port, written=False)
    yield from _port(program, part.target, written=True)


def _slices(program: Program, slices: Slices) -> Iterator[str]:
    kind = "uint16" if slices.code_w == 16 else "uint8"
    wide = slices.code_w not in (*CODE_WIDTHS, *IDENTITY_WIDTHS) or slices.code.dtype != kind
    if wide or not 0 <= slices.run_w <= MAX_RUN_W:
        yield f"codes of {slices.code_w} and runs of {slices.run_w} bits"
        return
    shapes = {
        "start": (slices.start, (program.lanes, slices.n_in)),
        "count": (slices.count, (program.lanes, slices.n_in)),
        "first": (slices.first, (program.lanes + 1,)),
        "code": (slices.code, (slices.entries,)),
        "run": (slices.run, (slices.entries,)),
    }
    if min(slices.n_in, slices.n_out) < 1:
        yield f"{slices.n_out} rows of {slices.n_in} columns"
    wrong = [f"{name} of shape {value.shape}" for name, (value, shape) in shapes.items() if value.shape != shape]
    if wrong:
        yield from wrong
        return
    if not _within(slices.code, 0, (1 << slices.code_w) - 1) or not _within(slices.run, 0, (1 << slices.run_w) - 1):
        yield f"codes beyond {slices.code_w} or runs beyond {slices.run_w} bits"
    if not _within(slices.count, 0, slices.n_out) or int(slices.count.sum()) != slices.entries:
        yield f"the columns have {int(slices.count.sum())} entries, not {slices.entries}"
        return
    if not np.array_equal(slices.first, np.concatenate([[0], np.cumsum(slices.count.sum(axis=1))])):
        yield "the lanes' slices do not follow each other"
    elif not np.array_equal(slices.start, np.cumsum(slices.count, axis=1) - slices.count):
        yield "the columns do not follow each other"
    elif (
        slices.entries
        and int(unpack_rows(slices.count, slices.first, slices.run, program.lanes)[0].max()) >= slices.n_out
    ):
        yield f"entries lie beyond row {slices.n_out - 1}"


def _step(program: Program, step: Step) -> Iterator[str]:
    if step.kind not in KINDS or step.combine not in COMBINES or (step.kind == "broadcast" and step.combine != "mac"):
        yield f"kind {printable(step.kind, 20)!r}, combine {printable(step.combine, 20)!r}"
        return
    several = {"mul": (2,), "max": (1,), "mac": (1,) if step.kind == "broadcast" or step.codes < 0 else range(1, 65)}
    places = (*step.sources, step.target)
    if len(step.sources) not in several[step.combine] or not all(0 <= at < len(program.buffers) for at in places):
        yield f"buffers {step.sources} to {step.target}"
        return
    wrong = [*_indices(program, step), *_map(program, step)] or [
        *(*_numbers(program, step), *_shift(program, step), *_halves(program, step))
    ]
    yield from wrong


def _indices(program: Program, step: Step) -> Iterator[str]:
    """Check which of the shared things a step has: each is needed, allowed, or not there."""
    weighted, coded = step.combine == "mac", max(step.slices, step.codes) >= 0
    rows: Mapping[str, tuple[int, Sequence[object], bool, bool]] = {
        "slices": (step.slices, program.slices, step.kind == "broadcast", step.kind == "broadcast"),
        "codes": (step.codes, program.codes, False, step.kind == "local" and weighted),
        "codebook": (step.codebook, program.codebooks, weighted and not coded, weighted),
        "bias": (step.bias, program.biases, step.kind == "broadcast", weighted),
        "multiplier": (step.multiplier, program.multipliers, False, weighted),
        "table": (step.table, program.tables, step.function == "table", step.function == "table"),
    }
    for name, (index, values, needed, allowed) in rows.items():
        if not (0 if needed else -1) <= index < (len(values) if allowed else 0):
            yield f"{name} {index} of {len(values)}"


def _map(program: Program, step: Step) -> Iterator[str]:
    window, target = step.window, program.buffers[step.target]
    pairs = (window.kernel, window.stride, window.dilation)
    whole = all(len(pair) == 2 and 1 <= min(pair) <= max(pair) <= 1 << 20 for pair in pairs)
    if not whole or len(window.before) != 2 or len(step.margins) != 4 or window.taps * target.positions > _ELEMENTS:
        yield f"a window of {window}"
        return
    if not 0 <= min(*window.before, *step.margins) <= max(*window.before, *step.margins) <= 1 << 20:
        yield f"pads {window.before}, margins {step.margins}"
    for source in map(program.buffers.__getitem__, step.sources):
        same = (source.height, source.width) == (target.height, target.width)
        if (len(step.sources) > 1 and not same and (source.positions > 1 or step.combine != "mul")) or (
            len(step.sources) > 1 and window.taps > 1
        ):
            yield f"a source of {source.height} x {source.width} positions"
    if step.target in step.sources and (step.kind == "broadcast" or window.taps > 1):
        yield "it writes what it reads"


def _numbers(program: Program, step: Step) -> Iterator[str]:
    """Check the sizes of what the step refers to."""
    sources, target = [program.buffers[at] for at in step.sources], program.buffers[step.target]
    rows, taps = target.slots, step.window.taps
    if step.kind == "broadcast":
        slices = program.slices[step.slices]
        if (slices.n_in, slices.n_out) != (taps * sources[0].slots, rows):
            yield f"a matrix of {slices.n_out} x {slices.n_in} for {taps} taps of {sources[0].slots} slots"
        yield from _codebook(program, step, slices.code_w, slices.code)
        zeros = np.count_nonzero(slices.code == 0) if step.codebook < 0 else None
        if zeros is None and int(slices.code.max(initial=0)) < program.codebooks[step.codebook].size:
            zeros = np.count_nonzero(program.codebooks[step.codebook][slices.code] == 0)
        if zeros is not None and slices.padding != zeros:
            yield f"{slices.padding} padding zeros of {slices.entries} entries"
    elif any(source.slots != rows for source in sources):
        yield f"sources of {[source.slots for source in sources]} slots"
    elif step.codes >= 0:
        codes = program.codes[step.codes]
        yield from _codebook(program, step, 8 * codes.dtype.itemsize, codes)
        if codes.shape != (taps * len(sources), rows):
            yield f"codes of shape {codes.shape} for {taps} taps"
    elif step.combine == "mac" and program.codebooks[step.codebook].size != taps + 1:
        yield f"{program.codebooks[step.codebook].size} weights for {taps} taps"
    for name, index, values in (
        ("bias", step.bias, program.biases),
        ("multiplier", step.multiplier, program.multipliers),
    ):
        if index >= 0 and values[index].size != rows:
            yield f"a {name} of {values[index].size} entries"


def _halves(program: Program, step: Step) -> Iterator[str]:
    """Check what is drained early, and which words are walked again."""
    if not step.early and not step.again:
        return
    source, target = program.buffers[step.sources[0]], program.buffers[step.target]
    held, rows = words(source.slots, program.pes), words(target.slots, program.lanes)
    one = step.kind == "broadcast" and target.positions == 1
    # Taps that are never on the map are not walked.
    taps = len(seen(program, step, whole(program, step))) if one else 1
    early = 0 < step.early < rows and step.early % program.groups == 0
    again = 0 < step.again <= taps * held and step.again % (held if taps > 1 else 1) == 0
    if not (one and early and again):
        yield f"{step.early} of {rows} rows drained early, {step.again} words walked again"


def _codebook(program: Program, step: Step, code_w: int, codes: Array) -> Iterator[str]:
    """Check that codes have entries, or are weights."""
    if step.codebook < 0:
        if code_w not in IDENTITY_WIDTHS:
            yield f"weights of {code_w} bits without a codebook"
        return
    size = program.codebooks[step.codebook].size
    if code_w not in CODE_WIDTHS or int(codes.max(initial=0)) >= size or size > 1 << code_w:
        yield f"a codebook of {size} entries for codes of {code_w} bits"


def _shift(program: Program, step: Step) -> Iterator[str]:
    sources, target = [program.buffers[at] for at in step.sources], program.buffers[step.target]
    yield from _format(program, step.z_fmt)
    frac = sources[0].fmt.frac_bits + step.weight_frac
    if step.combine == "mul":
        frac += sources[1].fmt.frac_bits
    # The weights of a sum of tensors bring them to one scale, which is what its shift starts from.
    fixed = len(sources) == 1 and step.multiplier < 0 and step.kind == "broadcast"
    if not 0 <= step.shift < program.acc_w or (fixed and step.shift != frac - step.z_fmt.frac_bits):
        yield f"it shifts by {step.shift}"
    if step.function not in FUNCTIONS:
        yield f"function {printable(step.function, 20)!r}"
    if step.function != "table" and target.fmt != step.z_fmt:
        yield f"{printable(step.function, 20)!r} changes the format"


def _accumulators(program: Program) -> Iterator[str]:
    """Check that sums fit the accumulator, after nothing else was wrong."""
    for i, (step, bits) in enumerate(accumulators(program), 1):
        wide = bits + MULTIPLIER_W > 62 if step.multiplier >= 0 else False
        if bits > program.acc_w or wide:
            yield f"step {i}: sums of up to {bits} bits do not fit an accumulator of {program.acc_w} bits"


def _ahead(program: Program) -> Iterator[str]:
    why = why_not(program) if program.next_input else ""
    if why:
        yield f"the next input cannot come while this one runs: {why}"


def _host(program: Program) -> Iterator[str]:
    unknown = sorted({op for op, _ in program.host} - set(having("host")))
    if unknown:
        yield f"the host has no operator {printable(unknown[0], 40)!r}"
        return
    if not {attrs.get("output", 0) for _, attrs in program.host} <= set(range(len(program.outputs))):
        yield "a tail on the host of no output"
        return
    try:
        for place, port in enumerate(program.outputs):
            apply(tail_of(program.host, place), np.zeros((1, *port.shape)))
    except (TypeError, ValueError, IndexError) as error:
        yield f"the host's operators do not fit the output: {printable(str(error))}"
