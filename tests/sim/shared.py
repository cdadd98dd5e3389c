"""Many programs on one simulator: hardware for the largest of each number, memories read at start.

What is built depends on the package's numbers alone (widths, depths, what there is), so a design with each number at
its largest over many programs runs them all, in the same cycles: none depends on a width or a depth. What does have a
part in a cycle (PEs, groups, queues, multipliers, function tables) is the same in all that share a build.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import reduce
from operator import or_
from pathlib import Path

import numpy as np

from emcc.backends import rom, verilog
from emcc.backends.rom import RomImage
from emcc.eie.groups import cycles
from emcc.eie.groups.plan import Plan
from emcc.eie.groups.schedule import plan as planned
from emcc.eie.groups.sizes import WEIGHT_W, bits, shift
from emcc.eie.groups.tables import Context
from emcc.ir.graph import Array
from emcc.ir.program import Program
from emcc.runtime.designs import Design
from emcc.runtime.simulator import COUNTERS, Stalls, drive
from emcc.tools import verilator

SAME = ("Lanes", "Groups", "ActW", "LogQueue", "HasScale", "HasTable", "LoBits", "HiBits", "HostWait", "HasSplit")
"""Numbers that programs on one build have in common."""
DEPTHS = {
    **{"walk": "Passes", "taps": "Taps", "drain": "Passes", "host": "HostRows", "codebook": "BookDepth"},
    **{"coarse": "CoarseDepth", "fine": "FineDepth", "ptr": "Columns", "spmat": "Entries"},
    **{"bias": "Biases", "scale": "Scales"},
}
"""The number that is the depth of a memory."""

PASSES = ("walk", "drain")
"""The tables with a row a pass."""


@dataclass(frozen=True)
class Case:
    """A program, its plan, and integers [n, elements] by input's name."""

    program: Program
    plan: Plan
    inputs: dict[str, Array]

    @property
    def samples(self) -> int:
        """How many there are."""
        return len(next(iter(self.inputs.values())))

    @property
    def kind(self) -> tuple[int, ...]:
        """What those that share a build have in common."""
        numbers = Context(self.program, self.plan).numbers
        return tuple(numbers.get(name, 0) for name in SAME)


def case(program: Program, x: dict[str, Array]) -> Case:
    """A program with its plan, and its inputs flattened."""
    return Case(program, planned(program), {name: value.reshape(len(value), -1) for name, value in x.items()})


class Build:
    """Hardware that all cases of one kind fit in, built once."""

    def __init__(self, cases: Sequence[Case]) -> None:
        contexts = [Context(one.program, one.plan) for one in cases]
        (_,) = {one.kind for one in cases}
        self.numbers = _largest(contexts)
        self.numbers["Passes"] = max(len(one.plan.passes) * one.samples for one in cases)
        self.numbers["PassW"] = bits(self.numbers["Passes"])
        self.simulator = verilator.build(verilog.render_of(self._context(cases[0])))

    def _context(self, one: Case) -> Context:
        context = Context(one.program, one.plan)
        context.numbers = self.numbers
        return context

    def compare(self, one: Case, folder: Path, seed: int = 0, loaded: Case | None = None) -> None:
        """Hold every integer, and the cycle of every pass, against reference and cycle model; the second time stalled.

        Tables hold rubbish behind the program's own rows. `loaded` is what they are of, if not of the case.
        """
        design, rng = Design(one.program, one.plan), np.random.default_rng(seed)
        wanted, traffic = cycles.count(one.program, one.inputs, one.plan), design.traffic(one.inputs)
        images = {
            name: self._filled(name, image, rng) for name, image in rom.images_of(self._context(loaded or one)).items()
        }
        (folder / "rom").mkdir(parents=True, exist_ok=True)
        for name, content in rom.render(images, "hex").items():
            (folder / name).write_bytes(content)
        most = 4 * int((traffic.cycles + traffic.transfer).max()) + 10_000
        for stalls in (None, Stalls(0.3, 0.5, seed=seed)):
            patience = most if stalls is None else 2 * most
            ran = drive(self.simulator, folder, design.shape, traffic.into, max_cycles=patience, stalls=stalls, jobs=1)
            assert not ran.failure, ran.failure
            np.testing.assert_array_equal(ran.words, traffic.out)
            found = dict(zip(COUNTERS, ran.records.T, strict=False))
            np.testing.assert_array_equal(ran.records[:, len(COUNTERS) :], wanted.pass_done)
            np.testing.assert_array_equal(found["cycles"], wanted.total)
            np.testing.assert_array_equal(found["broadcasts"], wanted.broadcasts)
            np.testing.assert_array_equal(found["stalls"], wanted.stalls)

    def _filled(self, name: str, image: RomImage, rng: np.random.Generator) -> RomImage:
        """Return an image as deep as the memory is, rubbish behind its own words.

        Passes are counted to the end of their tables, so there a program stands once a sample.
        """
        missing = self.numbers[DEPTHS[name.split("_")[-1]]] - len(image.values)
        if name in PASSES:
            words = [int(word) for word in image.values]
            return replace(image, values=[words[i % len(words)] for i in range(len(words) + missing)])
        rubbish = [int.from_bytes(rng.bytes(-(-image.width // 8)), "little") for _ in range(missing)]
        return replace(image, values=[*map(int, image.values), *(word >> -image.width % 8 for word in rubbish)])


def _largest(contexts: Sequence[Context]) -> dict[str, int]:
    """Return each number at its largest; those that follow from others anew."""
    result = {name: max(one.numbers[name] for one in contexts) for name in contexts[0].numbers}
    shifts = [shift(one.program, row) for one in contexts for row in one.plan.passes]
    direct = WEIGHT_W * result["HasDirect"]
    masks = {name: reduce(or_, (one.numbers[name] for one in contexts)) for name in result if name.endswith("Widths")}
    return {
        **result,
        **masks,
        "ShiftMin": min(shifts),
        "ShiftW": bits(max(shifts) - min(shifts) + 1),
        "InfoW": max(result["ColW"], direct),
        "LoadW": max(result["StartW"] + result["CountW"], direct),
    }
