"""`emcc compare` of models with scales: tensors and weights are held against each other on the artefact's."""

from pathlib import Path

import numpy as np
import pytest
from models import model, node, save

import emcc
from emcc.base.errors import EmccError
from emcc.driver.compare import compare_model
from emcc.measure.comparison import Comparison

RNG = np.random.default_rng(0)
UNITS, MIDDLES = np.float32([500, 10, 0.2, 3]), np.float32([101325, 293.15, 0.5, 10])


def compared(folder: Path, proto: object, x: np.ndarray, **options: object) -> tuple[emcc.Artefact, Comparison]:
    path = save(proto, folder / "m.onnx")
    np.savez(folder / "d.npz", x=x)
    made = emcc.compile(path, data=x, **options)  # type: ignore[arg-type]
    made.write(folder / "a")
    return made, compare_model(folder / "a", path, folder / "d.npz", 1000, 0.05)


def test_a_normalisation_that_went_to_the_host(tmp_path: Path) -> None:
    """In Pa and Kelvin nothing would be near what the array has."""
    eighths = {"w": (3, 4), "b": (3,)}
    weights = {name: (RNG.integers(-12, 13, shape) / 8).astype(np.float32) for name, shape in eighths.items()}
    nodes = [node("Sub", ["x", "m"], "d"), node("Div", ["d", "s"], "q"), node("Gemm", ["q", "w", "b"], "y", transB=1)]
    proto = model(nodes, ["n", 4], ["n", 3], {"m": MIDDLES, "s": UNITS, **weights})
    x = (RNG.standard_normal((200, 4)) * UNITS + MIDDLES).astype(np.float32)
    made, found = compared(tmp_path, proto, x, keep_weights=True)
    assert made.manifest["scales"]["inputs"] == "model"
    assert found.first is None
    assert all(row.relative < 1e-3 and row.alone < 1e-3 for row in found.rows)


def uneven() -> tuple[object, np.ndarray]:
    """Channels whose sizes differ by 1e5, which one format between the layers does not hold."""
    sizes = np.exp(np.random.default_rng(1).normal(size=(12, 1)) * 4)
    first = RNG.standard_normal((12, 6)) * sizes
    weights = {"w": first.astype(np.float32), "v": (RNG.standard_normal((3, 12)) / sizes.T).astype(np.float32)}
    nodes = [node("Gemm", ["x", "w"], "h", "fc", transB=1), node("Relu", ["h"], "r")]
    nodes.append(node("Gemm", ["r", "v"], "y", transB=1))
    return model(nodes, ["n", 6], ["n", 3], weights), RNG.standard_normal((300, 6)).astype(np.float32)


RECIPE = {"prune": {"sparsity": 0.0}, "finetune": {"epochs": 0, "shared_epochs": 0}, "share": {"bits": 8}}


def test_scales_between_layers(tmp_path: Path) -> None:
    proto, x = uneven()
    made, found = compared(tmp_path, proto, x, fixed=True, recipe=RECIPE)
    assert made.manifest["scales"]["between"] != "none"
    assert set(made.manifest["scales"]["channels"]) == {"fc"}
    assert found.first is None
    assert all(row.relative < 1e-2 for row in found.rows)


@pytest.mark.parametrize("wrong", ["[1.0]", '"a"', "[0.0, 1.0]", "{}"])
def test_scales_that_are_no_scales(tmp_path: Path, wrong: str) -> None:
    proto, x = uneven()
    made, _ = compared(tmp_path, proto, x, fixed=True, recipe=RECIPE)
    text = (tmp_path / "a" / "emcc.json").read_text()
    begin = text.index("[", text.index('"fc":'))
    (tmp_path / "a" / "emcc.json").write_text(text[:begin] + wrong + text[text.index("]", begin) + 1 :])
    with pytest.raises(EmccError, match="the artefact's scales are not the model's"):
        compare_model(tmp_path / "a", tmp_path / "m.onnx", tmp_path / "d.npz", 100, 0.05)
    assert made.manifest["scales"]["between"]
