"""A Program as emcc emits it, with inferences and what the reference and the cycle model say of them."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from common.networks import vector
from common.simulator import Design
from emcc.backends.rom import images
from emcc.backends.rom import render as render_roms
from emcc.backends.verilog import render
from emcc.eie import cycles, reference
from emcc.ir.graph import Array
from emcc.ir.program import Program

KINDS = ("mixed", "zero", "full", "sparse", "extreme", "mixed")


def design(program: Program, changed: Mapping[str, bytes] | None = None) -> Design:
    """The emitted top; `changed` files take the place of emitted ones."""
    files = {name: content for name, content in render(program).items() if name.endswith((".sv", ".svh"))}
    return Design("emcc_top", {**files, **{name: (changed or {})[name] for name in files if name in (changed or {})}})


def inputs(program: Program, kinds: Sequence[str], seed: int = 0) -> Array:
    """One quantised input a kind (see common.networks.vector): int64 [n, elements]."""
    rng = np.random.default_rng([seed, program.pes])
    size, fmt = int(np.prod(program.inputs[0].shape)), program.layers[0].in_fmt
    return np.stack([vector(rng, kind, size, fmt.low, fmt.high) for kind in kinds])


def write(program: Program, x: Array, place: Path) -> None:
    """The memories and stimulus.json, in the folder where the simulator will run."""
    for name, content in render_roms(images(program)).items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_bytes(content)
    y, counts = reference.run(program, x), cycles.count(program, x)
    document = {
        "lanes": program.pes,
        "act_w": program.act_w,
        "inferences": [
            {
                "x": x[i, program.inputs[0].slots].tolist(),
                "y": y[i, program.outputs[0].slots].tolist(),
                "total": int(counts.total[i]),
                "layer_done": counts.layer_done[i].tolist(),
                "broadcasts": int(counts.broadcasts[i].sum()),
                "stalls": int(counts.stalls[i].sum()),
            }
            for i in range(len(x))
        ],
    }
    (place / "stimulus.json").write_text(json.dumps(document), encoding="utf-8")
