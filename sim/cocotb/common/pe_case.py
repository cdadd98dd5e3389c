"""One PE of a Program as a DUT: its memories as files, and passes with what the reference says of them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from common.networks import vector
from common.simulator import Design, library
from emcc.backends.rom import images, render
from emcc.backends.verilog.context import parameters
from emcc.eie import descriptor, reference
from emcc.eie.layout import Layout
from emcc.eie.pack import unpack_rows
from emcc.ir.graph import Array
from emcc.ir.program import Program
from emcc.ops.fixed import activate

WRAPPER = Path(__file__).resolve().parents[1] / "pe" / "emcc_pe_bench.sv"
OF_THE_ARRAY = (
    *("Lanes", "LaneCntW", "Layers", "LayerW", "LayersFile", "WordW", "ActWords", "ActAddrW"),
    *("Overlap", "Prefetch"),
)
KINDS = ("mixed", "full", "extreme", "sparse", "zero", "extreme")


@dataclass(frozen=True)
class Pass:
    """A layer run once: (column, value) to broadcast, the layer's descriptor, and what the PE's rows must be.

    `rows` are (accumulator without bias, activation, lane_en_i) by local row; `work` is its number of entries.
    """

    layer: int
    columns: list[tuple[int, int]]
    descriptor: Mapping[str, int]
    rows: list[tuple[int, int, int]]
    work: int


def design(program: Program, sources: Mapping[str, bytes] | None = None, sum_lut_words: int = 0) -> Design:
    """The DUT for any PE of a program; its accumulators are made of LUTs up to `sum_lut_words` rows."""
    layout = Layout(program)
    literals = {name: literal for name, literal in parameters(layout) if name not in OF_THE_ARRAY}
    sizes = {"Columns": layout.columns, "Entries": layout.spmat_depth, "Biases": layout.biases}
    sizes["SumLutWords"] = sum_lut_words
    literals |= {name: str(size) for name, size in sizes.items()}
    files = {**(sources or library()), "bench/emcc_pe_bench.sv": WRAPPER.read_bytes()}
    return Design("emcc_pe_bench", files, literals)


def passes(program: Program, pe: int, repeats: int, seed: int = 0) -> list[Pass]:
    """Every layer `repeats` times, on inputs of several kinds within what the layer before can give."""
    rng = np.random.default_rng([seed, pe])
    layout, result = Layout(program), []
    low, high = -(1 << (program.act_w - 1)), (1 << (program.act_w - 1)) - 1
    for turn in range(repeats):
        bounds = (low, high)
        for i, layer in enumerate(program.layers):
            x = vector(rng, KINDS[(turn + i) % len(KINDS)], layer.n_in, *bounds)
            accumulators = reference.weights(layer, layer.codebook, program.pes) @ x
            table = program.tables[layer.table] if layer.table >= 0 else None
            y = activate(accumulators + layer.bias, layer.shift, layer.z_fmt.width, layer.function, table)
            at = descriptor.values(layout, i)
            columns = [(at["col_base"] + int(j), int(x[j])) for j in np.flatnonzero(x)]
            work = int(layer.count[pe, x != 0].sum())
            result.append(Pass(i, columns, at, _rows(accumulators, y, program.pes, pe), work))
            if table is not None:
                bounds = (int(max(low, table.coarse.min() + table.fine.min())), high)
            else:
                bounds = (0 if layer.function == "relu" else low, high)
    return result


def _rows(accumulators: Array, y: Array, pes: int, pe: int) -> list[tuple[int, int, int]]:
    """(accumulator, activation, enabled) of every local row; the last one may be beyond the layer's rows."""
    total = -(-y.size // pes)
    rows = [(int(a), int(b), 1) for a, b in zip(accumulators[pe::pes], y[pe::pes], strict=True)]
    return rows + [(0, 0, 0)] * (total - len(rows))


def write(program: Program, pe: int, todo: Sequence[Pass], place: Path) -> None:
    """The memories of one PE and stimulus.json, in the folder where the simulator will run."""
    for name, content in render(images(program)).items():
        target = place / name.replace(f"pe{pe:03}_", "")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    layout = Layout(program)
    document: dict[str, Any] = {
        "passes": [vars(one) for one in todo],
        "drain": 10 if program.tables else 7,
        "acc_w": program.acc_w,
        "act_w": program.act_w,
        "rows": layout.rows,
        # With no gaps between columns, a layer with twice as many products as it takes fills the queue.
        "fills_queue": any(one.work > 2 * len(one.columns) > 4 * program.queue_depth for one in todo),
    }
    (place / "stimulus.json").write_text(json.dumps(document), encoding="utf-8")


def reuse(program: Program, pe: int) -> set[int]:
    """After how many products a row comes again, over all layers of a PE: what the forwarding must handle."""
    found: set[int] = set()
    for layer in program.layers:
        rows, _ = unpack_rows(layer.count, layer.first, layer.run, program.pes)
        mine = rows[rows % program.pes == pe]
        found |= {distance for distance in range(1, 6) if (mine[distance:] == mine[:-distance]).any()}
    return found
