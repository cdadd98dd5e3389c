"""What saturates, counted beside the reference, against the graphs' float meaning."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from qgraphs import quantised as quantised_graph
from quantised_meaning import in_floats
from random_qgraphs import qgraphs

from emcc import ops
from emcc.eie import reference
from emcc.eie.counter import Counter
from emcc.eie.lower import lower
from emcc.eie.options import LowerOptions
from emcc.eie.saturation import WARNED, Count, Inputs, Saturation
from emcc.ir.graph import Array, Graph, Node
from emcc.ops.interpret import EXACT, trace
from emcc.samples.sampling import format_of, scaled

OPTIONS = LowerOptions(pes=3, trim=False)


def beyond(graph: Graph, node: Node, values: dict[str, Array]) -> tuple[int, int]:
    """(values, those that saturate) of a node without a table, from its float meaning."""
    fmt = graph.tensors[node.outputs[0]].fmt
    assert fmt is not None
    if "quantised" in ops.traits(node.op):
        exact = np.floor(np.ldexp(in_floats(graph, node, values), node.attrs["z_frac"]) + 0.5)
    else:
        read = [
            graph.tensors[name].fmt.dequantise(values[name]) if name in graph.tensors else graph.constants[name]  # type: ignore[union-attr]
            for name in node.inputs
        ]
        exact = np.floor(np.ldexp(ops.get(node.op).evaluate(np, node, *read), fmt.frac_bits) + 0.5)
    low = exact < fmt.low if node.attrs.get("function") != "relu" else False
    return exact.size, int(np.count_nonzero((exact > fmt.high) | low))


@settings(max_examples=60)
@given(qgraphs())
def test_every_step_and_part_of_random_graphs(case: tuple[Graph, dict[str, Array]]) -> None:
    graph, x = case
    program, values = lower(graph, OPTIONS), trace(graph, x)
    counter = Counter(program)
    flat = {name: value.reshape(len(value), -1) for name, value in x.items()}
    plain, watched = reference.run_ports(program, flat), reference.run_ports(program, flat, counter)
    assert all(np.array_equal(plain[name], watched[name]) for name in plain)
    counted = dict(counter.result().layers)
    for node in graph.nodes:
        if node.attrs.get("function") == "table":
            continue
        if "quantised" in ops.traits(node.op) or not ops.traits(node.op) & EXACT:
            assert (counted[node.name].values, counted[node.name].saturated) == beyond(graph, node, values), node.name


def test_inputs_layers_and_outputs_of_a_chain() -> None:
    program = lower(quantised_graph([5, 8, 3], seed=4, shift=8), OPTIONS)
    fmt = format_of(program, program.inputs[0])
    high = fmt.dequantise(np.array(fmt.high))
    x = np.float32([[0, 1, -2, high + 1, 0], [0, 0, 0, 3, 0], [-1000, 1000, 0, 0, high]])
    counter = Counter(program)
    for part in (x[:1], x[1:]):
        counter.take(scaled(program, part))
        integers = np.clip(scaled(program, part), fmt.low, fmt.high).astype(np.int64)
        reference.run_ports(program, {program.inputs[0].name: integers}, counter)
    found = counter.result()
    assert found.inputs == Inputs(15, 3, 7, 2, 3, -128.0, 127.99609375)
    assert [name for name, _ in found.layers] == ["layer0", "layer1"]
    assert [count.values for _, count in found.layers] == [24, 9]
    assert found.outputs == found.layers[-1][1]
    assert found.layers[0][1].saturated > 0
    assert found.activations == Count(33, sum(count.saturated for _, count in found.layers))
    assert counter.shares() == {"x": 3 / 15, "y0": found.layers[0][1].share, "y1": found.layers[1][1].share}


@pytest.mark.parametrize(("saturated", "warned"), [(0, False), (1, False), (2, True)])
def test_more_than_a_thousandth_is_a_warning(saturated: int, warned: bool) -> None:
    assert WARNED == 0.001
    nothing = Count(0, 0)
    found = Saturation(Inputs(1000, saturated, 1000, saturated, 100, -1.0, 1.0), (("a", nothing),), nothing)
    assert found.warned is warned
    told = json.loads(json.dumps(found.to_json(), allow_nan=False))
    assert told["inputs"]["saturated"] == saturated
    assert told["layers"] == [{"name": "a", "values": 0, "saturated": 0, "share": 0.0}]
