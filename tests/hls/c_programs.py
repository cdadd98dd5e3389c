"""Programs as compiled C, held against the reference: every integer that comes out of every segment."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from emcc.backends.hls import Model, validate
from emcc.ir.graph import Array
from emcc.ir.program import Program
from emcc.runtime.compiled import ran
from emcc.runtime.segmented import crossed
from emcc.tools.cc import built

SANITIZED = ("-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
NAME = "a */ model"


def files_of(model: Model, top: bool = False) -> dict[str, bytes]:
    """The sources that an engine is made of."""
    return {**model.common(), **(model.top() if top else {}), "engine.c": model.engine(top)}


def mismatches(
    program: Program,
    inputs: Mapping[str, Array],
    flags: Sequence[str] = SANITIZED,
    top: bool = False,
    changed: Mapping[str, Any] | None = None,
    external: bool = False,
) -> int:
    """Compile and run integers [n, ...] by input's name; count the wrong ones. `changed`: attributes of arrays."""
    model = Model(program, NAME, external)
    validate(model.context, top)
    for name, values in (changed or {}).items():
        model.context.arrays.all[name][:] = values
    flat = {name: value.reshape(len(value), -1) for name, value in inputs.items()}
    pairs = crossed(program, flat)
    source = f"emcc_{model.name}{'_top' if top else ''}.c"
    engine = built(files_of(model, top), ["engine.c", source], flags)
    outside = model.context.external
    found = ran(engine, program.act_w, pairs, outside.file if outside else None)
    return sum(int(np.count_nonzero(got != out)) for got, (_, out) in zip(found, pairs, strict=True))
