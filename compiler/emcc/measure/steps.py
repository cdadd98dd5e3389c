"""What each step of a Program costs, and which part of the work is left to the host, as plain numbers."""

from collections.abc import Mapping, Sequence
from typing import Any

from emcc import ops
from emcc.ir.graph import Array, Graph, Node
from emcc.ir.program import Program
from emcc.ops import recurrent


def macs(graph: Graph, node: Node) -> int:
    """Return the multiply-accumulates of a matrix product, a convolution or a recurrent layer of one sample, zeros
    included; 0 of others."""
    if "recurrent" in ops.traits(node.op):
        return int(graph.constants[node.inputs[1]].size) * recurrent.steps(graph, node)
    if node.op not in ("QLinear", "QConv", "Linear", "Conv", "Gemm", "MatMul"):
        return 0
    outputs = graph.tensors[node.outputs[0]].features
    weights = [graph.constants[name] for name in node.inputs[1:2] if name in graph.constants]
    if node.op in ("QLinear", "Linear", "QConv", "Conv"):
        return outputs * int(weights[0][0].size)
    inner = graph.tensors[node.inputs[0]].shape if node.inputs[0] in graph.tensors else weights[0].shape[-2:-1]
    return outputs * int(inner[-1] or 1)


def step_rows(
    graph: Graph, program: Program, passes: Sequence[int], cycles: Array, products: Array
) -> list[dict[str, Any]]:
    """Return a row a step.

    Args:
        graph: quantised, which the program was lowered from.
        passes: of each step.
        cycles, products: int64 [n, steps]: estimated cycles, and useful operations (runtime.work.by_step).
    """
    nodes = {node.name: node for node in graph.layers()}
    rows = []
    for i, step in enumerate(program.steps):
        taken, useful = float(cycles[:, i].mean()), float(products[:, i].mean())
        node = nodes.get(step.name) if step.slices >= 0 or step.codes >= 0 else None
        rows.append(
            {
                "name": step.name,
                "kind": step.kind if step.kind == "broadcast" else f"local {step.combine}",
                "positions": program.buffers[step.target].positions,
                "passes": passes[i],
                "macs": macs(graph, node) if node else 0,
                "products": useful,
                "cycles": taken,
                "utilisation": useful / (program.pes * taken) if taken else 0.0,
            }
        )
    return rows


def partition(graph: Graph, program: Program, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return what runs on the array and what on the host between steps; `share` is the host's of all of `macs`."""
    nodes = {node.name: node for node in graph.nodes}
    host: list[dict[str, Any]] = [
        {"name": part.name, "op": part.op, "macs": macs(graph, nodes[part.name])} for part in program.parts
    ]
    ours, theirs = sum(row["macs"] for row in rows), sum(row["macs"] for row in host)
    share = theirs / (ours + theirs) if theirs else 0.0
    return {"array": {"steps": len(rows), "macs": ours}, "host": host, "share": share}
