"""emcc.json as a value: what went in, what was done, what came out, what it costs."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from emcc.backends.rom import RomImage
from emcc.base.version import __version__
from emcc.driver.plan import Plan
from emcc.driver.request import CompileOptions
from emcc.eie import descriptor, reference
from emcc.eie.layout import Layout
from emcc.eie.memory import memories
from emcc.files.artefact import FORMAT
from emcc.ir.graph import Graph
from emcc.ir.program import Program
from emcc.measure.coding import table
from emcc.measure.cost import layer_row, totals
from emcc.measure.values import rounded, source
from emcc.runtime.work import products
from emcc.samples.dataset import Dataset
from emcc.samples.sampling import quantised, sample

TIMED = 256


@dataclass(frozen=True)
class Compiled:
    """What a compile leaves: the folded graph, the compressed one in floats and in integers, and the rest.

    `worth` is "quality" and "loss", see driver.losses. `record` has a row a layer and pass ("layer_passes"), and what
    automatic compression measured, where that ran; `table_errors` the greatest error of each function table, by layer,
    in output ulps; `scales` what was decided of scales, and which samples lie outside.
    """

    original: Graph
    shared: Graph
    quantised: Graph
    program: Program
    images: Mapping[str, RomImage]
    data: Dataset | None
    plan: Plan
    steps: tuple[tuple[str, str], ...]
    record: Mapping[str, Any]
    worth: Mapping[str, Any]
    table_errors: Mapping[str, float]
    scales: Mapping[str, Any]


def build(options: CompileOptions, compiled: Compiled, encoded: bytes) -> dict[str, Any]:
    """The manifest, but for its "files". `encoded` is model.emc; no times, no paths, floats rounded to six digits."""
    program, data = compiled.program, compiled.data
    layers, total = _costs(compiled, encoded)
    return {
        "format": FORMAT,
        "emcc": __version__,
        "target": options.target,
        "model": {
            **source(options.model),
            "name": program.name,
            **_interface(program),
            **options.named_output,
        },
        "data": source(options.data) | {"samples": len(data), "labels": data.labelled}
        if options.data and data
        else None,
        "validation": source(options.validate) if options.validate else None,
        "recipe": source(options.recipe) if options.recipe else None,
        "options": {
            "keep_weights": options.keep_weights,
            "task": options.task,
            "fine_tuned": compiled.plan.fine_tuned,
            "passes": compiled.plan.resolved,
        },
        **rounded(compiled.record),
        "passes": [{"name": name, "did": did} for name, did in compiled.steps],
        "warnings": [*compiled.plan.warnings, *compiled.worth["warnings"]],
        "scales": rounded(compiled.scales),
        "design": {
            "pes": program.pes,
            "act_w": program.act_w,
            "acc_w": program.acc_w,
            "queue_depth": program.queue_depth,
            "in_words": program.in_words,
            "out_words": program.out_words,
            "tables": len(program.tables),
            "host": [{"op": op, "attrs": _plain(attrs)} for op, attrs in program.host],
        },
        "samples": "samples of the data" if data else "synthetic samples",
        "layers": rounded(layers),
        "totals": rounded(total),
        "compression": rounded(table(compiled.original, compiled.shared, encoded)),
        "memory": [{**asdict(row), "bits": row.bits} for row in memories(Layout(program))],
        "descriptor": [
            {"field": place.field.name, "at": place.at, "width": place.width, "says": place.field.doc}
            for place in descriptor.places(Layout(program))
        ],
        "memory_map": [
            {"layer": layer.name, **asdict(at)}
            for layer, at in zip(program.layers, Layout(program).placements, strict=True)
        ],
        **rounded({name: compiled.worth[name] for name in ("quality", "loss")}),
    }


def _costs(compiled: Compiled, encoded: bytes) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    from emcc.eie import cycles
    from emcc.measure.sections import layer_sizes

    program = compiled.program
    x = quantised(program, sample(compiled.original, compiled.data, TIMED).x)
    values = reference.run_layers(program, x)
    counts = cycles.count_layers(program, values)
    # A layer takes from the end of the one before it to its own; the output's beats are the last one's.
    ends = np.column_stack([counts.layer_done[:, :-1], counts.total])
    by_layer = np.diff(ends, axis=1, prepend=0)
    coded = layer_sizes(encoded)
    errors = compiled.table_errors
    rows = [
        {
            **layer_row(compiled.quantised, node, layer, program.pes, coded[i].bytes, float(by_layer[:, i].mean())),
            "table_error": errors.get(node.name),
        }
        for i, (node, layer) in enumerate(zip(compiled.quantised.nodes, program.layers, strict=True))
    ]
    return rows, totals(rows, len(encoded), counts.total, products(program, values), program.pes)


def _interface(program: Program) -> dict[str, Any]:
    """What a host has to know: q = round((x - offset) * scale * 2**frac_bits), y = q * 2**-frac_bits * scale + offset.

    Scales and offsets are exact, an element each or one for all. Where there is a "norm" (L1, L2 or MAX; see ir.norms)
    a sample x is first divided by its own.
    """
    ends = (("input", program.inputs[0]), ("output", program.outputs[0]))
    return {
        kind: {
            "name": port.name,
            "shape": list(port.shape),
            "frac_bits": program.buffers[port.buffer].fmt.frac_bits,
            "scale": port.affine.scale.tolist(),
            "offset": port.affine.offset.tolist(),
            **({"norm": port.affine.norm} if port.affine.norm else {}),
        }
        for kind, port in ends
    }


def _plain(value: Any) -> Any:
    """`value` as JSON has it."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value.item() if isinstance(value, np.generic) else value
