"""What a legal Graph is after each stage, a row a stage; `verify` holds a graph against it.

What an operator may take, and which attributes it has, is in its entry in `emcc.ops`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from emcc import ops
from emcc.ops import Trait


class IllegalGraph(AssertionError):
    """A pass made, or got, a graph that the table does not allow: a bug in emcc, not in the user's model."""


@dataclass(frozen=True)
class Stage:
    """What a stage allows.

    Attributes:
        never: traits of which an operator may have none.
        layers: whether weights are in Linear and Conv nodes; a graph of nothing but Linear and activations, from one
            input to one output, is then a chain of them.
        shared: whether every weight has a codebook; formats: whether tensors have formats; blocks: whether codebooks
            may be of sub-vectors.
    """

    never: frozenset[Trait] = frozenset()
    layers: bool = True
    shared: bool = False
    formats: bool = False
    blocks: bool = False

    @property
    def integer(self) -> bool:
        """Whether the graph computes in integers."""
        return self.formats and not self.layers

    def allows(self, op: str) -> bool:
        """Whether there may be such an operator."""
        traits = ops.traits(op)
        return bool(traits) and not traits & self.never


CHAIN: frozenset[Trait] = frozenset({"folded", "activation"})
QUANTISED: frozenset[Trait] = frozenset({"quantised"})
FLOATING: frozenset[Trait] = frozenset({"convolution", "folded", "front", "matrix", "no-op"})
UNFOLDED: frozenset[Trait] = frozenset({"front", "matrix", "no-op", "quantised"})
LATER: frozenset[Trait] = frozenset({"later"})
STAGES: Mapping[str, Stage] = {
    "frontend": Stage(never=frozenset({"folded", "quantised"}), layers=False),
    "fold": Stage(never=UNFOLDED),
    "scale": Stage(never=UNFOLDED),
    "equalise": Stage(never=UNFOLDED),
    "shrink": Stage(never=UNFOLDED),
    "factor": Stage(never=UNFOLDED),
    "binarise": Stage(never=UNFOLDED),
    "prune": Stage(never=UNFOLDED),
    "share": Stage(never=UNFOLDED, shared=True, blocks=True),
    "finetune": Stage(never=UNFOLDED, shared=True),
    "calibrate": Stage(never=UNFOLDED | LATER, shared=True, formats=True),
    "quantise": Stage(never=FLOATING | LATER, layers=False, formats=True),
}
