"""Running graphs: outputs, intermediate tensors, constants under training, and what is loaded when."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from models import mlp, save

from emcc import frontend
from emcc.ir.graph import Graph
from emcc.ops import host, interpret
from emcc.passes.fold import Fold


@pytest.fixture
def graph(tmp_path: Path) -> Graph:
    """A folded 6-5-3 network with sigmoids and an ArgMax."""
    model = mlp([6, 5, 3], "Sigmoid", input_shape=(2, 3), tail="ArgMax")
    return Fold().apply(frontend.load(save(model, tmp_path / "m.onnx")))


def test_trace_has_every_tensor(graph: Graph) -> None:
    x = np.random.default_rng(0).standard_normal((4, 2, 3))
    values = interpret.trace(graph, x)
    assert set(values) == set(graph.tensors) == {"x", "z0", "a0", "z1"}
    z = x.reshape(4, 6) @ graph.constants["fc0.weight"].T.astype(np.float64) + graph.constants["fc0.bias"]
    np.testing.assert_allclose(values["z0"], z, rtol=1e-12)
    np.testing.assert_allclose(values["a0"], 1 / (1 + np.exp(-z)), rtol=1e-12)
    np.testing.assert_array_equal(values["z1"], interpret.run(graph, x))
    np.testing.assert_array_equal(interpret.run(graph, x.reshape(4, 6)), values["z1"])
    np.testing.assert_array_equal(host.apply(graph.host, values["z1"]), values["z1"].argmax(axis=1))


def test_the_dtype_is_that_of_the_input(graph: Graph) -> None:
    for dtype in (np.float32, np.float64):
        assert interpret.run(graph, np.ones((1, 6), dtype)).dtype == dtype


def test_torch_trains_through_it(graph: Graph) -> None:
    torch = pytest.importorskip("torch")
    x = np.random.default_rng(0).standard_normal((4, 6)).astype(np.float32)
    weight = torch.tensor(graph.constants["fc0.weight"].copy(), requires_grad=True)
    result = interpret.run(graph, torch.as_tensor(x), torch, {"fc0.weight": weight})
    np.testing.assert_allclose(result.detach().numpy(), interpret.run(graph, x), rtol=1e-5, atol=1e-5)
    result.sum().backward()
    assert weight.grad is not None
    assert weight.grad.abs().sum() > 0


def test_operators_load_when_used() -> None:
    modules = "emcc.ops, emcc.frontend, emcc.passes.fold"
    code = f"import sys, {modules}; print([m for m in ('onnx', 'torch') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
