"""The toy design of toy.sv as an artefact's files, and how it is driven."""

from pathlib import Path

import numpy as np

from emcc.ir.graph import Array
from emcc.runtime.simulator import Run, Shape, Stalls, drive
from emcc.tools import verilator

WORDS, PASSES = 3, 2


def sources(act_w: int = 16) -> dict[str, bytes]:
    """rtl/ of the toy."""
    text = Path(__file__).with_name("toy.sv").read_text()
    assert "ActW   = 16" in text
    text = text.replace("ActW   = 16", f"ActW   = {act_w}")
    return {"rtl/files.f": b"rtl/emcc_top.sv\n", "rtl/emcc_top.sv": text.encode()}


def run(
    folder: Path,
    slots: Array,
    *,
    act_w: int = 16,
    fault: int = 0,
    stalls: Stalls | None = None,
    trace: Path | None = None,
    jobs: int | None = 1,
) -> Run:
    """Drive the toy with integers [n, WORDS]."""
    (folder / "rom").mkdir(exist_ok=True)
    (folder / "rom" / "fault.hex").write_text(f"{fault:02x}\n")
    program = verilator.build(sources(act_w), trace=trace is not None)
    return drive(program, folder, shape(act_w), slots, max_cycles=1000, stalls=stalls, trace=trace, jobs=jobs)


def shape(act_w: int = 16) -> Shape:
    """What the harness has to know of it."""
    return Shape(act_w, (WORDS, -WORDS), PASSES)


def random_slots(count: int, act_w: int = 16, seed: int = 0) -> Array:
    """Integers [count, WORDS] over the whole range of act_w bits."""
    high = 1 << (act_w - 1)
    return np.random.default_rng(seed).integers(-high, high, (count, WORDS))


def expected(slots: Array, act_w: int = 16) -> Array:
    """What the toy answers: x + 5, wrapped to act_w bits."""
    half = 1 << (act_w - 1)
    return (slots + 5 + half) % (2 * half) - half
