"""The designs that the model of cells is fitted to: small ones, random, with each number of the package both ways."""

import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import emcc
from benchmarks.common import fuzz  # noqa: F401 (finds the tests' graphs)
from emcc.eie.lower import lower
from emcc.eie.options import LowerOptions
from emcc.eie.store import load_program
from emcc.ir.program import Program
from emcc.lint.grouped import Grouped

from qgraphs import quantised  # isort: skip
from models import mlp as perceptron  # isort: skip
from small_convs import images, small_conv  # isort: skip

Made = Callable[[Path], Program]


def mlp(sizes: list[int], pes: int, groups: int, queue: int, **more: Any) -> Made:
    """A perceptron of random weights."""
    options = LowerOptions(pes=pes, groups=groups, queue_depth=queue)
    return lambda folder: lower(quantised(sizes, seed=len(sizes) + pes, **more), options)


def smooth(sizes: tuple[int, ...], function: str, act_w: int, pes: int, groups: int) -> Made:
    """A perceptron with a function that is a table, of which the bits are not random, through `emcc.compile`."""

    def made(folder: Path) -> Program:
        functions = [function] * (len(sizes) - 2) + [None]
        return compiled(perceptron(sizes, functions, seed=pes), None, act_w, pes, groups, 16, folder)

    return made


def conv(steps: str, channels: int, act_w: int, pes: int, groups: int, queue: int) -> Made:
    """Steps of `lint.grouped` over a map of 3 x 3."""
    options = LowerOptions(pes=pes, groups=groups, queue_depth=queue)
    return lambda folder: lower(Grouped(tuple(steps.split()), channels, act_w, options).graph(), options)


def maps(side: int, act_w: int, pes: int, groups: int, queue: int) -> Made:
    """The tests' convolutional network on larger maps, through `emcc.compile`."""

    def made(folder: Path) -> Program:
        return compiled(small_conv(side=side), images(64, side=side), act_w, pes, groups, queue, folder)

    return made


def compiled(model: Any, data: Any, act_w: int, pes: int, groups: int, queue: int, folder: Path) -> Program:
    """Compile a model with its weights kept, in `folder`."""
    recipe = {"lower": {"groups": groups, "queue_depth": queue}, "calibrate": {"bits": act_w}}
    with warnings.catch_warnings():
        # Of weights that nobody trained 8 bits may lose much, which is no matter here.
        warnings.simplefilter("ignore", emcc.EmccWarning)
        made = emcc.compile(model, data=data, keep_weights=True, pes=pes, recipe=recipe)
    made.write(folder / "net")
    return load_program(folder / "net" / "program.npz")


DIGITS = [784, 300, 100, 10]
_ONCE: Mapping[str, Made] = {
    "mlp-1": mlp([40, 30, 10], 1, 1, 16),
    "mlp-2": mlp([40, 30, 10], 2, 2, 16),
    "mlp-3": mlp([120, 60, 10], 4, 1, 32),
    "mlp-4": mlp([300, 120, 60, 9], 4, 2, 16),
    "mlp-5": mlp([300, 100, 10], 8, 4, 16),
    "mlp-6": mlp([300, 100, 10], 8, 1, 32),
    "mlp-7": mlp(DIGITS, 16, 1, 32, density=0.08),
    "mlp-8": mlp(DIGITS, 16, 4, 16, density=0.08),
    "mlp-9": mlp([64, 50, 10], 4, 2, 16, act_w=8),
    "mlp-10": mlp([200, 150, 10], 8, 1, 16, act_w=8, code_w=8),
    "mlp-11": mlp([200, 150, 10], 16, 2, 32, act_w=8, code_w=8),
    "mlp-12": mlp([300, 120, 10], 4, 4, 64, act_w=8, code_w=2),
    "mlp-13": smooth((60, 40, 9), "Tanh", 16, 4, 1),
    "mlp-14": smooth((100, 80, 10), "Sigmoid", 8, 8, 2),
    "mlp-15": mlp([400, 300, 200, 10], 2, 1, 32),
    "mlp-16": mlp([500, 200, 10], 8, 2, 64, bias=1 << 30, code_w=[8, 4]),
    "mlp-17": mlp([20, 12, 4], 4, 4, 16, bias=1 << 26),
    "conv-1": conv("own depthwise largest mean linear", 8, 8, 8, 4, 16),
    "conv-2": conv("own depthwise add linear", 16, 8, 8, 1, 32),
    "conv-3": conv("conv largest linear", 12, 16, 4, 2, 16),
    "conv-4": conv("own_wide own_depthwise conv linear", 5, 16, 8, 2, 32),
    "conv-6": conv("conv depthwise table linear", 9, 8, 8, 8, 16),
    "conv-8": conv("own own_depthwise mean linear", 16, 8, 2, 1, 16),
    "maps-1": maps(12, 8, 4, 1, 16),
    "maps-2": maps(24, 16, 8, 2, 32),
}
_DEEP = ("mlp-11@32", "mlp-5@64", "mlp-10@64", "conv-2@64", "conv-3@64", "mlp-7@128", "mlp-12@128", "mlp-16@128")
FITTED: Mapping[str, Made] = {**_ONCE, **{name: _ONCE[name.partition("@")[0]] for name in _DEEP}}
"""By name; behind an @ are the words up to which memories are made of LUTs, where that is not the family's first."""


def words_of(name: str) -> int | None:
    """Return the words behind the @; None where there are none."""
    words = name.partition("@")[2]
    return int(words) if words else None


OTHERS: Mapping[str, tuple[str, ...]] = {
    "ice40": ("mlp-1", "mlp-2", "mlp-9"),
    "gowin": ("mlp-2", "mlp-9", "conv-3", "mlp-12@128"),
}
"""Those that are counted for other families than ECP5."""
