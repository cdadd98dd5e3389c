"""A matrix as two of lower rank."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from emcc.compress.factors.factoriser import POINT, Factoriser, Part, conv_reason, halves
from emcc.ir.graph import Array, Node


@dataclass(frozen=True)
class Svd(Factoriser):
    """The nearest matrix of a rank (Eckart and Young 1936), as two layers: Denil et al. 2013; Xue et al. 2013.

    W [m, n] becomes U S^1/2 [m, r] after S^1/2 V^T [r, n], of Linear layers and 1 x 1 convolutions.
    """

    name: ClassVar[str] = "svd"
    form: ClassVar[str] = "matrices (Gemm, MatMul, 1 x 1 Conv)"

    def why_not(self, node: Node, weight: Array) -> str:
        """Whatever is over more than a point is no matrix."""
        return "" if node.op == "Linear" else conv_reason(node, weight, "point")

    def parts(self, node: Node, weight: Array) -> Sequence[Part]:
        """See the class."""
        matrix = weight.reshape(len(weight), -1)
        left, right, squares = halves(matrix)
        rank = self.rank(node, squares, matrix.size, sum(matrix.shape))
        if node.op == "Linear":
            return Part(right[:rank], {}), Part(left[:, :rank], {})
        first = right[:rank].reshape(rank, -1, 1, 1)
        return Part(first, node.attrs), Part(left[:, :rank].reshape(-1, rank, 1, 1), POINT)
