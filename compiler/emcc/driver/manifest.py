"""emcc.json as a value: what went in, what was done, what came out, what it costs."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from emcc import ops
from emcc.base.version import __version__
from emcc.driver.emit import Emitted
from emcc.driver.places import targets_of
from emcc.driver.plan import Plan
from emcc.driver.request import CompileOptions
from emcc.eie.blockram import FAMILIES, blocks
from emcc.eie.memory import Memory
from emcc.files.artefact import FORMAT
from emcc.ir.graph import Graph
from emcc.ir.program import Port, Program
from emcc.measure.coding import table
from emcc.measure.cost import CLOCK_HZ, hosted_row, layer_row, throughput, totals
from emcc.measure.steps import partition, step_rows
from emcc.measure.values import rounded, source
from emcc.runtime.designs import design_of, step_cycles
from emcc.samples.dataset import Dataset
from emcc.samples.sampling import by_input, quantised, sample

TIMED, LEAST, TIMED_ELEMENTS = 256, 2, 1 << 22


@dataclass(frozen=True)
class Compiled:
    """What a compile leaves: the folded graph, the compressed one in floats and in integers, and the rest.

    `worth` is "quality" and "loss", see driver.losses. `record` has a row a layer and pass ("layer_passes"), and what
    automatic compression measured, where that ran; `table_errors` the greatest error of each function table, by layer,
    in output ulps; `scales` what was decided of scales, and which samples lie outside;
    `digest` is the design's, see link.digest; `hz` the clock of times, None for `cost.CLOCK_HZ`; `lut_words`, by
    family, up to how many words memories are made of LUTs, where a board decides. `c`: of the emitted C, where there is
    some; see driver.targets.
    """

    original: Graph
    factored: Graph
    shared: Graph
    quantised: Graph
    program: Program
    emitted: Emitted
    data: Dataset | None
    plan: Plan
    steps: tuple[tuple[str, str], ...]
    record: Mapping[str, Any]
    worth: Mapping[str, Any]
    table_errors: Mapping[str, float]
    scales: Mapping[str, Any]
    digest: str
    hz: int | None = None
    lut_words: Mapping[str, int] = field(default_factory=dict)
    c: Mapping[str, Any] | None = None


def build(options: CompileOptions, compiled: Compiled, encoded: bytes) -> dict[str, Any]:
    """The manifest, but for its "files". `encoded` is model.emc; no times, no paths, floats rounded to six digits."""
    program, data = compiled.program, compiled.data
    layers, steps, total = _costs(compiled, encoded)
    return {
        "format": FORMAT,
        "emcc": __version__,
        "target": ",".join(targets_of(options.target)),
        "model": {
            **source(options.model),
            "name": program.name,
            **_interface(program),
            **options.interface,
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
            "digest": compiled.digest,
            **compiled.emitted.design,
            "tables": len(program.tables),
            "host": [{"op": op, "attrs": _plain(attrs)} for op, attrs in program.host],
        },
        "samples": "samples of the data" if data else "synthetic samples",
        "layers": rounded(layers),
        "steps": rounded(steps),
        "partition": rounded(partition(compiled.quantised, program, steps)),
        "totals": rounded(total),
        "compression": rounded(table(compiled.original, compiled.factored, compiled.shared, encoded)),
        "memory": [_memory(row, compiled.lut_words) for row in compiled.emitted.memory],
        **rounded({name: compiled.worth[name] for name in ("quality", "loss")}),
        **({"c": compiled.c} if compiled.c is not None else {}),
    }


def _memory(row: Memory, words: Mapping[str, int]) -> dict[str, Any]:
    """Return a memory with what all its copies take: bits, and block RAMs by family (none apart)."""
    taken = {family: blocks(row, family, words.get(family)) * row.copies for family in FAMILIES}
    told = {name: value for name, value in asdict(row).items() if name != "apart"}
    return {**told, "bits": row.bits, "block_rams": taken}


def _costs(compiled: Compiled, encoded: bytes) -> tuple[list[dict[str, Any]], list[dict[str, Any]], dict[str, Any]]:
    """Return a row a layer, a row a step, and the totals."""
    from emcc.measure.sections import layer_sizes

    program, design = compiled.program, design_of(compiled.program)
    x = quantised(program, sample(compiled.original, compiled.data, timed(program)).x)
    traffic = design.traffic(by_input(program, x))
    taken = step_cycles(design, traffic.completed, traffic.cycles)
    coded = {row.name: row for row in layer_sizes(encoded)}
    of_name = {step.name: i for i, step in reversed(list(enumerate(program.steps)))}
    own = {node.name for node in compiled.shared.layers()}
    layers = []
    for node in compiled.quantised.layers():
        i = of_name[node.name]
        row = layer_row(
            compiled.quantised, node, program, program.steps[i], coded[node.name].bytes, float(taken[:, i].mean())
        )
        made = {} if node.name in own else {"made": True}
        layers.append({**row, **made, "table_error": compiled.table_errors.get(node.name)})
    passes = [design.steps.count(i) for i in range(len(program.steps))]
    steps = step_rows(compiled.quantised, program, passes, taken, traffic.products)
    work, beside = traffic.products.sum(axis=1), int(traffic.transfer[0])
    hz = compiled.hz or CLOCK_HZ
    held = [node for node in compiled.quantised.nodes if "recurrent" in ops.traits(node.op)]
    hosted = [hosted_row(compiled.quantised, node) for node in held]
    total = totals(layers, hosted, len(encoded), traffic.cycles, beside, work, program.pes, hz)
    ahead = {"throughput": throughput(design.between(traffic), traffic.exposed, hz)} if program.next_input else {}
    return layers, steps, {**total, **ahead}


def timed(program: Program) -> int:
    """Return how many samples cycles are counted on: TIMED, fewer where an inference holds many elements."""
    elements = sum(buffer.positions * buffer.slots for buffer in program.buffers)
    return max(LEAST, min(TIMED, TIMED_ELEMENTS // elements))


def _interface(program: Program) -> dict[str, Any]:
    """What a host has to know: q = round((x - offset) * scale * 2**frac_bits), y = q * 2**-frac_bits * scale + offset.

    Scales and offsets are exact, an element each or one for all. "input" and "output" are the first ones.
    Where there is a "norm" (L1, L2 or MAX; see ir.norms) a sample x is first divided by its own.
    """
    inputs, outputs = ([_end(program, port) for port in side] for side in (program.inputs, program.outputs))
    ends: dict[str, Any] = {"input": inputs[0], "output": outputs[0]}
    return ends | ({"inputs": inputs, "outputs": outputs} if len(inputs) + len(outputs) > 2 else {})


def _end(program: Program, port: Port) -> dict[str, Any]:
    return {
        "name": port.name,
        "shape": list(port.shape),
        "frac_bits": program.buffers[port.buffer].fmt.frac_bits,
        "scale": port.affine.scale.tolist(),
        "offset": port.affine.offset.tolist(),
        **({"norm": port.affine.norm} if port.affine.norm else {}),
    }


def _plain(value: Any) -> Any:
    """`value` as JSON has it."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value.item() if isinstance(value, np.generic) else value
