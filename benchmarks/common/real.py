"""Real networks for fmax.py: what `emcc compile --keep-weights` makes of files in ../shared/data."""

from collections.abc import Callable, Mapping
from pathlib import Path

import emcc
from benchmarks.common import mnist
from benchmarks.common.cnn.problems import PROBLEMS
from emcc.eie.store import load_program
from emcc.ir.graph import Array
from emcc.ir.program import Program


def lenet(data: Path) -> tuple[Path, Array, int]:
    """Return LeNet-300-100, pruned by Dynamic Network Surgery: its file, calibration images, bits an activation."""
    return data / "models/lenet300100_dns_sparse.onnx", mnist.read(data / "mnist", "train")[0][:1000], 16


def kws(data: Path) -> tuple[Path, Array, int]:
    """Return MLPerf Tiny's key word spotter, quantised, likewise."""
    problem = PROBLEMS["kws/qdq"](data)
    return problem.model, problem.seen, 8


REAL: Mapping[str, Callable[[Path], tuple[Path, Array, int]]] = {"lenet-dns": lenet, "kws": kws}


def compiled(name: str, pes: int, data: Path, folder: Path) -> Program:
    """Compile a network into `folder`, with all else at its default."""
    model, seen, bits = REAL[name](data)
    emcc.compile(model, data=seen, keep_weights=True, pes=pes, recipe={"calibrate": {"bits": bits}}).write(folder)
    return load_program(folder / "program.npz")
