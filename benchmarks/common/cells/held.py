"""Networks that the model of cells is checked on, and was not fitted to: trained ones, through `emcc.compile`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import emcc
from benchmarks.common.cnn.problems import PROBLEMS
from emcc.eie.store import load_program
from emcc.ir.program import Program

DIGITS = Path(__file__).resolve().parents[3] / "examples" / "digits"
Source = Callable[[Path, Path], tuple[Path, Any]]
"""From the folder of data and one to work in to a model and samples."""


@dataclass(frozen=True)
class Held:
    """A network on an array: weights kept, all else at its default.

    Attributes:
        needs: whether it is of a file in --data.
    """

    source: Source
    pes: int
    bits: int
    needs: bool = False

    def program(self, data: Path, folder: Path) -> Program:
        """Compile it into `folder`."""
        model, seen = self.source(data, folder)
        recipe = {"calibrate": {"bits": self.bits}}
        emcc.compile(model, data=seen, keep_weights=True, pes=self.pes, recipe=recipe).write(folder / "net")
        return load_program(folder / "net" / "program.npz")


def digits(data: Path, folder: Path) -> tuple[Path, Any]:
    """Return examples/digits, 64-300-100-10."""
    train = np.load(DIGITS / "train.npz")
    return DIGITS / "digits.onnx", (train["x"], train["y"])


def logistic(data: Path, folder: Path) -> tuple[Path, Any]:
    """Return a perceptron of scikit-learn's with logistic functions, 64-40-10."""
    from skl2onnx import to_onnx
    from sklearn.neural_network import MLPClassifier

    train = np.load(DIGITS / "train.npz")
    x = train["x"].reshape(len(train["x"]), -1)
    trained = MLPClassifier((40,), activation="logistic", max_iter=300, random_state=0).fit(x, train["y"])
    options = {id(trained): {"zipmap": False, "nocl": True}}
    model = to_onnx(trained, x[:1], options=options, target_opset=17)
    (folder / "model.onnx").write_bytes(model.SerializeToString())
    return folder / "model.onnx", (x, train["y"])


def problem(name: str) -> Source:
    """Return a network of benchmarks/cnn.py."""

    def source(data: Path, folder: Path) -> tuple[Path, Any]:
        made = PROBLEMS[name](data)
        return made.model, made.seen

    return source


HELD: Mapping[str, Held] = {
    "digits-4": Held(digits, 4, 16),
    "digits-12": Held(digits, 12, 8),
    "logistic-3": Held(logistic, 3, 8),
    "kws-8": Held(problem("kws/qdq"), 8, 8, True),
    "ad-16": Held(problem("ad/qdq"), 16, 8, True),
    "mnist8-8": Held(problem("mnist-8"), 8, 16, True),
}
"""By name, with the PEs."""
