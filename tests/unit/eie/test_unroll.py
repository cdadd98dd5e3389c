"""A first convolution whose kernel's columns are channels, and what is left over of them in every group."""

import numpy as np
import pytest
from quantised_meaning import agree

from emcc.eie.lower import lower
from emcc.eie.options import LowerOptions
from emcc.eie.store import load_program, save_program
from emcc.ir.graph import Array, Format, Graph, Node, Tensor
from emcc.ir.program import HOLE


def convolution(channels: int, kernel: int, stride: int, pads: tuple[int, ...], seed: int = 0) -> tuple[Graph, Array]:
    """One QConv over a map of 9 x 11, and integers to run it on."""
    rng = np.random.default_rng(seed)
    rows = 13
    codes = rng.integers(0, 16, (rows, channels, kernel, kernel)).astype(np.uint8)
    book = np.concatenate([[0], rng.integers(-3000, 3000, 15)])
    height = (9 + pads[0] + pads[2] - kernel) // stride + 1
    width = (11 + pads[1] + pads[3] - kernel) // stride + 1
    attrs = {
        "strides": (stride, stride), "dilations": (1, 1), "pads": pads, "group": 1, "code_w": 4, "weight_frac": 12,
        "act_w": 16, "z_frac": 8, "shift": 12, "function": "relu", "lo_bits": 0, "hi_bits": 0,
    }  # fmt: skip
    tensors = {
        "x": Tensor("x", (None, channels, 9, 11), fmt=Format(16, 8)),
        "y": Tensor("y", (None, rows, height, width), fmt=Format(16, 8)),
    }
    constants = {"c": codes, "book": book, "bias": rng.integers(-1000, 1000, rows)}
    node = Node("conv", "QConv", ("x", "c", "book", "bias"), ("y",), attrs)
    graph = Graph("one", ("x",), ("y",), (node,), tensors, constants)
    return graph, rng.integers(-2000, 2000, (2, channels, 9, 11))


@pytest.mark.parametrize(("channels", "kernel", "stride"), [(3, 3, 2), (1, 5, 1), (3, 7, 2), (2, 3, 3)])
@pytest.mark.parametrize("groups", [2, 4, 8])
def test_a_first_convolution_means_the_same(channels: int, kernel: int, stride: int, groups: int) -> None:
    graph, x = convolution(channels, kernel, stride, (1, 2, 0, 1))
    options = LowerOptions(pes=16, groups=groups)
    program = lower(graph, options)
    (port,) = program.inputs
    across = 1 if (channels, groups) == (1, 8) else kernel
    left = across * channels % groups
    assert program.buffers[port.buffer].slots == across * channels + left * (groups - 1)
    assert program.steps[0].window.kernel == (kernel, kernel if across == 1 else 1)
    assert (port.order == HOLE).any() == (across > 1)
    agree(graph, {"x": x}, options)


def test_each_group_has_as_many_places() -> None:
    graph, _ = convolution(3, 7, 2, (0, 0, 0, 0))
    program = lower(graph, LowerOptions(pes=16, groups=4))
    slots = np.arange(program.buffers[program.inputs[0].buffer].slots)
    groups = (slots // program.lanes + slots % program.lanes) % program.groups
    assert np.bincount(groups).tolist() == [6, 6, 6, 6]


def test_the_rows_of_a_column_are_shared_out() -> None:
    graph, _ = convolution(3, 3, 2, (0, 0, 0, 0))
    one, four = (lower(graph, LowerOptions(pes=16, groups=groups)) for groups in (1, 4))
    assert one.slices[0].entries - one.slices[0].padding == four.slices[0].entries - four.slices[0].padding


def test_a_program_with_repeated_channels_can_be_kept(tmp_path) -> None:
    graph, _ = convolution(3, 3, 2, (0, 0, 0, 0))
    program = lower(graph, LowerOptions(pes=16, groups=4))
    (tmp_path / "program.npz").write_bytes(save_program(program))
    again = load_program(tmp_path / "program.npz")
    assert np.array_equal(again.inputs[0].order, program.inputs[0].order)
