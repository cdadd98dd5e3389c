"""What is compiled for the golden digests: a fixed set of models, none of them trained.

    .venv/bin/python tests/golden/golden_cases.py    # writes digests.json anew

Write it anew only in a commit of its own that says why the emitted bytes changed.
"""

import hashlib
import json
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import onnx
from typer.testing import CliRunner

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from models import mlp, model, node, random_weight, save

DIGESTS = Path(__file__).with_name("digests.json")
DIGITS = Path(__file__).resolve().parents[2] / "examples" / "digits"


def affine_chain() -> onnx.ModelProto:
    """Operators that fold away around two layers: Sub, BatchNormalization, Transpose, Reshape, Mul."""
    rng = np.random.default_rng(7)
    weights = {
        "mean": rng.standard_normal((4, 1)).astype(np.float32),
        "scale": np.float32([0.5, 2.0, 1.5]),
        "shift": np.float32([0.1, -0.2, 0.3]),
        "at": np.float32([0.0, 0.5, -0.5]),
        "spread": np.float32([1.0, 0.25, 4.0]),
        "w0": random_weight(rng, 10, 12, 0.5),
        "b0": rng.standard_normal(10).astype(np.float32),
        "half": np.float32(0.5),
        "w1": random_weight(rng, 6, 10, 0.6),
    }
    nodes = [
        node("Sub", ["x", "mean"], "a"),
        node("Transpose", ["a"], "b", perm=[0, 2, 1]),
        node("BatchNormalization", ["b", "scale", "shift", "at", "spread"], "c"),
        node("Flatten", ["c"], "d", axis=1),
        node("Gemm", ["d", "w0", "b0"], "e", transB=1),
        node("Relu", ["e"], "f"),
        node("Mul", ["f", "half"], "g"),
        node("Gemm", ["g", "w1"], "h", transB=1),
        node("Softmax", ["h"], "y", axis=1),
    ]
    return model(nodes, ["n", 4, 3], ["n", 6], weights, name="affine")


def small_conv() -> onnx.ModelProto:
    """Two convolutions, a branch that is added, pooling and a Gemm: for `emcc compress`."""
    rng = np.random.default_rng(8)
    weights = {
        "k0": random_weight(rng, 6, 27).reshape(6, 3, 3, 3),
        "k1": random_weight(rng, 6, 54, 0.4).reshape(6, 6, 3, 3),
        "b1": rng.standard_normal(6).astype(np.float32),
        "w": random_weight(rng, 5, 96, 0.5),
    }
    nodes = [
        node("Conv", ["x", "k0"], "a", pads=[1, 1, 1, 1]),
        node("Relu", ["a"], "b"),
        node("Conv", ["b", "k1", "b1"], "c", pads=[1, 1, 1, 1]),
        node("Add", ["b", "c"], "d"),
        node("MaxPool", ["d"], "e", kernel_shape=[2, 2], strides=[2, 2]),
        node("Flatten", ["e"], "f", axis=1),
        node("Gemm", ["f", "w"], "y", transB=1),
    ]
    return model(nodes, ["n", 3, 8, 8], ["n", 5], weights, name="small_conv")


@dataclass(frozen=True)
class Case:
    """One run of the command line.

    Attributes:
        model: makes the model, or its file's name under examples/digits or (with `shared`) the shared models.
        options: of the command; data: the file that --data takes, under examples/digits; recipe: its text.
    """

    model: Callable[[], onnx.ModelProto] | str
    command: str = "compile"
    options: tuple[str, ...] = ()
    data: str = ""
    recipe: str = ""
    shared: bool = False


KEEP = ("--keep-weights",)
CASES: Mapping[str, Case] = {
    "digits": Case("digits.onnx", options=("--pes", "8")),
    "digits_pruned": Case("digits.onnx", options=("--pes", "16"), recipe="[prune]\nsparsity = 0.9\n"),
    "digits_data": Case("digits.onnx", data="test.npz", recipe="[finetune]\nepochs = 0\nshared_epochs = 0\n"),
    "digits_8_bits": Case(
        "digits.onnx",
        data="test.npz",
        options=("--pes", "4"),
        recipe='[finetune]\nepochs = 0\nshared_epochs = 0\n[calibrate]\nbits = 8\n[share]\nbits = 2\ninit = "linear"\n'
        '[prune]\nscore = "scaled"\nbalance_pes = 4\n[lower]\nbalance = "none"\nrun_bits = 3\n[encode]\n'
        'coding = "huffman"\n',
    ),
    "affine": Case(affine_chain, options=("--pes", "3", *KEEP)),
    "sigmoid_tanh": Case(lambda: mlp([20, 16, 12, 4], ["Sigmoid", "Tanh", None], 1, density=0.3, tail="ArgMax")),
    "leaky": Case(
        lambda: mlp([9, 40, 7], ["LeakyRelu", "LeakyRelu"], 2, density=0.2, style="matmul"),
        options=("--pes", "5", *KEEP),
        recipe='[lower]\nbalance = "entries"\nqueue_depth = 16\n[encode]\ncoding = "range"\n',
    ),
    "small_conv": Case(small_conv, "compress", KEEP),
    "lenet300100": Case("lenet300100_dns_sparse.onnx", options=("--pes", "64", *KEEP), shared=True),
    "acas_xu": Case("ACASXU_experimental_v2a_1_1.onnx", options=KEEP, shared=True),
    "mnist2x5_sigmoid": Case("mnist2x5_sigmoid.onnx", options=KEEP, shared=True),
    "lenet5": Case("lenet5_dns_sparse.onnx", "compress", KEEP, shared=True),
    "mnist8": Case("mnist-8/model.onnx", "compress", KEEP, shared=True),
}


@dataclass(frozen=True)
class Emitted:
    """SHA-256 of each part of an artefact: a folder's over the names and digests of its files."""

    parts: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, folder: Path) -> "Emitted":
        """Of a folder that emcc wrote."""
        parts: dict[str, str] = {}
        for path in sorted(folder.iterdir()):
            if path.is_dir():
                names = sorted(file.relative_to(path).as_posix() for file in path.rglob("*") if file.is_file())
                text = "".join(f"{name} {digest((path / name).read_bytes())}\n" for name in names)
                parts[path.name] = digest(text.encode())
            elif path.name != "report.html":
                parts[path.name] = digest(path.read_bytes())
        return cls(parts)


def digest(content: bytes) -> str:
    """The first half of a SHA-256, in hex."""
    return hashlib.sha256(content).hexdigest()[:32]


def emit(case: Case, folder: Path, shared: Path | None) -> Emitted:
    """Runs the case's command in `folder`."""
    from emcc.cli import app

    if isinstance(case.model, str):
        path = (shared / "models" if case.shared and shared else DIGITS) / case.model
    else:
        path = save(case.model(), folder / "model.onnx")
    arguments = [case.command, str(path), *case.options, "--out", str(folder / "out"), "--quiet"]
    if case.data:
        arguments += ["--data", str(DIGITS / case.data)]
    if case.recipe:
        (folder / "recipe.toml").write_text(case.recipe)
        arguments += ["--recipe", str(folder / "recipe.toml")]
    result = CliRunner().invoke(app, arguments)
    if result.exit_code:
        raise RuntimeError(result.output) from result.exception
    return Emitted.of(folder / "out")


def main() -> None:
    """Writes the digests."""
    shared = DIGITS.parents[1] / ".." / "shared" / "data"
    outcome = {}
    for name, case in CASES.items():
        with tempfile.TemporaryDirectory() as folder:
            outcome[name] = dict(emit(case, Path(folder), shared).parts)
    DIGESTS.write_text(json.dumps(outcome, indent=1) + "\n")


if __name__ == "__main__":
    main()
