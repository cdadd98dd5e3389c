"""LSTM and GRU over a sequence: x [n, T, I] to the states [n, T, D, H] of each of D directions.

`weight` [D G H, I + H] has a direction's rows gate after gate, in ONNX's order (LSTM: i, o, f, c; GRU: z, r, h); its
columns are those of the step's input and then of the state before it. `bias` is [D 4 H]: a gate's input and state
together, of the GRU for z, r, h's input and h's state. `initial_h`, `initial_c` are [D, H], or absent for zeros.
Direction "forward" goes from the first step on, "reverse" from the last one back, "bidirectional" is both; the state of
step t is at t in each. With `cell` the LSTM's final cell states follow behind the steps: [n, T + 1, D, H].

LSTM: c' = sigmoid(f) c + sigmoid(i) tanh(c~), h' = sigmoid(o) tanh(c'). GRU: h' = (1 - z) tanh(h~) + z h, where gate r
is applied to the state before the product with h's rows, or with `linear_before_reset` to what that gives.
"""

from collections.abc import Sequence
from typing import Any

from emcc.ir.graph import Graph, Node
from emcc.ops.activations import sigmoid
from emcc.ops.operator import Shape
from emcc.ops.shapes import batched, present

GATES = {"GRU": 3, "LSTM": 4}
BIASES = 4
"""Rows of the bias, in H."""

LONGEST = 1 << 16
"""Steps of a sequence."""


def directions(node: Node) -> tuple[bool, ...]:
    """Of each direction, whether it goes backwards."""
    return {"forward": (False,), "reverse": (True,), "bidirectional": (False, True)}[node.attrs["direction"]]


def steps(graph: Graph, node: Node) -> int:
    """Steps of the sequence that a node of a graph goes through: how often it uses each weight."""
    return int(graph.tensors[node.inputs[0]].shape[1] or 1)


def shape(node: Node, *shapes: Shape | None) -> Shape:
    """(None, T or T + 1, D, H)."""
    x, weight, bias = batched(shapes[0]), present(shapes[1]), present(shapes[2])
    hidden, count = node.attrs["hidden"], len(directions(node))
    if len(x) != 3 or not 1 <= int(x[1] or 0) <= LONGEST:
        raise ValueError(f"{x} is no sequence of up to {LONGEST} steps")
    if weight != (count * GATES[node.op] * hidden, int(x[2] or 0) + hidden) or bias != (count * BIASES * hidden,):
        raise ValueError(f"x {x}, weight {weight}, bias {bias}, {count} directions of {hidden}")
    if any(state not in (None, (count, hidden)) for state in shapes[3:]) or (node.op == "GRU" and len(shapes) > 4):
        raise ValueError(f"initial states {shapes[3:]}, {count} directions of {hidden}")
    return (None, int(x[1] or 0) + node.attrs.get("cell", 0), count, hidden)


def evaluate(xp: Any, node: Node, *values: Any) -> Any:
    """[n, T or T + 1, D, H]."""
    x, weight, bias, *states = values
    hidden, back = node.attrs["hidden"], directions(node)
    weights, biases = weight.reshape(len(back), -1, weight.shape[1]), bias.reshape(len(back), BIASES, hidden)
    parts = []
    for i, backwards in enumerate(back):
        begin = [_begin(xp, x, hidden, None if state is None else state[i]) for state in (*states, None, None)[:2]]
        run = _gru if node.op == "GRU" else _lstm
        parts.append(run(xp, node, x, weights[i], biases[i], begin, backwards))
    return xp.stack(parts, 2)


def _begin(xp: Any, x: Any, hidden: int, state: Any) -> Any:
    """[n, H] before the first step."""
    zeros = xp.zeros((len(x), hidden), dtype=x.dtype)
    return zeros if state is None else zeros + state


def _in_order(xp: Any, found: list[Any], backwards: bool, last: Sequence[Any] = ()) -> Any:
    """[n, T, H] of a state a step, as they came; and `last` behind them."""
    return xp.stack([*(reversed(found) if backwards else found), *last], 1)


def _lstm(xp: Any, node: Node, x: Any, weight: Any, bias: Any, begin: list[Any], backwards: bool) -> Any:
    size, (h, c) = x.shape[2], begin
    hidden, found = h.shape[1], []
    before, recurrent = x @ weight[:, :size].T + bias.reshape(-1), weight[:, size:].T
    steps = range(x.shape[1])
    for t in reversed(steps) if backwards else steps:
        gates = before[:, t] + h @ recurrent
        i, o, f, new = (gates[:, k * hidden : (k + 1) * hidden] for k in range(4))
        c = sigmoid(xp, f) * c + sigmoid(xp, i) * xp.tanh(new)
        h = sigmoid(xp, o) * xp.tanh(c)
        found.append(h)
    return _in_order(xp, found, backwards, (c,) if node.attrs["cell"] else ())


def _gru(xp: Any, node: Node, x: Any, weight: Any, bias: Any, begin: list[Any], backwards: bool) -> Any:
    size, h = x.shape[2], begin[0]
    hidden, found = h.shape[1], []
    before, recurrent = x @ weight[:, :size].T + bias[:3].reshape(-1), weight[:, size:].T
    gated, new = recurrent[:, : 2 * hidden], recurrent[:, 2 * hidden :]
    steps = range(x.shape[1])
    for t in reversed(steps) if backwards else steps:
        gates = sigmoid(xp, before[:, t, : 2 * hidden] + h @ gated)
        z, r = gates[:, :hidden], gates[:, hidden:]
        state = r * (h @ new + bias[3]) if node.attrs["linear_before_reset"] else (r * h) @ new + bias[3]
        h = (1 - z) * xp.tanh(before[:, t, 2 * hidden :] + state) + z * h
        found.append(h)
    return _in_order(xp, found, backwards)
