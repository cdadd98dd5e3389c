"""`emcc simulate`: the emitted RTL in Verilator, every integer that comes out held against the reference model."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from emcc.eie.counter import Counter
from emcc.eie.saturation import Saturation
from emcc.eie.store import load_program
from emcc.ir.graph import Array
from emcc.runtime.batches import batches
from emcc.runtime.between import unforeseen
from emcc.runtime.crossings import place
from emcc.runtime.designs import Design, Traffic, design_of, step_cycles
from emcc.runtime.final import final, worth
from emcc.runtime.genuine import genuine
from emcc.runtime.opened import interface
from emcc.runtime.result import Difference, SimulationResult
from emcc.runtime.simulator import COUNTERS, Run, Stalls, drive
from emcc.samples.dataset import Dataset
from emcc.samples.load import load_data
from emcc.samples.sampling import by_input, dequantised, saturated, scaled
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
    trust_rtl: bool = False,
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
        trust_rtl: simulate the folder's RTL and ROM images whatever they are; whoever wrote them runs code here.

    Raises:
        EmccError: the artefact or the data is damaged or missing, or a tool is; or its RTL is not what emcc makes of
            its program (emcc.runtime.genuine).
        ToolError: a tool rejects what the artefact holds.
    """
    program = load_program(folder / "program.npz")
    loaded = load_data(data, interface(program)) if isinstance(data, Path) else data
    some, design, counter = loaded.first(count), design_of(program), Counter(program)
    begun = time.perf_counter()
    rtl = read_rtl(folder) if trust_rtl else genuine(folder, program, design.plan)
    simulator = verilator.build(rtl, trace=trace is not None)
    built = time.perf_counter()
    traffic = _traffic(design, some, counter)
    started = time.perf_counter()
    ran = drive(
        simulator,
        folder.resolve(),
        design.shape,
        traffic.into,
        max_cycles=_patience(traffic, stalls),
        stalls=stalls,
        trace=trace,
        jobs=jobs,
        progress=progress and (lambda done: progress(done, len(some))),
    )
    seconds = built - begun, time.perf_counter() - started
    return _judged(design, traffic, ran, some, bool(stalls), seconds, counter.result())


def _traffic(design: Design, data: Dataset, counter: Counter) -> Traffic:
    """Return what should cross, by the reference, which runs in batches."""
    program, parts = design.program, []
    for rows in batches(len(data), sum(buffer.positions * buffer.slots for buffer in program.buffers)):
        counter.take(values := scaled(program, data.x[rows]))
        inputs = by_input(program, saturated(program, values))
        parts.append(design.traffic(inputs, counter))
    return Traffic.joined(parts)


def _patience(traffic: Traffic, stalls: Stalls | None) -> int:
    """Return the cycles after which a design hangs: far more than any inference should take."""
    slowest = 4 * int((traffic.cycles + traffic.transfer).max(initial=0)) + 100_000
    return int(slowest / (1 - max(stalls.into, stalls.out))) if stalls else slowest


@dataclass(frozen=True)
class _Found:
    """What differs: integers, bits, and the first of them."""

    mismatches: int
    bits: int
    first: Difference | None


def _found(design: Design, traffic: Traffic, ran: Run) -> _Found:
    differs = (traffic.out != ran.words) & ran.done[:, None]
    real = sum(span.crossing.port.order.size for span in design.spans)
    missing, act_w = int((~ran.done).sum()) * real, design.program.act_w
    wrong = (traffic.out.astype(np.int64) ^ ran.words)[differs] & ((1 << act_w) - 1)
    bits = int(sum(int(value).bit_count() for value in wrong)) + missing * act_w
    return _Found(int(differs.sum()) + missing, bits, _difference(design, traffic, ran, differs))


def _difference(design: Design, traffic: Traffic, ran: Run, differs: Array) -> Difference | None:
    """Return the first difference: of the first inference that has one, the first tensor, its first element."""
    if not differs.any():
        return None
    inference = int(differs.any(axis=1).argmax())
    wrong = differs[inference]
    span = next(span for span in design.spans if wrong[span.first : span.first + span.size].any())
    element = np.full(wrong.size, wrong.size)
    element[span.index] = np.where(span.crossing.port.order < 0, wrong.size, span.crossing.port.order)
    indices = span.first + np.flatnonzero(wrong[span.first : span.first + span.size])
    index = int(indices[np.argmin(element[indices])])
    where = place(design.program, span, index)
    expected, got = int(traffic.out[inference, index]), int(ran.words[inference, index])
    return Difference(inference, where.element, expected, got, where.says)


def _judged(
    design: Design,
    traffic: Traffic,
    ran: Run,
    data: Dataset,
    stalled: bool,
    seconds: tuple[float, float],
    saturation: Saturation,
) -> SimulationResult:
    """Compare what came out with what should."""
    program, done = design.program, ran.done
    found = _found(design, traffic, ran)
    counted, transfer = ran.records[:, 0], ran.records[:, 3]
    busy = program.pes * int(counted[done].sum())
    taken = [span.taken(ran.words) for span in design.spans if span.crossing.output]
    outputs = dequantised(program, np.concatenate(taken, axis=1))
    return SimulationResult(
        inferences=len(done),
        pes=program.pes,
        mismatches=found.mismatches,
        mismatched_bits=found.bits,
        difference=found.first,
        failure=ran.failure,
        cycles=counted,
        transfer=transfer,
        between=(counted + transfer)[done & ~ran.first & program.next_input],
        predicted_cycles=traffic.cycles,
        cycle_mismatches=None if stalled else _off(design, traffic, ran),
        layer_cycles=ran.records[:, len(COUNTERS) :],
        steps=tuple(step.name for step in program.steps),
        step_cycles=step_cycles(design, ran.records[:, len(COUNTERS) :], counted),
        step_products=traffic.products,
        broadcasts=ran.records[:, 1],
        stalls=ran.records[:, 2],
        utilisation=int(traffic.products[done].sum()) / busy if busy else 0.0,
        outputs=outputs,
        final=final(interface(program), outputs),
        worth=worth(interface(program), outputs[done], data.taken(done)),
        saturation=saturation,
        build_seconds=seconds[0],
        run_seconds=seconds[1],
    )


def _off(design: Design, traffic: Traffic, ran: Run) -> int:
    """Count the inferences whose cycles, of running, transfer and all completions, are not the predicted ones."""
    wrong = (ran.records[:, 0] != traffic.cycles) | unforeseen(design, traffic, ran)
    return int((wrong | (ran.records[:, len(COUNTERS) :] != traffic.completed).any(axis=1)).sum())
