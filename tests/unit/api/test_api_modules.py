"""Torch modules and ModelProtos in the place of a file."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from models import mlp, save

import emcc

torch = pytest.importorskip("torch")
X = np.random.default_rng(3).standard_normal((20, 2, 3)).astype(np.float32)


class Net(torch.nn.Module):  # type: ignore[misc]
    """Of [n, 2, 3]; in training mode Dropout and BatchNorm1d answer otherwise."""

    def __init__(self, dtype: Any = None) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.first, self.last = torch.nn.Linear(6, 9, dtype=dtype), torch.nn.Linear(9, 4, dtype=dtype)
        self.norm, self.drop = torch.nn.BatchNorm1d(9, dtype=dtype), torch.nn.Dropout(0.5)

    def forward(self, x: Any) -> Any:
        return self.last(self.drop(self.norm(torch.relu(self.first(x.flatten(1)))))).softmax(-1)


def answers(module: Any) -> np.ndarray:
    """What the module answers."""
    with torch.no_grad():
        return np.asarray(module(torch.from_numpy(X)).numpy())


@pytest.mark.parametrize("example", [X[:1], X[:3].astype(np.float64), torch.zeros(2, 2, 3), None])
def test_a_module_is_exported_in_eval_mode(example: Any) -> None:
    module = Net()
    module.norm.eval()
    module.norm.running_mean += 0.5
    artefact = emcc.compile(module, example_input=example, data=X, keep_weights=True)
    assert [part.training for part in (module, module.first, module.norm, module.drop)] == [True, True, False, True]
    assert artefact.manifest["model"]["file"] == "model.onnx"
    np.testing.assert_allclose(artefact.predict(X), answers(module.eval()), atol=2e-3)


def test_the_same_module_gives_the_same_bytes() -> None:
    first, second = (emcc.compile(Net(), example_input=X[:1]).files for _ in range(2))
    assert first == second


def test_data_may_be_tensors() -> None:
    given = torch.from_numpy(X).requires_grad_()
    module = Net().eval()
    arrays, tensors = (emcc.compile(module, data=data, keep_weights=True).files for data in (X, given))
    assert arrays == tensors


def test_modules_that_cannot_be_exported() -> None:
    with pytest.raises(
        emcc.EmccError, match=r"the torch module Net is exported by running it on an input\n.*example_input"
    ):
        emcc.compile(Net(), data="data.npz")
    with pytest.raises(emcc.EmccError, match=r"torch cannot export the module Net: RuntimeError: .*\n.*example_input"):
        emcc.compile(Net(), example_input=np.zeros((1, 7), np.float32))


def test_a_model_in_memory_is_its_file(tmp_path: Path) -> None:
    proto = mlp((6, 9, 4), seed=2)
    (tmp_path / "model.onnx").write_bytes(proto.SerializeToString(deterministic=True))
    assert emcc.compile(proto).files == emcc.compile(save(proto, tmp_path / "model.onnx")).files
