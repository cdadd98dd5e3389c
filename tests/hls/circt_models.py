"""Small models through CIRCT: what is emitted for synthesis, as hardware in Verilator, held against the reference."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from hand_qgraphs import PLAIN, Hand
from qgraphs import inputs, quantised
from specimens import patterned, specimen

from emcc.backends.hls import Model, plain
from emcc.ir.graph import Array
from emcc.ir.program import Program
from emcc.runtime.segmented import crossed
from emcc.tools import circt

MOST = 1_000_000


@dataclass(frozen=True)
class Held:
    """What came of a model.

    Attributes:
        wrong, integers: those that differ, of how many. cycles: of each inference.
        products: that an inference computes at most. lines: of SystemVerilog. seconds: of each stage.
    """

    kernels: list[str]
    wrong: int
    integers: int
    cycles: list[int]
    products: int
    lines: int
    seconds: dict[str, float]


Case = tuple[Program, dict[str, Array]]


def perceptron() -> Case:
    """12-8-4 of 4-bit codes, a third of the weights there: ReLU, nothing."""
    return plain(quantised([12, 8, 4], functions=["relu", "identity"])), {"x": inputs(6, 12)}


def sparse_perceptron() -> Case:
    """12-24-4 by columns, a twelfth of the weights there, then row by row: ReLU, a function's table."""
    graph = quantised([12, 24, 4], density=0.08, code_w=8, functions=["relu", "table"])
    return plain(graph), {"x": inputs(6, 12)}


def convolution() -> Case:
    """1 x 6 x 6: 3 channels of 3 x 3 with pads and ReLU, the largest of 2 x 2, 4 outputs."""
    hand = Hand((1, 6, 6))
    maps = hand.conv("x0", 3, kernel=(3, 3), pads=(1, 1, 1, 1), function="relu")
    pooled = hand.node("MaxPool", [maps], {**PLAIN, "kernel_shape": (2, 2), "strides": (2, 2), "ceil_mode": 0})
    hand.conv(pooled, 4, kernel=(3, 3))
    return plain(hand.graph()), {"x0": np.random.default_rng(0).integers(-900, 900, (4, 36))}


def gates() -> Case:
    """Products and local sums of several inputs, dealt to PEs."""
    program, _ = specimen("no_codes")
    return program, {name: value.reshape(len(value), -1)[:3] for name, value in patterned(program).items()}


CASES: Mapping[str, Callable[[], Case]] = {
    "perceptron": perceptron,
    "sparse_perceptron": sparse_perceptron,
    "convolution": convolution,
    "gates": gates,
}


def made(program: Program) -> tuple[Model, circt.Module]:
    """What is emitted of a program, read."""
    model = Model(program, "model")
    files = {**model.common(), **model.top()}
    return model, circt.module(files, f"emcc_{model.name}_top.c", f"emcc_{model.name}_top")


def held(program: Program, x: Mapping[str, Array], buffers: str = "cycles") -> Held:
    """Run integers [n, elements] by input's name through all stages."""
    times = [time.perf_counter()]

    def passed() -> None:
        times.append(time.perf_counter())

    model, module = made(program)
    passed()
    sources = circt.converted(module, buffers)
    passed()
    simulator = circt.build(sources)
    passed()
    ((into, wanted),) = crossed(program, x)
    got, cycles = circt.simulated(simulator, into, wanted.shape[1], MOST)
    passed()
    stages = dict(zip(("read", "circt", "verilator", "simulated"), np.diff(times).tolist(), strict=True))
    calls = model.context.calls
    return Held(
        [call.kernel for call in calls],
        int(np.count_nonzero(got != wanted)),
        wanted.size,
        cycles,
        sum(call.macs for call in calls),
        sum(text.count(b"\n") for text in sources.values()),
        stages,
    )
