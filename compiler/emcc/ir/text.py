"""A Graph and a Program as text: the same value is the same text, a few lines a layer. For people and for diffs.

Numbers that fill arrays are told by their shape, a count and the first digits of their SHA-256.
"""

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from emcc.base.text import printable
from emcc.ir.affine import plain
from emcc.ir.graph import PLAIN, Affine, Array, Format, Graph, Node, Tensor
from emcc.ir.program import HOLE, HostPart, Port, Program, Slices, Step


def graph_text(graph: Graph) -> str:
    """Return a graph as text."""
    return "\n".join(_graph(graph)) + "\n"


def program_text(program: Program) -> str:
    """Return a program as text."""
    return "\n".join(_program(program)) + "\n"


def name(text: str) -> str:
    """Return a name in quotes, whatever it holds."""
    return '"' + printable(text.replace("\\", "\\\\").replace('"', '\\"'), 80) + '"'


def digest(*arrays: Array) -> str:
    """Return the first eight digits of the SHA-256 over dtypes, shapes and contents."""
    state = hashlib.sha256()
    for array in arrays:
        state.update(f"{array.dtype}{array.shape}".encode() + np.ascontiguousarray(array).tobytes())
    return state.hexdigest()[:8]


def _graph(graph: Graph) -> Iterator[str]:
    yield f"graph {name(graph.name)}"
    for source in graph.inputs:
        yield f"  input {name(source)}: {_tensor(graph.tensors[source])}{_affine(graph.affines.get(source, PLAIN))}"
    for node in graph.nodes:
        yield from _node(graph, node)
    outputs = (f"{name(output)}{_affine(graph.affines.get(output, PLAIN))}" for output in graph.outputs)
    yield f"  output {', '.join(outputs)}"
    for op, attrs in graph.host:
        yield f"  host {printable(op)}{_attrs(attrs)}"
    for constant in sorted(graph.constants):
        yield f"  constant {name(constant)}: {_constant(graph, constant)}"


def _node(graph: Graph, node: Node) -> Iterator[str]:
    outputs = ", ".join(map(name, node.outputs))
    yield f"  {outputs} = {printable(node.op)}({', '.join(name(source) if source else '-' for source in node.inputs)})"
    types = "; ".join(_tensor(graph.tensors[output]) for output in node.outputs if output in graph.tensors)
    yield f"    {types}  node {name(node.name)}{_attrs(node.attrs)}"


def _tensor(tensor: Tensor) -> str:
    sizes = ", ".join("?" if size is None else str(size) for size in tensor.shape[1:])
    return f"{tensor.dtype} [{sizes}]" + (f" {_format(tensor.fmt)}" if tensor.fmt else "")


def _format(fmt: Format) -> str:
    return f"q{fmt.frac_bits} of {fmt.width}"


def _constant(graph: Graph, constant: str) -> str:
    value, book = graph.constants[constant], graph.codebooks.get(constant)
    kept = f"{np.count_nonzero(value):,} of {value.size:,} not zero, "
    blocks = graph.blocks.get(constant)
    coded = f"{book.values.size or 'no'} entries of {book.code_w}-bit codes, " if book else ""
    if blocks:
        count, size, block = blocks.values.shape
        coded = f"{count * size} sub-vectors of {block}, {blocks.code_w}-bit codes, "
    return f"{value.dtype} {list(value.shape)}, {kept}{coded}{digest(value)}"


def _attrs(attrs: Mapping[str, Any]) -> str:
    return "".join(f" {printable(key, 40)}={printable(repr(attrs[key]), 80)}" for key in sorted(attrs))


def _program(program: Program) -> Iterator[str]:
    groups = f" in {program.groups} groups" if program.groups > 1 else ""
    ahead = ", the next input while this one runs" if program.next_input else ""
    sizes = f"{program.pes} PEs{groups}, activations of {program.act_w} bits, accumulators of {program.acc_w}"
    yield f"program {name(program.name)}: {sizes}, queues of {program.queue_depth}{ahead}"
    for kind, ports in (("input", program.inputs), ("output", program.outputs)):
        for port in ports:
            yield f"  {kind} {_port(port)}"
    for i, buffer in enumerate(program.buffers):
        slots = f"{buffer.slots} slots" + (f", {holes} of them holes" if (holes := _holes(buffer.order)) else "")
        part = f", slots {buffer.first} to {buffer.first + buffer.slots - 1} of b{buffer.whole}"
        line = f"  b{i} {name(buffer.name)}: {buffer.height} x {buffer.width} x {slots}, {_format(buffer.fmt)}"
        yield line + (part if buffer.whole >= 0 else "") + f", order {digest(buffer.order)}"
    parts = list(program.parts)
    for i, step in enumerate(program.steps):
        yield from (_part(part) for part in parts if part.before == i)
        yield from _step(program, i, step)
    yield from (_part(part) for part in parts if part.before >= len(program.steps))
    for op, attrs in program.host:
        yield f"  host {printable(op)}{_attrs(attrs)}"
    for i, table in enumerate(program.tables):
        split = f"{table.lo_bits} low and {table.hi_bits} high bits"
        yield f"  table {i}: {table.coarse.size} + {table.fine.size}, {split}, {digest(table.coarse, table.fine)}"


def _port(port: Port) -> str:
    place = f"{name(port.name)} {list(port.shape)} in b{port.buffer}, order {digest(port.order)}"
    return place + _affine(port.affine)


def _affine(affine: Affine) -> str:
    norm = f", samples over their {affine.norm} norm" if affine.norm else ""
    scaled = not plain(Affine(affine.scale, affine.offset))
    return norm + (f", scales and offsets of the host {digest(affine.scale, affine.offset)}" if scaled else "")


def _holes(order: Array) -> int:
    return int(np.count_nonzero(order == HOLE))


def _part(part: HostPart) -> str:
    reads = ", ".join(f"{name(port.name)} in b{port.buffer}" for port in part.ports)
    made = f"{name(part.target.name)} in b{part.target.buffer}"
    return f"  host {printable(part.op)} {name(part.name)}: {reads} -> {made}{_attrs(part.attrs)}"


def _step(program: Program, index: int, step: Step) -> Iterator[str]:
    sources = ", ".join(f"b{source}" for source in step.sources)
    yield f"  step {index + 1} {name(step.name)}: {step.kind} {step.combine}, {sources} -> b{step.target}"
    if step.window.taps > 1 or max(step.window.stride) > 1:
        window = step.window
        pairs = (("kernel", window.kernel), ("stride", window.stride), ("dilation", window.dilation))
        shape = ", ".join(f"{kind} {pair[0]} x {pair[1]}" for kind, pair in pairs)
        margins = f", counted margins {step.margins}" if any(step.margins) else ""
        yield f"    window {shape}, {window.before[0]} above and {window.before[1]} left of the map{margins}"
    if step.slices >= 0:
        yield f"    slices {step.slices}: {_slices(program.slices[step.slices])}"
    if step.codes >= 0:
        codes = program.codes[step.codes]
        yield f"    codes {step.codes}: {codes.shape[0]} taps x {codes.shape[1]} slots, {digest(codes)}"
    shared = [
        f"{kind} {index} ({values[index].size}, {digest(values[index])})"
        for kind, index, values in (
            ("codebook", step.codebook, program.codebooks),
            ("bias", step.bias, program.biases),
            ("multiplier", step.multiplier, program.multipliers),
        )
        if index >= 0
    ]
    if shared:
        yield f"    {', '.join(shared)}, {step.weight_frac} fraction bits of weights"
    function = f"table {step.table}" if step.table >= 0 else step.function
    yield f"    shift {step.shift} to {_format(step.z_fmt)}, {function}"


def _slices(slices: Slices) -> str:
    fullest = int(np.diff(slices.first).max())
    entries = f"{slices.entries:,} entries of {slices.code_w} + {slices.run_w} bits, {slices.padding:,} of them padding"
    arrays = slices.count, slices.code, slices.run
    return f"{slices.n_out} x {slices.n_in}, {entries}, {fullest:,} in the fullest PE, {digest(*arrays)}"
