"""Operators that others spell out: a node as nodes of the same meaning, which are read in its place.

An If whose condition is constant is its branch, another both of them and a choice; Einsum is a matrix product between
moves; a Clip to computed bounds is Max and Min; onnxruntime's optimiser joins an operator with the function, the
bias or the transposition beside it, in its own domain.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import onnx
from onnx import NodeProto

from emcc.frontend import einsum
from emcc.frontend.refusal import Refusal
from emcc.frontend.spelling import Spelling, attributes, single
from emcc.frontend.spelt_onnxruntime import fast_gelu, lstm_of_integers, matmul_of_integers, skip_layer_norm
from emcc.frontend.topology import node_name, uses

MICROSOFT = "com.microsoft"
_ALPHA = {
    **{"HardSigmoid": ("alpha", "beta"), "Selu": ("alpha", "gamma")},
    **dict.fromkeys(("Elu", "LeakyRelu", "ThresholdedRelu"), ("alpha",)),
}
_FUNCTIONS = frozenset({*_ALPHA, "Relu", "Sigmoid", "Softplus", "Softsign", "Tanh"})


def branch_of(node: NodeProto, spelling: Spelling) -> None:
    """The nodes of the branch that an If with a constant condition takes; of both, and a choice between their results,
    where the condition is computed.

    What a branch computes that is not taken is thrown away. One condition is for all that a run has: the samples of a
    batch have one each here, as if they came one by one.
    """
    if spelling.known(node.input[0]):
        (condition,) = spelling.constants[node.input[0]].reshape(-1)
        results = _inlined(node, "then_branch" if condition else "else_branch", spelling)
        for result, output in zip(results, node.output, strict=True):
            if output:
                spelling.add("Identity", [result], output)
        return
    sides = [_inlined(node, name, spelling) for name in ("then_branch", "else_branch")]
    for then, otherwise, output in zip(*sides, node.output, strict=True):
        if output:
            spelling.add("Where", [node.input[0], then, otherwise], output)


def _inlined(node: NodeProto, kept: str, spelling: Spelling) -> list[str]:
    """Add the nodes of an If's branch, their tensors under names of their own; return the names of its outputs."""
    graph = next(attribute.g for attribute in node.attribute if attribute.name == kept)
    if graph.input or graph.sparse_initializer or len(graph.output) != len(node.output):
        raise Refusal("its branch has inputs of its own, or other outputs", "export the model again")
    named = {tensor.name: spelling.constant(tensor.name, spelling.decoded(tensor)) for tensor in graph.initializer}
    named |= {name: spelling.fresh(name) for inner in graph.node for name in inner.output if name}
    for inner in graph.node:
        own = NodeProto()
        own.CopyFrom(inner)
        _rename(own, named)
        own.name = f"{node_name(node)}/{node_name(inner)}"
        spelling.nodes.append(own)
    return [named.get(value.name, value.name) for value in graph.output]


def within(node: NodeProto, spelling: Spelling) -> None:
    """Clip to bounds of which one is computed: no less than the lower, and no more than the upper, which wins."""
    x, low, high = (*node.input, "", "")[:3]
    if low:
        x = spelling.add("Max", [x, low], "" if high else node.output[0])
    if high:
        spelling.add("Min", [x, high], node.output[0])


def _rename(node: NodeProto, named: Mapping[str, str]) -> None:
    """Put names in the place of a node's own, those that its sub-graphs take from outside included."""
    taken = set(uses(node))
    for field in (node.input, node.output):
        field[:] = [named.get(name, name) for name in field]
    for attribute in node.attribute:
        for graph in (*attribute.graphs, *([attribute.g] if attribute.HasField("g") else [])):
            outside = {old: new for old, new in named.items() if old in taken}
            for inner in graph.node:
                _rename(inner, outside)
            for value in graph.output:
                value.name = outside.get(value.name, value.name)


def conv_and_function(node: NodeProto, spelling: Spelling) -> None:
    """FusedConv: x, weights, bias, and a tensor that is added in front of the function."""
    inputs, added = list(node.input[:3]), node.input[3:4]
    y = spelling.add("Conv", inputs, **_given(node, "activation", "activation_params"))
    if added and added[0]:
        y = spelling.add("Add", [y, added[0]])
    _function(node, spelling, y, "activation_params")


def gemm_and_function(node: NodeProto, spelling: Spelling) -> None:
    """FusedGemm."""
    names = [name for name in attributes(node) if name.startswith("activation")]
    _function(node, spelling, spelling.add("Gemm", list(node.input), **_given(node, *names)), "")


def _function(node: NodeProto, spelling: Spelling, y: str, params: str) -> None:
    """The function that attribute `activation` names, whose numbers are in `params`, or in an attribute each."""
    given = attributes(node)
    op = given.get("activation", b"").decode("utf-8", "replace")
    if op == "Clip" and params:
        low, high = (spelling.constant(f"bound{i}", single(given[params][i])) for i in range(2))
        spelling.add("Clip", [y, low, high], node.output[0])
        return
    if op and op not in _FUNCTIONS:
        raise Refusal(f"its function is {op!r}", "export the model without onnxruntime's optimiser")
    names = _ALPHA.get(op, ())
    numbers = (
        given.get(params, ()) if params else [given[f"activation_{n}"] for n in names if f"activation_{n}" in given]
    )
    spelling.add(op or "Identity", [y], node.output[0], **dict(zip(names, map(float, numbers), strict=False)))


def matmul_and_transpose(node: NodeProto, spelling: Spelling) -> None:
    """FusedMatMul: alpha times the product, either side transposed before: its first axis behind those of the stack,
    and then the last two."""
    given, sides = attributes(node), list(node.input)
    for i, side in enumerate("AB"):
        plain = list(range(len(spelling.sizes(sides[i]))))
        perm = [*plain[1:-1], 0, plain[-1]] if given.get(f"transBatch{side}") else plain
        perm = [*perm[:-2], perm[-1], perm[-2]] if given.get(f"trans{side}") else perm
        if perm != plain:
            sides[i] = spelling.add("Transpose", [sides[i]], perm=perm)
    y = spelling.add("MatMul", sides)
    alpha = spelling.constant("alpha", single(given.get("alpha", 1.0)))
    spelling.add("Mul", [y, alpha], node.output[0])


def gelu(node: NodeProto, spelling: Spelling) -> None:
    """Gelu and BiasGelu: x / 2 (1 + erf(x / sqrt(2))), of x and its bias; QuickGelu: x sigmoid(alpha x)."""
    x = node.input[0]
    if len(node.input) > 1 and node.input[1]:
        x = spelling.add("Add", list(node.input[:2]))
    if node.op_type == "QuickGelu":
        alpha = spelling.constant("alpha", single(attributes(node).get("alpha", 1.702)))
        gate = spelling.add("Sigmoid", [spelling.add("Mul", [x, alpha])])
        spelling.add("Mul", [x, gate], node.output[0])
        return
    root, one, half = (
        spelling.constant(*pair) for pair in (("root", single(2**0.5)), ("one", single(1)), ("half", single(0.5)))
    )
    inner = spelling.add("Add", [spelling.add("Erf", [spelling.add("Div", [x, root])]), one])
    spelling.add("Mul", [spelling.add("Mul", [x, inner]), half], node.output[0])


def _given(node: NodeProto, *without: str) -> dict[str, Any]:
    return {name: value for name, value in attributes(node).items() if name not in without}


Spell = Callable[[NodeProto, Spelling], None]
_SPELT: Mapping[tuple[str, str], Spell] = {
    ("", "Clip"): within,
    ("", "Einsum"): einsum.spell,
    ("", "If"): branch_of,
    (MICROSOFT, "BiasGelu"): gelu,
    (MICROSOFT, "DynamicQuantizeLSTM"): lstm_of_integers,
    (MICROSOFT, "DynamicQuantizeMatMul"): matmul_of_integers,
    (MICROSOFT, "FastGelu"): fast_gelu,
    (MICROSOFT, "FusedConv"): conv_and_function,
    (MICROSOFT, "FusedGemm"): gemm_and_function,
    (MICROSOFT, "FusedMatMul"): matmul_and_transpose,
    (MICROSOFT, "Gelu"): gelu,
    (MICROSOFT, "QuickGelu"): gelu,
    (MICROSOFT, "SkipLayerNormalization"): skip_layer_norm,
}


def spell_of(node: NodeProto, computed: Sequence[str]) -> Spell | None:
    """Return what spells out a node, of whose inputs those `computed` depend on the model's input; or None."""
    key = ("" if node.domain == "ai.onnx" else node.domain, node.op_type)
    if not computed or (key == ("", "Clip") and not set(node.input[1:]) & set(computed)):
        return None
    return _SPELT.get(key)


def spelt(spell: Spell, node: onnx.NodeProto, spelling: Spelling) -> list[NodeProto]:
    """Return the nodes of the same meaning. Raise Refusal where there are none, or the node is none of its kind."""
    try:
        spell(node, spelling)
    except (AttributeError, IndexError, KeyError, StopIteration, TypeError, ValueError):
        raise Refusal(f"its inputs or attributes are none that {node.op_type} has", "export the model again") from None
    return spelling.nodes
