"""What a quantised graph, its Program and its container have to agree on, and how far integers may be from floats."""

import numpy as np

from emcc import ops
from emcc.eie import reference
from emcc.eie.lower import lower
from emcc.eie.options import LowerOptions
from emcc.eie.program_check import problems
from emcc.eie.store import load_program, save_program
from emcc.ir.graph import Array, Graph, Node
from emcc.legal.verify import verify
from emcc.ops.interpret import EXACT, trace
from emcc.ops.pooling import counts
from emcc.ops.qlocal import computed
from emcc.ops.windows import axes

FLOATS = {"QConv": "Conv", "QLinear": "Linear"}


def agree(graph: Graph, x: dict[str, Array], options: LowerOptions) -> None:
    """The program gives the graph's integers, and these are the float meaning of each node, rounded once."""
    verify(graph, after="quantise")
    values = trace(graph, x)
    program = lower(graph, options)
    assert problems(program) == [], problems(program)
    flat = {name: value.reshape(len(value), -1) for name, value in x.items()}
    outputs = reference.run_ports(load_program(save_program(program)), flat)
    for name in graph.outputs:
        np.testing.assert_array_equal(outputs[name], values[name].reshape(len(values[name]), -1), err_msg=name)
    for node in graph.nodes:
        if "quantised" in ops.traits(node.op):
            rounded_once(graph, node, values)
        elif ops.traits(node.op) & EXACT:
            arguments = [values[name].astype(np.float64) for name in node.inputs]
            np.testing.assert_array_equal(values[node.outputs[0]], ops.get(node.op).evaluate(np, node, *arguments))


def rounded_once(graph: Graph, node: Node, values: dict[str, Array]) -> None:
    """A node's integers are its float meaning within half a last place, saturated, and then its function of that."""
    attrs, got = node.attrs, values[node.outputs[0]]
    exact = np.ldexp(in_floats(graph, node, values), attrs["z_frac"]).reshape(got.shape)
    half = 1 << attrs["act_w"] - 1
    exact = np.clip(exact, -half, half - 1)
    if attrs["function"] != "table":
        wanted = np.maximum(exact, 0) if attrs["function"] == "relu" else exact
        assert np.abs(got - wanted).max() <= 0.5
        return
    coarse, fine = (graph.constants[name] for name in node.inputs[-2:])
    assert attrs["lo_bits"] == 0
    z = np.clip(np.floor(exact + 0.5), -half, half - 1).astype(np.int64)
    np.testing.assert_array_equal(got, np.clip(coarse[z + half] + fine[0], -half, half - 1))


def in_floats(graph: Graph, node: Node, values: dict[str, Array]) -> Array:
    """The float meaning of a node before its function, from the integers of its inputs: exact in float64."""
    own, _ = computed(node, node.inputs)
    data = [name for name in own if name in graph.tensors]
    x = [graph.tensors[name].fmt.dequantise(values[name]) for name in data]  # type: ignore[union-attr]
    if node.op == "QProduct":
        return np.asarray(x[0] * x[1])
    if node.op == "QSum":
        return np.asarray(sum(np.sign(weight) * part for weight, part in zip(node.attrs["weights"], x, strict=True)))
    weights = [graph.constants[name] if name else None for name in own[1:]]
    if node.op == "QAveragePool":
        # The shares of a window's taps are weights like others: 16-bit integers.
        number = counts(node, *axes(node, x[0].shape, node.attrs["kernel_shape"]))
        shares = np.ldexp(weights[0].astype(float), -node.attrs["weight_frac"])[number]
        mean = ops.get("AveragePool").evaluate(np, Node("n", "AveragePool", ("x",), ("y",), node.attrs), x[0])
        frac = frac_of(graph, data[0])
        return np.asarray(np.ldexp(np.rint(np.ldexp(mean * number, frac)), -frac) * shares)
    codes, book, bias = weights[:3]
    frac = frac_of(graph, data[0]) + node.attrs["weight_frac"]
    integers = codes if book is None else book[codes]
    weight = np.ldexp(integers.astype(float), -node.attrs["weight_frac"])
    plain = Node("n", FLOATS[node.op], ("x", "w", "b"), ("y",), node.attrs)
    result = ops.get(plain.op).evaluate(np, plain, x[0], weight, np.ldexp(bias.astype(float), -frac))
    if len(weights) > 3 and weights[3] is not None:
        result = result * weights[3].reshape(-1, *(1 for _ in result.shape[2:]))
    return np.asarray(result)


def frac_of(graph: Graph, name: str) -> int:
    """Fraction bits of a tensor."""
    fmt = graph.tensors[name].fmt
    assert fmt is not None
    return fmt.frac_bits
