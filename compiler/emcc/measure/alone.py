"""One thing of a float model replaced by its fixed-point value, and what that alone does to the output."""

from collections.abc import Mapping

import numpy as np

from emcc.ir.graph import Array, Format, Graph, Node
from emcc.ir.program import Table
from emcc.ops.fixed import look_up
from emcc.ops.interpret import trace
from emcc.ops.qlinear import constants, decoded


def rerun(
    graph: Graph,
    values: Mapping[str, Array],
    tensors: Mapping[str, Array],
    changes: Mapping[str, Array],
    formats: Mapping[str, Format] | None = None,
) -> dict[str, Array]:
    """Return the outputs, float64 [n, ...] by name, of a float graph with some tensors or constants replaced.

    Args:
        graph: its affines are not applied: tensors are as nodes see them.
        values: every tensor of `graph` as it is, of `ops.interpret.trace`.
        tensors, changes: what is replaced: tensors, and constants, by name.
        formats: of tensors; what becomes infinite or no number by the replacement is held in them.

    Only what depends on them is computed again.
    """
    changed, again = set(tensors), []
    for node in graph.nodes:
        if changed & set(node.inputs) or set(changes) & set(node.inputs):
            again.append(node)
            changed.add(node.outputs[0])
    made = {node.outputs[0] for node in again if node.outputs[0] not in tensors}
    known = {**values, **tensors}
    if made & set(graph.outputs):
        read = {name for node in again for name in node.inputs if name in graph.tensors} - made
        part = graph.with_(inputs=tuple(sorted(read)), nodes=tuple(again), affines={})
        given = {name: known[name] for name in sorted(read)}

        def through(name: str, value: Array) -> Array:
            return finite(formats[name], value) if formats and name in formats else value

        found = trace(part, given, constants=changes, keep=graph.outputs, through=through)
        known |= {name: found[name] for name in graph.outputs if name in made}
    return {name: known[name] for name in graph.outputs}


def held(fmt: Format, value: Array) -> Array:
    """Return floats within a format's range."""
    return np.clip(value, np.ldexp(float(fmt.low), -fmt.frac_bits), np.ldexp(float(fmt.high), -fmt.frac_bits))


def finite(fmt: Format, value: Array) -> Array:
    """Return floats of which those that are infinite are at the ends of a format's range, and no numbers 0.

    A logarithm of what was rounded to 0 is infinite, which no table of the array is.
    """
    return np.where(np.isfinite(value), value, held(fmt, np.nan_to_num(value)))


def replaced(graph: Graph, held: Graph, name: str, values: Mapping[str, Array]) -> Array:
    """Return a float tensor as the artefact would have it if all before it were exact: rounded, saturated, tabulated.

    Args:
        graph: float; held: the artefact's, in integers; values: of `graph`, by name.
    """
    fmt = _format(held, name)
    node = next((node for node in held.nodes if name in node.outputs), None)
    before = next((one.inputs[0] for one in graph.nodes if name in one.outputs), "")
    if node is None or node.attrs.get("function") != "table" or before not in values:
        return fmt.dequantise(fmt.quantise(values[name]))
    coarse, fine = (held.constants[each] for each in node.inputs[-2:])
    z = Format(node.attrs["act_w"], node.attrs["z_frac"]).quantise(values[before])
    return fmt.dequantise(look_up(Table(node.attrs["lo_bits"], node.attrs["hi_bits"], coarse, fine), z, fmt.width))


def weights_of(held: Graph, node: Node) -> tuple[Array, Array]:
    """Return the weights and biases of an artefact's layer, float64, in the float layer's shape and units.

    Of a QLinear or QConv, z = (codebook[codes] x + bias) m / 2**shift, with z and x in their formats.
    """
    if node.op in ("Linear", "Conv"):
        weight, bias = (held.constants[name].astype(np.float64) for name in node.inputs[1:])
        return weight, bias
    codes, book, bias, multiplier = constants(held, node)
    by = np.ones(len(bias)) if multiplier is None else multiplier.astype(np.float64)
    down = -(node.attrs["shift"] + node.attrs["z_frac"])
    weight = np.ldexp(decoded(codes, book).astype(np.float64), down + _format(held, node.inputs[0]).frac_bits)
    return weight * by.reshape(-1, *(1 for _ in codes.shape[1:])), np.ldexp(bias.astype(np.float64), down) * by


def _format(graph: Graph, name: str) -> Format:
    fmt = graph.tensors[name].fmt
    assert fmt is not None
    return fmt
