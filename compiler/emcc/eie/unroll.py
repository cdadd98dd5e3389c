"""A network's first convolution, where its input has few channels: the columns of its kernel become channels.

The host writes an input's elements into as many places as there are taps in a row that see them, so that one word holds
what they see, and all groups of columns have work however few the channels are. The matrix is the same: its columns are
numbered by rows of taps, taps of a row, channels.

Where the places are no multiple of the groups, those that are left over stand in every group, each with a share of the
rows: the groups' sums are added anyway.
"""

from dataclasses import dataclass

import numpy as np

from emcc.eie.options import LowerOptions
from emcc.eie.tensors import Tensors, is_depthwise
from emcc.ir.graph import Array, Graph, Node
from emcc.ir.program import HOLE, Window, words

MEMORY = 2.0
"""How many times the words of the input an unrolled one may take."""


@dataclass(frozen=True)
class Unrolled:
    """An input of a convolution with its kernel's columns as channels, or as it is.

    Attributes:
        height, width: of the input; out_width: of what the host writes: of the convolution's output where the columns
            of its kernel are channels, of the input where they are not.
        across: the columns of the kernel that are channels, or 1.
        channels: of the input. groups: of columns.
        window: of the convolution as it was.
    """

    height: int
    width: int
    out_width: int
    across: int
    channels: int
    groups: int
    window: Window

    @property
    def size(self) -> int:
        """What a position sees of a row: taps x channels."""
        return self.across * self.channels

    @property
    def held(self) -> Array:
        """Which of it each slot holds: int64 [slots], those that are left over once a group."""
        left = self.size % self.groups
        return np.concatenate(
            [np.arange(self.size), np.repeat(np.arange(self.size - left, self.size), self.groups - 1)]
        )

    @property
    def share(self) -> Array:
        """How much of its column's rows each slot has: float64 [slots]."""
        return 1 / np.bincount(self.held)[self.held]

    def rows_of(self, order: Array, rows: int, lanes: int) -> Array:
        """Return which rows each slot has: bool [rows, slots]; the slots hold `order` of `held`."""
        held = self.held[order]
        same = held[:, None] == held
        before = np.tril(same, -1).sum(axis=1)
        row = np.arange(rows)[:, None]
        return np.asarray((row // lanes + row % lanes) % same.sum(axis=1) == before)

    @property
    def rows(self) -> Window:
        """The window that is left: its rows, where its columns are channels."""
        if self.across == 1:
            return self.window
        kernel, stride, dilation, before = (
            (getattr(self.window, name)[0], beside)
            for name, beside in (("kernel", 1), ("stride", 1), ("dilation", 1), ("before", 0))
        )
        return Window(kernel, stride, dilation, before)

    def order(self) -> Array:
        """Return which element of the flattened input is in each place: int64 [height * out_width, slots]."""
        window = self.window
        y, x, tap, channel = np.ogrid[: self.height, : self.out_width, : self.across, : self.channels]
        column = x if self.across == 1 else x * window.stride[1] + tap * window.dilation[1] - window.before[1]
        element = (channel * self.height + y) * self.width + column
        return np.where((column >= 0) & (column < self.width), element, HOLE).reshape(-1, self.size)[:, self.held]


def unrolled(graph: Graph, tensors: Tensors, options: LowerOptions) -> dict[str, Unrolled]:
    """Return the inputs that are worth it, by their base tensors' names."""
    bases = (tensors.ends.get(name, (name,))[0] for name in graph.inputs)
    return {name: made for name in bases if (made := _unrolled(graph, tensors, options, name)) is not None}


def _unrolled(graph: Graph, tensors: Tensors, options: LowerOptions, name: str) -> Unrolled | None:
    node = _only_reader(graph, tensors, name)
    if node is None or node.op != "QConv" or is_depthwise(graph, node) or name in graph.outputs:
        return None
    height, width, channels = tensors.maps[name]
    attrs = node.attrs
    kernel = tuple(graph.constants[node.inputs[1]].shape[2:])
    window = Window(kernel, tuple(attrs["strides"]), tuple(attrs["dilations"]), tuple(attrs["pads"][:2]))
    out_width = tensors.maps[node.outputs[0]][1]
    most = MEMORY * height * width * words(channels, options.pes)
    for across, wide in ((kernel[1], out_width), (1, width)) if kernel[1] > 1 else ((1, width),):
        made = Unrolled(height, width, wide, across, channels, options.groups, window)
        useful = across > 1 or channels % options.groups > 0
        if useful and height * wide * words(made.held.size, options.pes) <= most and channels < options.pes:
            return made
    return None


def _only_reader(graph: Graph, tensors: Tensors, name: str) -> Node | None:
    """Return the one node that reads a tensor, itself and no view of it."""
    views = [other for other, base in tensors.base.items() if base == name and other != name]
    readers = [node for node in graph.nodes if name in node.inputs]
    return readers[0] if len(readers) == 1 and not views else None
