"""What an artefact holds beside the array: the emitted C of --target c and hls; docs/hls.md, docs/adr/0038."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from emcc.backends.hls import Model, plain, validate
from emcc.backends.hls.cost import cost
from emcc.backends.hls.numbers import BITS
from emcc.backends.hls.numbers import held as held_arrays
from emcc.eie import reference
from emcc.ir.graph import Array, Graph
from emcc.runtime.segmented import crossed
from emcc.runtime.work import by_step
from emcc.samples.sampling import by_input, quantised

VECTORS, MOST = 3, 1 << 14
"""Samples that the test in C has, and the integers that these may be."""

COUNTED = 4
"""Samples on which useful products are counted."""


def emitted_c(
    graph: Graph, name: str, targets: tuple[str, ...], x: Array, weights: str = "rom"
) -> tuple[dict[str, bytes], Mapping[str, Any] | None]:
    """Return the files of hls/ and c/, as far as they are asked for, and what the manifest says of them.

    Args:
        graph: quantised. name: the model's. targets: see driver.places.targets_of.
        x: samples [n, ...] in the model's units. weights: of driver.places.WEIGHTS: where hls/ has them.

    Raises:
        EmccError: the model is larger than C, or a chip, can hold.
    """
    if not {"hls", "c"} & set(targets):
        return {}, None
    model = Model(plain(graph), name)
    external = Model(model.program, name, external=True) if weights == "external" else None
    validate(model.context, "hls" in targets and external is None)
    if external:
        validate(external.context, True)
    integers = quantised(model.program, x[:COUNTED])
    inputs = by_input(model.program, integers)
    pairs = crossed(model.program, inputs)
    held = sum(into.shape[1] + out.shape[1] for into, out in pairs)
    count = max(1, min(VECTORS, MOST // held))
    vectors = [(into[:count], out[:count]) for into, out in pairs]
    files: dict[str, bytes] = {}
    if "hls" in targets:
        files |= {f"hls/{file}": content for file, content in (external or model).synthesised(vectors).items()}
    if "c" in targets:
        files |= {f"c/{file}": content for file, content in model.library(vectors).items()}
    memory = reference.ran(model.program, inputs)
    products = np.asarray(by_step(model.program, memory.values), np.float64).mean(axis=0)
    return files, {
        "name": model.name,
        "segments": len(model.context.segments),
        **cost(model.context, products).to_json(),
        **(external_facts(external) if external else {}),
    }


def external_facts(model: Model) -> dict[str, Any]:
    """Return what the manifest says of weights that come from outside: their bytes, and those of a tile's memories."""
    held = sum(size * BITS[kind] // 8 for _, kind, size in held_arrays(model.context))
    outside = model.context.external
    return {"external": {"bytes": len(outside.file) if outside else 0, "held": held}}
