"""What is emitted beside a design for those who put it into a SoC; docs/axi.md, docs/adr/0036."""

import hashlib
from collections.abc import Mapping

from emcc.backends import soc
from emcc.backends.soc.bench import Inference, Vectors, bench_files, core_files
from emcc.driver.emit import BOOT
from emcc.eie.groups.schedule import plan
from emcc.eie.groups.transfer import transfer
from emcc.files.artefact import to_json
from emcc.ir.graph import Array
from emcc.ir.program import Program
from emcc.runtime.designs import Design
from emcc.runtime.simulator import Shape
from emcc.samples.sampling import by_input, quantised

INFERENCES = 3
MOST = 1 << 14
"""Activations that the bench's vectors have, all in all; an inference of more than a third is there once or twice."""


def soc_files(program: Program, stored: bytes, emitted: Mapping[str, bytes], x: Array) -> dict[str, bytes]:
    """Return AXI top, header, core and bench of a design; nothing for one with a port for its boot image.

    They do not feed that port.

    Args:
        program: `stored` is program.npz. emitted: its rtl/ and rom/.
        x: samples [n, ...] in the model's units, of which the first ones become vectors.
    """
    if BOOT in emitted:
        return {}
    digest, design = hashlib.sha256(stored).digest(), Design(program, plan(program))
    into, out = sizes(design.shape)
    held = soc.values(into, out, digest)
    made = vectors(design, x[: max(1, min(INFERENCES, MOST // (into + out)))])
    files = {
        **soc.render_axi(held, program.next_input),
        **bench_files(),
        "tb/vectors.json": to_json(made.to_json(held)),
    }
    return {**files, **core_files({**emitted, **files}, digest)}


def sizes(shape: Shape) -> tuple[int, int]:
    """Return the activations that an inference takes, and that it gives."""
    return sum(turn for turn in shape.turns if turn > 0), -sum(turn for turn in shape.turns if turn < 0)


def vectors(design: Design, x: Array) -> Vectors:
    """Return what should cross for samples [n, ...], by the reference and the cycle model."""
    program, shape = design.program, design.shape
    traffic = design.traffic(by_input(program, quantised(program, x)))
    rows = zip(traffic.into.tolist(), traffic.out.tolist(), traffic.cycles.tolist(), strict=True)
    return Vectors(shape.act_w, shape.turns, transfer(design.plan), [Inference(*row) for row in rows])
