"""What emcc knows of an operator. Lists of operators elsewhere are made from traits (`ops.having`)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from emcc.ops.attributes import Check

Shape = tuple[int | None, ...]
Trait = Literal[
    "activation",
    "affine",
    "channel-wise",
    "clipping",
    "convolution",
    "elementwise",
    "folded",
    "front",
    "homogeneous",
    "host",
    "joins",
    "keeps order",
    "keeps zero",
    "matrix",
    "moves",
    "no-op",
    "pooling",
    "quantised",
    "rectifier",
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
moves: moves elements and changes none. keeps order: moves none past another. no-op: gives x, at inference.
affine: scale x + offset, where one input is computed.
matrix: a matrix product with a constant; folding makes it a Linear.
joins: may have more than one computed input.
host: may end a model, and is left to the host. front: may be the only reader of a model's input, and is left to it too.
convolution, pooling, clipping: the hardware it takes.
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
        limits: of an activation that approaches one at either end: (below, above).
    """

    shape: Callable[..., Shape]
    evaluate: Callable[..., Any]
    traits: frozenset[Trait]
    inputs: str = "x"
    attrs: Mapping[str, Check] = field(default_factory=dict)
    optional: int = 99
    more: bool = False
    limits: tuple[float, float] | None = None
