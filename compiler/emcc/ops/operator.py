"""What emcc knows of an operator. Lists of operators elsewhere are made from traits (`ops.having`)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from emcc.ops.attributes import Check

Shape = tuple[int | None, ...]
Attrs = Mapping[str, Any]
Turns = tuple[float, ...] | Callable[[Attrs], tuple[float, ...]]
Limits = tuple[float, float] | Callable[[Attrs], tuple[float, float] | None] | None
Trait = Literal[
    "activation",
    "affine",
    "channel-wise",
    "compressed",
    "convolution",
    "elementwise",
    "folded",
    "front",
    "grid",
    "homogeneous",
    "host",
    "hosted",
    "joins",
    "keeps order",
    "keeps zero",
    "later",
    "matrix",
    "moves",
    "no-op",
    "padding",
    "picks",
    "pooling",
    "quantised",
    "rectifier",
    "recurrent",
    "selects",
]
"""
elementwise: an element of the output is made from those in its place, broadcast, and no others.
activation: elementwise, of one tensor, and may be a layer's function: the array runs it from a table.
rectifier: the activation max(x, 0), which needs no table.
homogeneous: an activation with f(a x) = a f(x) for a > 0, so linear on either side of zero; its table is within an ulp.
keeps zero: 0 becomes 0, whatever the attributes are.
channel-wise: a channel of the output (a block, once flat) is made from that channel alone, and they stay in order.
selects: every element of the output is an element of an input, which is exact in any format.
picks: every element of the output is an element of the input, and which one the shapes alone say.
moves: moves elements and changes none. keeps order: moves none past another. no-op: gives x, at inference.
affine: scale x + offset, where one input is computed.
matrix: a matrix product with a constant; folding makes it a Linear.
joins: may have more than one computed input.
host: may end a model, and is left to the host then. hosted: has no step on the array wherever it stands.
front: may be the only reader of a model's input, and is left to the host too.
convolution, pooling, padding: the hardware it takes.
recurrent: goes through a sequence step by step. compressed: has weights and is no layer of the array: `emcc compress`
makes them small. later: `emcc compile` does not take it yet.
grid: to integers or back, which folding takes out where it can.
folded, quantised: in no model, but what folding, or quantising, makes of its layers.
"""


@dataclass(frozen=True)
class Operator:
    """One operator. An absent optional input is None in `shape` and `evaluate`.

    Attributes:
        shape: (node, *shapes) -> the output's shape. Shapes are those of `ir.graph.Tensor`: shape[0] of data is None,
            the batch. Raises ValueError where the operator does not fit its inputs.
        evaluate: (xp, node, *values) -> the output, for xp numpy or torch: the operator's one meaning.
        traits: see Trait.
        inputs: a letter an input: x computed, c constant, e either, k a constant of codes, looked up in the next input.
            Exactly one is computed, unless it joins.
        attrs: a check for every attribute; no other may be there, and none may be missing.
        optional: the first input that may be left out, and all after it with it.
        more: whether there may be any number of inputs, all as the last letter.
        limits: of an activation that approaches one at either end: (below, above), or a function of its attributes
            that gives them, or None.
        turns: where an activation may turn from falling to rising or back, or jump; or a function of its attributes.
    """

    shape: Callable[..., Shape]
    evaluate: Callable[..., Any]
    traits: frozenset[Trait]
    inputs: str = "x"
    attrs: Mapping[str, Check] = field(default_factory=dict)
    optional: int = 99
    more: bool = False
    limits: Limits = None
    turns: Turns = (0.0,)

    def limits_of(self, attrs: Attrs) -> tuple[float, float] | None:
        """The limits of an activation with these attributes."""
        return self.limits(attrs) if callable(self.limits) else self.limits

    def turns_of(self, attrs: Attrs) -> tuple[float, ...]:
        """Where an activation with these attributes turns or jumps."""
        return self.turns(attrs) if callable(self.turns) else self.turns
