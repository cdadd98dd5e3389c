"""`emcc run`: what a model answers, by any of the engines."""

from collections.abc import Callable, Iterator

import numpy as np

from emcc.base.errors import EmccError
from emcc.eie.counter import Counter
from emcc.eie.reference import run
from emcc.eie.saturation import Saturation
from emcc.ir.graph import Array
from emcc.ir.program import Program
from emcc.ops import interpret
from emcc.runtime.batches import batches
from emcc.runtime.final import final, worth
from emcc.runtime.opened import Opened
from emcc.runtime.result import Answers
from emcc.runtime.simulate import simulate
from emcc.samples.dataset import Dataset
from emcc.samples.sampling import dequantised, saturated, scaled

Progress = Callable[[int, int], object]


def reference(opened: Opened, data: Dataset, progress: Progress) -> Answers:
    """Run the reference model; where the artefact holds floats, the graph itself in float64."""
    program = opened.program
    if program is None:
        graph = opened.held
        largest = max(tensor.features for tensor in graph.tensors.values())
        parts = [interpret.answers(graph, x.astype(np.float64)) for x in _batches(data.x, largest, progress)]
        outputs, saturation = np.concatenate(parts), None
    else:
        outputs, saturation = _integers(program, data, progress)
    interface = opened.interface
    return Answers(len(data), final(interface, outputs), worth(interface, outputs, data), saturation)


def rtl(opened: Opened, data: Dataset, progress: Progress, *, trust_rtl: bool = False) -> Answers:
    """Run the RTL, which is held against the reference meanwhile. `trust_rtl`: as runtime.simulate has it."""
    if not opened.array:
        hint = "use --engine reference, or write RTL with `emcc compile`"
        raise EmccError("there is no RTL in it: `emcc compress` wrote it", file=opened.folder, hint=hint)
    result = simulate(opened.folder, data, progress=progress, trust_rtl=trust_rtl)
    return Answers(result.inferences, result.final, result.worth, result.saturation, result.complaint)


def _integers(program: Program, data: Dataset, progress: Progress) -> tuple[Array, Saturation]:
    counter = Counter(program)
    parts: list[Array] = []
    for x in _batches(data.x, max(buffer.positions * buffer.slots for buffer in program.buffers), progress):
        counter.take(values := scaled(program, x))
        parts.append(dequantised(program, run(program, saturated(program, values), counter)))
    return np.concatenate(parts), counter.result()


def _batches(x: Array, largest: int, progress: Progress) -> Iterator[Array]:
    """Yield rows of x, fewer where the largest tensor has many elements; say how many are done."""
    for rows in batches(len(x), largest):
        yield x[rows]
        progress(rows.stop, len(x))
