"""`emcc simulate`: the emitted RTL in Verilator, every output integer held against the reference model."""

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from emcc.eie import cycles, reference
from emcc.eie.counter import Counter
from emcc.eie.hardware import require_array
from emcc.eie.saturation import Saturation
from emcc.eie.store import load_program
from emcc.ir.graph import Array
from emcc.ir.program import Program
from emcc.runtime.final import final, worth
from emcc.runtime.opened import interface
from emcc.runtime.result import Difference, SimulationResult
from emcc.runtime.simulator import COUNTERS, Run, Shape, Stalls, drive
from emcc.runtime.work import products
from emcc.samples.dataset import Dataset
from emcc.samples.load import load_data
from emcc.samples.sampling import dequantised, saturated, scaled
from emcc.tools import verilator
from emcc.tools.rtl import read_rtl


def simulate(
    folder: Path,
    data: Path | Dataset,
    *,
    count: int | None = None,
    trace: Path | None = None,
    stalls: Stalls | None = None,
    jobs: int | None = None,
    progress: Callable[[int, int], object] | None = None,
) -> SimulationResult:
    """Run the design of an artefact on data, in the artefact's own RTL and ROM images.

    Args:
        folder: the artefact.
        data: an .npz file of x and perhaps y, or a Dataset; x is in the shape of the model's input.
        count: the first so many samples; all by default.
        trace: an FST file to write.
        stalls: random back-pressure; cycles are then not compared.
        jobs: processes to simulate in; one a core by default.
        progress: called with (inferences done, of how many).

    Raises:
        EmccError: the artefact or the data is damaged or missing, or a tool is.
        ToolError: a tool rejects what the artefact holds.
    """
    program = load_program(folder / "program.npz")
    require_array(program, folder / "program.npz")
    loaded = load_data(data, interface(program)) if isinstance(data, Path) else data
    some = loaded.first(count)
    x = some.x
    counter = Counter(program)
    counter.take(values := scaled(program, x))
    integers = saturated(program, values)
    begun = time.perf_counter()
    simulator = verilator.build(read_rtl(folder), trace=trace is not None)
    built = time.perf_counter()
    expected = reference.run_layers(program, integers, watch=counter)
    predicted = cycles.predict(program, integers)
    started = time.perf_counter()
    ran = drive(
        simulator,
        folder.resolve(),
        Shape.of(program),
        input_slots(program, integers, np.random.default_rng(stalls.seed) if stalls else None),
        max_cycles=_patience(predicted, stalls),
        stalls=stalls,
        trace=trace,
        jobs=jobs,
        progress=progress and (lambda done: progress(done, len(x))),
    )
    ended = time.perf_counter()
    seconds = (built - begun, ended - started)
    return _judged(program, ran, expected, predicted, some, bool(stalls), seconds, counter.result())


def input_slots(program: Program, integers: Array, junk: np.random.Generator | None = None) -> Array:
    """Return quantised inputs as the design takes them: int64 [n, in_words * pes]; unused lanes hold 0, or `junk`."""
    fmt, width = program.layers[0].in_fmt, program.in_words * program.pes
    slots = np.zeros((len(integers), width), np.int64)
    if junk is not None:
        slots = junk.integers(fmt.low, fmt.high, slots.shape, endpoint=True)
    slots[:, : program.inputs[0].slots.size] = integers[:, program.inputs[0].slots]
    return slots


def _patience(predicted: Array, stalls: Stalls | None) -> int:
    """Return the cycles after which a design hangs: far more than any inference should take."""
    slowest = int(predicted.max(initial=0)) * 4 + 100_000
    return int(slowest / (1 - max(stalls.into, stalls.out))) if stalls else slowest


def _difference(program: Program, expected: Array, got: Array, differs: Array) -> Difference | None:
    if not differs.any():
        return None
    inference = int(differs.any(axis=1).argmax())
    element = np.full(differs.shape[1], -1)
    element[: program.outputs[0].slots.size] = program.outputs[0].slots
    slots = np.flatnonzero(differs[inference])
    slot = int(slots[np.argmin(np.where(element[slots] < 0, differs.shape[1], element[slots]))])
    return Difference(inference, int(element[slot]), int(expected[inference, slot]), int(got[inference, slot]))


def _judged(
    program: Program,
    ran: Run,
    layers: list[Array],
    predicted: Array,
    data: Dataset,
    stalled: bool,
    seconds: tuple[float, float],
    saturation: Saturation,
) -> SimulationResult:
    """Compare the simulated words with the reference's `layers`, see reference.run_layers."""
    last, done = program.layers[-1], ran.done
    expected = np.zeros_like(ran.words)
    expected[:, : last.n_out] = layers[-1]
    differs = (expected != ran.words) & done[:, None]
    missing = int((~done).sum()) * last.n_out
    wrong = (expected ^ ran.words)[differs] & ((1 << program.act_w) - 1)
    bits = int(sum(int(value).bit_count() for value in wrong)) + missing * program.act_w
    counted = ran.records[:, 0]
    useful = products(program, layers)
    busy = program.pes * int(counted[done].sum())
    integers = ran.words[:, np.argsort(program.outputs[0].slots)]
    outputs = dequantised(program, integers)
    return SimulationResult(
        inferences=len(done),
        mismatches=int(differs.sum()) + missing,
        mismatched_bits=bits,
        difference=_difference(program, expected, ran.words, differs),
        failure=ran.failure,
        cycles=counted,
        predicted_cycles=predicted,
        cycle_mismatches=None if stalled else int((counted != predicted).sum()),
        layer_cycles=ran.records[:, len(COUNTERS) :],
        broadcasts=ran.records[:, 1],
        stalls=ran.records[:, 2],
        products=useful,
        utilisation=int(useful[done].sum()) / busy if busy else 0.0,
        outputs=outputs,
        final=final(interface(program), outputs),
        worth=worth(interface(program), outputs[done], data.taken(done)),
        saturation=saturation,
        build_seconds=seconds[0],
        run_seconds=seconds[1],
    )
