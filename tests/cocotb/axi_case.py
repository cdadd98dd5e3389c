"""emcc_axi_top of a specimen as a DUT, and what its bench reads."""

import json
from pathlib import Path

from common import group_case
from common.simulator import Design
from group_cases import inferences, overlapping
from specimens import specimen

from emcc.backends.soc import render_axi, values
from emcc.backends.soc.registers import READ_ONLY, REGISTERS
from emcc.backends.verilog import render_core
from emcc.eie.groups.transfer import transfer

SPECIMEN, OVERLAPPING = "groups", "next_input"
DIGEST = bytes(range(1, 33))


def files(name: str = SPECIMEN) -> dict[str, bytes]:
    """The specimen's rtl/, with the AXI top."""
    program, plan = specimen(name)
    return {**render_core(program, plan), **render_axi(held(name), program.next_input)}


def held(name: str) -> dict[str, int]:
    """What the constant registers hold."""
    program, plan = specimen(name)
    turns = inferences(program, plan)["turns"]
    sizes = sum(turn for turn in turns if turn > 0), -sum(turn for turn in turns if turn < 0)
    return dict(values(*sizes, DIGEST))


def design(changed: dict[str, bytes] | None = None, name: str = SPECIMEN) -> Design:
    """The DUT; `changed` files take the place of the emitted ones, or come before them."""
    emitted, changed = files(name), changed or {}
    listed = [*emitted["rtl/files.f"].decode().split(), *emitted["rtl/axi.f"].decode().split()]
    names = ["rtl/emcc_assert.svh", *listed]
    first = {name: content for name, content in changed.items() if name not in names}
    return Design("emcc_axi_top", {**first, **{name: changed.get(name, emitted[name]) for name in names}})


def write(place: Path, name: str = SPECIMEN) -> None:
    """The memories and stimulus.json."""
    program, plan = specimen(name)
    more = {
        **(overlapping if plan.next_input else inferences)(program, plan),
        "transfer": transfer(plan),
        "addresses": {register.name: register.address for register in REGISTERS},
        "writable": [register.name for register in REGISTERS if register.access != READ_ONLY],
        "values": held(name),
    }
    group_case.write(program, plan, place, json.loads(json.dumps(more)))
