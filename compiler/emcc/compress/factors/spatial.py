"""A convolution as one down and one across."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from emcc.compress.factors.factoriser import Factoriser, Part, conv_reason, halves
from emcc.ir.graph import Array, Node


@dataclass(frozen=True)
class SpatialSvd(Factoriser):
    """A k x l convolution as k x 1 and then 1 x l: Jaderberg et al., BMVC 2014, scheme 2.

    The best for a rank in closed form, as Tai et al. (ICLR 2016, section 3.1) have it: the singular value decomposition
    of the weights as a matrix of (input channel, row) by (output channel, column).
    """

    name: ClassVar[str] = "spatial-svd"
    form: ClassVar[str] = "k x l convolutions"

    def why_not(self, node: Node, weight: Array) -> str:
        """Only what has rows and columns."""
        return conv_reason(node, weight, "plane")

    def parts(self, node: Node, weight: Array) -> Sequence[Part]:
        """See the class; strides, pads and dilations down go with the first, across with the second."""
        out, channels, tall, wide = weight.shape
        matrix = weight.transpose(1, 2, 0, 3).reshape(channels * tall, out * wide)
        left, right, squares = halves(matrix)
        rank = self.rank(node, squares, matrix.size, sum(matrix.shape))
        down = left[:, :rank].T.reshape(rank, channels, tall, 1)
        across = right[:rank].reshape(rank, out, wide).transpose(1, 0, 2)[:, :, None, :]
        (stride, across_stride), (dilation, across_dilation) = node.attrs["strides"], node.attrs["dilations"]
        top, before, bottom, after = node.attrs["pads"]
        first = {"strides": (stride, 1), "dilations": (dilation, 1), "pads": (top, 0, bottom, 0), "group": 1}
        second = {
            "strides": (1, across_stride),
            "dilations": (1, across_dilation),
            "pads": (0, before, 0, after),
            "group": 1,
        }
        return Part(down, {**node.attrs, **first}), Part(across, {**node.attrs, **second})
