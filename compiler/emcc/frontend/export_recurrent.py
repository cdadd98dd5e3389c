"""LSTM, GRU and Embedding as ONNX nodes: sequences have their steps in front there, and tables are gathered from."""

import numpy as np

from emcc.frontend.export_model import Writing
from emcc.ir.graph import Array, Graph, Node
from emcc.ops.recurrent import BIASES, GATES, directions


def recurrent(model: Writing, graph: Graph, node: Node) -> None:
    """Write the node between a Transpose that puts the steps in front and one that puts the samples there again."""
    x, weight, bias, *states = node.inputs
    hidden, count = int(node.attrs["hidden"]), len(directions(node))
    attrs = {"direction": node.attrs["direction"], "hidden_size": hidden}
    if node.op == "GRU":
        attrs["linear_before_reset"] = node.attrs["linear_before_reset"]
    whole = graph.constants[weight].reshape(count, GATES[node.op] * hidden, -1)
    size = whole.shape[2] - hidden
    names = [
        model.constant(f"{node.name}.{part}", np.ascontiguousarray(value, np.float32))
        for part, value in (("W", whole[:, :, :size]), ("R", whole[:, :, size:]), ("B", _biases(graph, node, bias)))
    ]
    for unused in (weight, bias):
        model.constants.pop(unused, None)
    steps = model.node("Transpose", [x], model.fresh(f"{x}.steps"), model.fresh(f"{node.name}.steps"), perm=[1, 0, 2])
    begun = [_begun(model, graph, node, x, state) for state in states]
    outputs = [model.fresh(f"{node.outputs[0]}.{part}") for part in ("Y", "Y_h", "Y_c")]
    cell = bool(node.attrs.get("cell"))
    more = [*(["", *begun] if any(begun) else [])]
    model.node(node.op, [steps, *names, *more], outputs[0], node.name, *(["", outputs[2]] if cell else []), **attrs)
    at = outputs[0]
    if cell:
        last = _reshaped(model, node, outputs[2], (1, count, -1, hidden))
        at = model.node("Concat", [at, last], model.fresh(f"{at}.all"), model.fresh(f"{node.name}.all"), axis=0)
    model.node("Transpose", [at], node.outputs[0], model.fresh(f"{node.name}.samples"), perm=[2, 0, 1, 3])


def _biases(graph: Graph, node: Node, bias: str) -> Array:
    """[D, 2 G H]: those of the inputs, and those of the states; together the sum that they were."""
    hidden, gates, count = int(node.attrs["hidden"]), GATES[node.op], len(directions(node))
    values = graph.constants[bias].reshape(count, BIASES, hidden)
    both = np.zeros((count, 2, gates, hidden), np.float32)
    both[:, 0] = values[:, :gates]
    if node.op == "GRU":
        both[:, 1, 2] = values[:, 3]
    return both.reshape(count, -1)


def _begun(model: Writing, graph: Graph, node: Node, x: str, state: str) -> str:
    """A state [D, H] as [D, n, H] for as many samples as there are; "" where there is none."""
    if not state:
        return ""
    value = model.constants.pop(state)
    name = model.constant(f"{node.name}.{state}", np.ascontiguousarray(value[:, None], np.float32))
    parts = []
    for part, number in (("D", value.shape[0]), ("H", value.shape[1])):
        parts.append(model.constant(f"{node.name}.{state}.{part}", np.array([number], np.int64)))
    sizes = model.node("Shape", [x], model.fresh(f"{name}.sizes"), model.fresh(f"{name}.Shape"), start=0, end=1)
    shape = [parts[0], sizes, parts[1]]
    whole = model.node("Concat", shape, model.fresh(f"{name}.shape"), model.fresh(f"{name}.Concat"), axis=0)
    return model.node("Expand", [name, whole], model.fresh(f"{name}.all"), model.fresh(f"{name}.Expand"))


def _reshaped(model: Writing, node: Node, x: str, shape: tuple[int, ...]) -> str:
    to = model.constant(f"{node.name}.last_shape", np.array(shape, np.int64))
    return model.node("Reshape", [x, to], model.fresh(f"{x}.last"), model.fresh(f"{node.name}.last"))


def embedding(model: Writing, _graph: Graph, node: Node) -> None:
    """Gather rows of the table by the integers."""
    model.node("Gather", [node.inputs[1], node.inputs[0]], node.outputs[0], node.name, axis=0)
