"""The bit-exact meaning of a Program, in NumPy integers, from the same slices that the array reads."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial

import numpy as np
from scipy.sparse import csr_array

from emcc.eie.pack import unpack_rows
from emcc.ir.batch import joined
from emcc.ir.codebook import looked_up_in
from emcc.ir.graph import Array, Node
from emcc.ir.program import ABSENT, FIRST_CONSTANT, HOLE, HostPart, Port, Program, Slices, Step, Window
from emcc.ops import fixed
from emcc.ops.interpret import numbers
from emcc.samples.sampling import by_input

Watch = Callable[[int, Array], object]
"""Takes a buffer and which of the values just written to it saturate (ops.fixed.saturating): bool, of any shape."""


def run(program: Program, x: Array, watch: Watch | None = None) -> Array:
    """Run a batch.

    Args:
        x: integers [n, elements], the quantised inputs, flattened in the model's order; several as ir.batch has them.

    Returns:
        int64 [n, outputs] in the model's order, several side by side.
    """
    outputs = run_ports(program, by_input(program, np.asarray(x)), watch)
    return np.asarray(joined(np, [outputs[port.name] for port in program.outputs]))


def run_ports(program: Program, inputs: Mapping[str, Array], watch: Watch | None = None) -> dict[str, Array]:
    """Run a batch: integers [n, elements] by input's name to int64 [n, elements] by output's name."""
    memory = ran(program, inputs, watch)
    return {port.name: memory.read(port) for port in program.outputs}


def ran(program: Program, inputs: Mapping[str, Array], watch: Watch | None = None) -> "Memory":
    """Run a batch; arguments as for `run_ports`. Return what all buffers hold after it."""
    memory = Memory(program, len(next(iter(inputs.values()))), watch)
    for port in program.inputs:
        memory.write(port, np.asarray(inputs[port.name], np.int64))
    for _ in memory.steps():
        pass
    return memory


def elements(port: Port, values: Array) -> Array:
    """Return a port's tensor, [n, elements] in the model's order, of what its buffer holds, [n, positions, slots]."""
    held = port.order != HOLE
    taken = values[:, held]
    result = np.empty_like(taken)
    result[:, port.order[held]] = taken
    return result


class Memory:
    """What the buffers of a program hold for a batch: int64 [n, positions, slots] each, 0 at first.

    `watch` is called after each step and host's part.
    """

    def __init__(self, program: Program, n: int, watch: Watch | None = None) -> None:
        self.program, self.watch = program, watch
        self.values: dict[int, Array] = {}
        for index in range(len(program.buffers)):
            self._place(index, n)

    def _place(self, index: int, n: int) -> Array:
        """Return a buffer's values, a view of the whole's where it is part of one."""
        if index not in self.values:
            buffer = self.program.buffers[index]
            if buffer.whole < 0:
                self.values[index] = np.zeros((n, buffer.positions, buffer.slots), np.int64)
            else:
                whole = self._place(buffer.whole, n)
                self.values[index] = whole[:, :, buffer.first : buffer.first + buffer.slots]
        return self.values[index]

    def write(self, port: Port, x: Array) -> None:
        """Put integers [n, elements] where the port says."""
        self.values[port.buffer][:] = np.where(port.order == HOLE, 0, x[:, port.order])

    def read(self, port: Port) -> Array:
        """Return a port's tensor: int64 [n, elements]."""
        return elements(port, self.values[port.buffer])

    def steps(self) -> Iterator[Step]:
        """Run the steps and the host's parts between them; yield each step when it is done."""
        parts = iter((*self.program.parts, None))
        part = next(parts)
        for index, step in enumerate(self.program.steps):
            while part is not None and part.before <= index:
                self.part(part)
                part = next(parts)
            sources = [self.values[source] for source in step.sources]
            watch = self.watch and partial(self.watch, step.target)
            self.values[step.target][:] = _result(self.program, step, sources, watch)
            yield step
        while part is not None:
            self.part(part)
            part = next(parts)

    def part(self, part: HostPart) -> None:
        """Run one of the host's parts on what the buffers hold."""
        arguments: list[Array | None] = []
        for read in part.reads:
            if read >= 0:
                port = part.ports[read]
                values = self.read(port)
                fmt = self.program.buffers[port.buffer].fmt
                arguments.append(fmt.dequantise(values).reshape(len(values), *port.shape))
            else:
                arguments.append(None if read == ABSENT else part.constants[FIRST_CONSTANT - read])
        node = Node(part.name, part.op, (), (), part.attrs)
        result = numbers(node, arguments)
        fmt = self.program.buffers[part.target.buffer].fmt
        flat = result.reshape(len(result), -1)
        if self.watch:
            self.watch(part.target.buffer, fmt.beyond(flat))
        self.write(part.target, fmt.quantise(flat))


def _result(program: Program, step: Step, sources: list[Array], watch: fixed.Watch | None) -> Array:
    """Return what a step writes: int64 [n, positions, slots]."""
    target, source = program.buffers[step.target], program.buffers[step.sources[0]]
    taps = list(tapped(step.window, (source.height, source.width), (target.height, target.width)))
    if step.combine == "mul":
        acc = sources[0] * sources[1]
    elif step.combine == "max":
        acc = _largest(sources[0], taps)
    elif step.kind == "broadcast":
        acc = _matrix(program, step, sources[0], taps)
    else:
        acc = _local(program, step, sources, taps)
    if step.bias >= 0:
        acc = acc + program.biases[step.bias]
    by = program.multipliers[step.multiplier] if step.multiplier >= 0 else 1
    table = program.tables[step.table] if step.table >= 0 else None
    return fixed.activate(acc, step.shift, step.z_fmt.width, step.function, table, by, watch)


def tapped(window: Window, source: tuple[int, int], target: tuple[int, int]) -> Iterator[tuple[Array, Array]]:
    """Yield for every tap: the source position of each output position (0 where none), and whether there is one."""
    for i in range(window.kernel[0]):
        for j in range(window.kernel[1]):
            y, x = (
                np.arange(target[axis]) * window.stride[axis] + tap * window.dilation[axis] - window.before[axis]
                for axis, tap in ((0, i), (1, j))
            )
            inside = np.logical_and.outer((y >= 0) & (y < source[0]), (x >= 0) & (x < source[1])).ravel()
            yield np.where(inside, np.add.outer(y * source[1], x).ravel(), 0), inside


def _seen(x: Array, tap: tuple[Array, Array]) -> Array:
    """Return what a tap sees at every output position; 0 beyond the map."""
    at, inside = tap
    return x[:, at] * inside[:, None]


def _largest(x: Array, taps: list[tuple[Array, Array]]) -> Array:
    lowest = np.iinfo(np.int64).min
    result = np.full((len(x), taps[0][0].size, x.shape[2]), lowest)
    for at, inside in taps:
        np.maximum(result, np.where(inside[:, None], x[:, at], lowest), out=result)
    return result


def _matrix(program: Program, step: Step, x: Array, taps: list[tuple[Array, Array]]) -> Array:
    """Sum W x over taps and slots."""
    slices = program.slices[step.slices]
    by_column = weights(slices, book_of(program, step), program.lanes).tocsc()
    n, slots, positions = len(x), x.shape[2], taps[0][0].size
    acc = np.zeros((slices.n_out, n * positions), np.int64)
    for t, tap in enumerate(taps):
        part = by_column[:, t * slots : (t + 1) * slots] if len(taps) > 1 else by_column
        acc += part @ _seen(x, tap).reshape(n * positions, slots).T
    return acc.T.reshape(n, positions, slices.n_out)


def _local(program: Program, step: Step, sources: list[Array], taps: list[tuple[Array, Array]]) -> Array:
    """Sum weights times x, slot by slot, over sources and taps."""
    if step.codes < 0:
        source, target = program.buffers[step.sources[0]], program.buffers[step.target]
        sums = sum(_seen(sources[0], tap) for tap in taps)
        number = counted(step, (source.height, source.width), (target.height, target.width))
        return np.asarray(sums * program.codebooks[step.codebook][number][:, None])
    by_tap = looked_up_in(program.codes[step.codes], book_of(program, step))
    terms = [(x, tap) for x in sources for tap in taps]
    return np.asarray(sum(row * _seen(x, tap) for row, (x, tap) in zip(by_tap, terms, strict=True)))


def counted(step: Step, source: tuple[int, int], target: tuple[int, int]) -> Array:
    """Return how many taps count at each output position, margins included: int64 [positions]."""
    top, left, bottom, right = step.margins
    window = step.window
    before = (window.before[0] - top, window.before[1] - left)
    wide = Window(window.kernel, window.stride, window.dilation, before)
    around = (source[0] + top + bottom, source[1] + left + right)
    return np.asarray(sum(inside.astype(np.int64) for _, inside in tapped(wide, around, target)))


def book_of(program: Program, step: Step) -> Array | None:
    """Return a step's codebook, or None where the code is the weight."""
    return program.codebooks[step.codebook] if step.codebook >= 0 else None


def weights(slices: Slices, codebook: Array | None, lanes: int) -> csr_array:
    """Decode a matrix from its slices: int64 [n_out, n_in], sparse, padding zeros left out."""
    rows, columns = unpack_rows(slices.count, slices.first, slices.run, lanes)
    values = looked_up_in(slices.code, codebook)
    kept = values != 0
    return csr_array((values[kept], (rows[kept], columns[kept])), shape=(slices.n_out, slices.n_in), dtype=np.int64)
