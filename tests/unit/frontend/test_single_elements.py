"""One element a sample, [n]: picked out of a vector, worked with, and put beside others again."""

from pathlib import Path

import numpy as np
import pytest
from models import model, node, onnxruntime_run, save

import emcc
from emcc import frontend
from emcc.ops import interpret

RNG = np.random.default_rng(4)
WEIGHTS = {
    "0": np.array(0),
    "2": np.array(2),
    "-1": np.array(-1),
    "behind": np.array([1]),
    "column": np.array([-1, 1]),
    "flat": np.array([-1]),
    "w": RNG.standard_normal((2, 3)).astype(np.float32),
}
A, B = node("Gather", ["x", "0"], "a", axis=1), node("Gather", ["x", "-1"], "b", axis=1)
BOTH = [node("Concat", ["p", "q"], "c", axis=1), node("MatMul", ["c", "w"], "y")]
MADE = {
    "put behind each other": [
        *(A, B, node("Mul", ["a", "b"], "m")),
        *(node("Unsqueeze", ["m", "behind"], "p"), node("Unsqueeze", ["b", "flat"], "q")),
        *BOTH,
    ],
    "with what a reduction leaves": [
        *(A, node("ReduceMax", ["x"], "b", axes=[1], keepdims=0), node("Sub", ["a", "b"], "m")),
        *(node("Reshape", ["m", "column"], "p"), node("Reshape", ["b", "column"], "q")),
        *BOTH,
    ],
    "reshaped and back": [
        *(A, node("Reshape", ["a", "flat"], "f"), node("Tanh", ["f"], "t"), node("Unsqueeze", ["t", "behind"], "p")),
        *(B, node("Unsqueeze", ["b", "behind"], "q")),
        *BOTH,
    ],
    "as the output": [A, node("Sigmoid", ["a"], "y")],
}


@pytest.mark.parametrize("batch", ["n", 1])
@pytest.mark.parametrize("name", MADE)
def test_agrees_with_onnxruntime(tmp_path: Path, name: str, batch: str | int) -> None:
    path = save(model(MADE[name], [batch, 5], weights=WEIGHTS, opset=13), tmp_path / "m.onnx")
    x = RNG.standard_normal((3, 5)).astype(np.float32)
    truth = np.concatenate([onnxruntime_run(path, sample[None]) for sample in x])
    got = interpret.run(frontend.load(path), x)
    np.testing.assert_allclose(np.reshape(got, truth.shape), truth, rtol=1e-5, atol=1e-6)


@pytest.mark.filterwarnings("ignore:no data")
@pytest.mark.parametrize("name", ["put behind each other", "with what a reduction leaves"])
def test_on_the_array(tmp_path: Path, name: str) -> None:
    path = save(model(MADE[name], ["n", 5], weights=WEIGHTS, opset=13), tmp_path / "m.onnx")
    x = RNG.standard_normal((40, 5)).astype(np.float32)
    made = emcc.compile(path, data=x, pes=2, keep_weights=True, recipe={"calibrate": {"bits": 16}})
    truth = onnxruntime_run(path, x)
    np.testing.assert_allclose(np.reshape(made.predict(x), truth.shape), truth, atol=5e-3)
