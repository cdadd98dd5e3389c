"""A Program and its Plan for the array of column groups as DUTs: the package, the modules, the memories, the tables."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from common.simulator import Design
from emcc.backends.rom import core_images, render
from emcc.backends.verilog import render_core
from emcc.eie.groups.plan import Plan
from emcc.eie.groups.tables import Context, unpacked
from emcc.ir.program import Program


def design(
    top: str,
    program: Program,
    plan: Plan,
    parameters: Mapping[str, str] | None = None,
    changed: Mapping[str, bytes] | None = None,
) -> Design:
    """The module `top`, built for a plan; `changed` files take the place of the library's, or come before it."""
    files = render_core(program, plan)
    names = ["rtl/emcc_assert.svh", *files["rtl/files.f"].decode().split()]
    changed = changed or {}
    first = {name: content for name, content in changed.items() if name not in names}
    return Design(top, {**first, **{name: changed.get(name, files[name]) for name in names}}, parameters or {})


def write(program: Program, plan: Plan, place: Path, more: Mapping[str, Any] | None = None) -> None:
    """The memories and stimulus.json, which has the package's numbers and the rows of all tables."""
    for name, content in render(core_images(program, plan), "hex").items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_bytes(content)
    document = {**stimulus(program, plan), **(more or {})}
    (place / "stimulus.json").write_text(json.dumps(document), encoding="utf-8")


def stimulus(program: Program, plan: Plan) -> dict[str, Any]:
    """What every bench reads: `numbers`, and the tables `walk`, `tap`, `drain` and `host` as the RTL sees them."""
    context, images = Context(program, plan), core_images(program, plan)
    files = {"walk": "walk", "tap": "taps", "drain": "drain", "host": "host"}
    tables = {
        name: [unpacked(context, fields, int(word)) for word in images[files[name]].values]
        for name, fields in context.tables.items()
    }
    return {"numbers": dict(context.numbers), **tables}
