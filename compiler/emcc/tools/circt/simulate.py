"""What CIRCT made, in Verilator: integers in, integers out."""

import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from emcc.ir.graph import Array
from emcc.tools import verilator
from emcc.tools.process import run

TARGET = verilator.Target(top="emcc_hls_top", listing="files.f", harness="hls", program="emcc_hls_sim")
TIMEOUT = 3600.0
MOST = 100_000_000
"""Cycles of an inference: what takes more hangs."""


def build(sources: Mapping[str, bytes]) -> Path:
    """Build the simulator of converted files; errors as of verilator.build."""
    return verilator.build(sources, target=TARGET)


def simulated(program: Path, x: Array, outputs: int, most: int = MOST) -> tuple[Array, list[int]]:
    """Run inferences [n, elements] in a built simulator.

    Returns:
        Integers int64 [n, outputs], and the cycles of each inference.

    Raises:
        ToolError: an inference takes more than `most` cycles.
    """
    with tempfile.TemporaryDirectory(prefix="emcc-circt-") as folder:
        source, target = Path(folder) / "in", Path(folder) / "out"
        x.astype("<i4").tofile(source)
        words: list[str | Path] = [program, source, target, str(x.shape[1]), str(outputs), str(most)]
        told = run("what CIRCT made", words, timeout=TIMEOUT).output
        return np.fromfile(target, "<i4").astype(np.int64).reshape(-1, outputs), [int(line) for line in told.split()]
