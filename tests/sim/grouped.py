"""The array driven with integers: a program of any number of inputs and outputs, held against the reference."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from emcc.backends import rom, verilog
from emcc.ir.graph import Array
from emcc.ir.program import Program
from emcc.runtime.between import unforeseen
from emcc.runtime.crossings import place
from emcc.runtime.designs import Design, Traffic, design_of
from emcc.runtime.simulator import COUNTERS, Run, Stalls, drive
from emcc.tools import verilator


def simulated(
    program: Program, inputs: dict[str, Array], folder: Path, stalls: Stalls | None = None
) -> tuple[Run, Traffic]:
    """Emit into a folder, run integers [n, elements] by input's name; also what the reference says of them."""
    design = design_of(program)
    traffic = design.traffic(inputs)
    return driven(design, traffic, folder, stalls), traffic


def driven(
    design: Design,
    traffic: Traffic,
    folder: Path,
    stalls: Stalls | None = None,
    changed: Mapping[str, rom.RomImage] | None = None,
) -> Run:
    """Emit a design into a folder, with some memories changed, build it, let the traffic through."""
    rtl = verilog.render_core(design.program, design.plan)
    files = {**rtl, **rom.render({**rom.core_images(design.program, design.plan), **(changed or {})}, "hex")}
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    most = 4 * int((traffic.cycles + traffic.transfer).max()) + 10_000
    most = int(most / (1 - max(stalls.into, stalls.out))) if stalls else most
    program = verilator.build(rtl)
    return drive(program, folder, design.shape, traffic.into, max_cycles=most, stalls=stalls, jobs=1)


def faults(program: Program, ran: Run, traffic: Traffic, timed: bool = True) -> list[str]:
    """What is not as it should be: failures, the first integer that differs, cycles of all and of each completion."""
    found = [ran.failure] if ran.failure else []
    differs = (ran.words != traffic.out) & ran.done[:, None]
    if differs.any():
        inference, index = (int(one[0]) for one in np.nonzero(differs))
        span = next(one for one in design_of(program).spans if one.first <= index < one.first + one.size)
        values = f"expected {traffic.out[inference, index]}, got {ran.words[inference, index]}"
        found.append(f"inference {inference}, {place(program, span, index).says}: {values}; {differs.sum()} differ")
    if timed and ran.done.all():
        done = ran.records[:, len(COUNTERS) :]
        if (done != traffic.completed).any():
            inference, index = (int(one[0]) for one in np.nonzero(done != traffic.completed))
            name = program.steps[design_of(program).steps[index]].name
            counted = f"{traffic.completed[inference, index]} predicted, {done[inference, index]} simulated"
            found.append(f"inference {inference}, pass {index} of {name!r} is done in another cycle: {counted}")
        if (ran.records[:, 0] != traffic.cycles).any():
            counted = f"{traffic.cycles.tolist()} predicted, {ran.records[:, 0].tolist()} simulated"
            found.append(f"{COUNTERS[0]}: {counted}")
        if unforeseen(design_of(program), traffic, ran).any():
            counted = f"{traffic.transfer.tolist()} predicted, or {traffic.exposed.tolist()} of receiving seen"
            found.append(f"{COUNTERS[3]}: {counted}, {ran.records[:, 3:5].tolist()} simulated")
    return found
