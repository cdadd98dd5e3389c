"""Rules of LSTM and GRU: both become one ir node of all directions, and their outputs parts of what that gives."""

from typing import Any

import numpy as np

from emcc.frontend.operands import Made, Operands
from emcc.frontend.refusal import Refusal, quoted
from emcc.ir.graph import Array
from emcc.ops.recurrent import GATES

AGAIN = "export the model again"
DEFAULTS = {"LSTM": ("sigmoid", "tanh", "tanh"), "GRU": ("sigmoid", "tanh")}
WAYS = ("forward", "reverse", "bidirectional")
STATE = "give it a constant: an initializer, or none for zeros; emcc keeps no state from one inference to the next"
_LENGTHS, _FIRST_STATE, _PEEPHOLES = 4, 5, 7


def recurrent(node: Operands) -> Made:
    """The states of every step (Y), after the last one (Y_h), and the LSTM's cells there (Y_c)."""
    op = node.proto.op_type
    attrs = _attributes(node, op)
    count = 2 if attrs["direction"] == "bidirectional" else 1
    x, steps, features = _sequence(node)
    weight, bias, hidden = _weights(node, op, count, features)
    attrs["hidden"] = hidden
    states = [_state(node, i, count, hidden) for i in range(_FIRST_STATE, _FIRST_STATE + (2 if op == "LSTM" else 1))]
    while states and not states[-1]:
        states.pop()
    if op == "LSTM":
        attrs["cell"] = int(node.wants(2))
    whole = node.put(op, (x, node.named("weight", weight), node.named("bias", bias), *states), attrs)
    if node.wants(1) or attrs.get("cell"):
        _finals(node, whole, attrs, steps)
    if attrs.get("cell"):
        rows = {"begins": (0, 0, 0), "counts": (steps, count, hidden), "steps": (1, 1, 1)}
        whole = node.put("Slice", (whole,), rows)
    return _placed(node, 0, whole, (steps, count, hidden))


def _finals(node: Operands, whole: str, attrs: dict[str, Any], steps: int) -> None:
    """Y_h, and Y_c where it is wanted."""
    count, hidden = 2 if attrs["direction"] == "bidirectional" else 1, attrs["hidden"]
    back = [way == "reverse" for way in (WAYS[:2] if count == 2 else (attrs["direction"],))]
    node.also(1, _placed(node, 1, _last(node, whole, [0 if b else steps - 1 for b in back], hidden), (count, hidden)))
    if attrs.get("cell"):
        node.also(2, _placed(node, 2, _last(node, whole, [steps] * count, hidden), (count, hidden)))


def _attributes(node: Operands, op: str) -> dict[str, Any]:
    """Those of the ir node; raise Refusal for what is not the default."""
    direction = str(node.attrs["direction"])
    if direction not in WAYS:
        raise Refusal(f"its direction is {quoted(direction)}", f"use one of {', '.join(WAYS)}")
    names = [str(name) for name in node.attrs.get("activations") or ()]
    plain = DEFAULTS[op] * (2 if direction == "bidirectional" else 1)
    if names and tuple(name.lower() for name in names) != plain:
        shown = ", ".join(quoted(name) for name in names[:6])
        raise Refusal(f"its activations are {shown}", f"emcc has the default ones: {', '.join(DEFAULTS[op])}")
    if "clip" in node.attrs:
        raise Refusal(f"clips its gates to {node.attrs['clip']}", "export it without clip")
    if node.attrs.get("input_forget", 0):
        raise Refusal("couples its input and forget gates", "export it without input_forget")
    if node.given(_PEEPHOLES) and (op == "GRU" or node.constant(_PEEPHOLES).any()):
        raise Refusal("has peepholes: its gates look at the cells", "export it without the input P")
    if op == "LSTM":
        return {"direction": direction}
    return {"direction": direction, "linear_before_reset": int(bool(node.attrs["linear_before_reset"]))}


def _sequence(node: Operands) -> tuple[str, int, int]:
    """(the tensor [n, T, I], T, I) of input 0, which is [T, n, I] in the model, or [n, T, I] with layout 1."""
    layout, sizes = int(node.attrs.get("layout", 0)), node.own()
    if layout not in (0, 1) or len(sizes) != 3:
        raise Refusal(f"reads {list(sizes)} with layout {layout}", "it wants [steps, samples, features]")
    steps, samples, features = sizes if layout == 0 else (sizes[1], sizes[0], sizes[2])
    if samples != node.batch or (not node.single and node.batch_at() != 1 - layout):
        reason = f"its sequence runs along axis {layout} of {list(sizes)}, and its samples are not the model's"
        raise Refusal(reason, "give it [steps, samples, features], one sequence a sample")
    _check_lengths(node, steps)
    x = node.proto.input[0]
    return (node.put("Reshape", (x,), {"shape": (steps, features)}) if node.bare() else x), steps, features


def _check_lengths(node: Operands, steps: int) -> None:
    if not node.given(_LENGTHS):
        return
    lengths = node.constant(_LENGTHS)
    if not (lengths == steps).all():
        raise Refusal(f"its sequence_lens are not all {steps}", "leave the input out: emcc runs whole sequences")


def _weights(node: Operands, op: str, count: int, features: int) -> tuple[Array, Array, int]:
    """(weight [D G H, I + H], bias [D 4 H] float64, H): see ops.recurrent."""
    gates, held = GATES[op], [node.weights(i, 3) for i in (1, 2)]
    hidden = int(held[1].shape[2])
    if int(node.attrs.get("hidden_size", hidden)) != hidden:
        raise Refusal(f"its hidden_size is {node.attrs['hidden_size']}, its R for {hidden}", AGAIN)
    wanted = (count, gates * hidden, features), (count, gates * hidden, hidden)
    if tuple(value.shape for value in held) != wanted:
        shown = [list(value.shape) for value in held]
        raise Refusal(f"its W and R are {shown[0]} and {shown[1]}, not {list(wanted[0])} and {list(wanted[1])}", AGAIN)
    both = np.zeros((count, 2, gates, hidden))
    if node.given(3):
        value = node.weights(3, 2)
        if value.shape != (count, 2 * gates * hidden):
            raise Refusal(f"its B is {list(value.shape)}, not {[count, 2 * gates * hidden]}", AGAIN)
        both = value.astype(np.float64).reshape(both.shape)
    bias = both.sum(axis=1)
    if op == "GRU":
        bias[:, 2] = both[:, 0, 2]
        bias = np.concatenate([bias, both[:, 1, 2:]], axis=1)
    return np.concatenate(held, axis=2).reshape(count * gates * hidden, -1), bias.ravel() + 0.0, hidden


def _state(node: Operands, i: int, count: int, hidden: int) -> str:
    """The constant [D, H] that is the state before the first step of every sample; "" for zeros."""
    if not node.given(i):
        return ""
    if node.is_data(i):
        raise Refusal(f"its initial state (input {i}) is computed from the model's input", STATE)
    value, layout = node.weights(i), int(node.attrs.get("layout", 0))
    value = np.moveaxis(value, 0, 1) if layout == 1 and value.ndim == 3 else value
    if value.ndim != 3 or value.shape[::2] != (count, hidden) or value.shape[1] not in (1, node.batch):
        wanted = [count, node.batch, hidden]
        raise Refusal(f"its initial state (input {i}) is {list(value.shape)}, not {wanted}", AGAIN)
    if not (value == value[:, :1]).all():
        raise Refusal(f"its initial state (input {i}) differs from sample to sample", STATE)
    name = "hidden" if i == _FIRST_STATE else "cell"
    return node.named(f"initial_{name}", value[:, 0].astype(np.float64)) if value.any() else ""


def _last(node: Operands, whole: str, at: list[int], hidden: int) -> str:
    """[n, 1, D, H]: of each direction the state at one step."""
    parts = []
    for way, step in enumerate(at):
        rows = {"begins": (step, way, 0), "counts": (1, 1, hidden), "steps": (1, 1, 1)}
        parts.append(node.put("Slice", (whole,), rows))
    return parts[0] if len(parts) == 1 else node.put("Concat", tuple(parts), {"axis": 2})


def _placed(node: Operands, output: int, x: str, sample: tuple[int, ...]) -> Made:
    """An output, whose sample is of that shape, as the model has it: its batch is the last but two axes of layout 0."""
    at = 0 if int(node.attrs.get("layout", 0)) else len(sample) - 1
    sizes = [*sample[:at], 1, *sample[at:]]
    if node.single:
        node.places(output, bare=sizes[0] != 1)
        return "Reshape", (x,), {"shape": tuple(sizes if sizes[0] != 1 else sizes[1:])}
    node.places(output, at=at)
    return "Reshape", (x,), {"shape": sample}
