"""A Normalizer in front of a model: the host's, sample by sample, in float64, wherever the model goes."""

import json
from pathlib import Path

import numpy as np
import pytest
from models import model, node, onnxruntime_run, save
from onnx import ModelProto, helper

import emcc
from emcc import frontend
from emcc.base.errors import EmccError
from emcc.container import decode
from emcc.eie.store import load_program
from emcc.ir.graph import Affine
from emcc.legal.rows import IllegalGraph
from emcc.legal.verify import verify
from emcc.ops import interpret
from emcc.passes.calibrate import Calibrate
from emcc.passes.fold import Fold
from emcc.passes.norm import without_norms
from emcc.samples.sampling import quantised

pytest.importorskip("onnxruntime")
NORMS = ("L1", "L2", "MAX")
ML = "ai.onnx.ml"


def samples(rows: int, seed: int = 0) -> np.ndarray:
    """Of one direction each, and lengths from 1e-2 to 1e4; no largest number is near 0. One sample is all 0."""
    rng = np.random.default_rng(seed)
    x = np.abs(rng.standard_normal((rows, 6))) * rng.choice([1, 1, 1, -0.2], (rows, 6)) + 0.05
    x[:, 0] += 1
    x *= 10.0 ** rng.uniform(-2, 4, (rows, 1))
    x[rows // 2] = 0
    return x.astype(np.float32)


def behind(norm: str, scaled: bool = False, cast: bool = False) -> ModelProto:
    """A Normalizer, a Scaler or none, and two layers of few distinct weights."""
    rng = np.random.default_rng(3)
    few = [(rng.integers(-3, 4, shape) / 4).astype(np.float32) for shape in ((8, 6), (8,), (3, 8), (3,))]
    weights = dict(zip(("w", "b", "v", "c"), few, strict=True))
    nodes = [node("Cast", ["x"], "cast", to=1)] if cast else []
    nodes += [helper.make_node("Normalizer", ["cast" if cast else "x"], ["n"], "norm", domain=ML, norm=norm)]
    if scaled:
        parts = {"offset": [0.25] * 6, "scale": [4.0, 2.0, 1.0, 8.0, 2.0, 4.0]}
        nodes += [helper.make_node("Scaler", ["n"], ["s"], "scaler", domain=ML, **parts)]
    nodes += [node("Gemm", ["s" if scaled else "n", "w", "b"], "z", "first", transB=1), node("Relu", ["z"], "r")]
    nodes += [node("Gemm", ["r", "v", "c"], "y", "second", transB=1)]
    proto = model(nodes, ["n", 6], ["n", 3], weights)
    proto.opset_import.append(helper.make_opsetid(ML, 1))
    return proto


def near(a: np.ndarray, b: np.ndarray, share: float = 2e-3) -> None:
    np.testing.assert_allclose(a, b, atol=share * float(np.abs(b).max()))


@pytest.mark.parametrize("with_data", [True, False])
@pytest.mark.parametrize("scaled", [True, False])
@pytest.mark.parametrize("norm", NORMS)
def test_compiled_it_answers_as_onnxruntime(tmp_path: Path, norm: str, scaled: bool, with_data: bool) -> None:
    """Lengths of samples that differ by 1e6 would leave nothing of most of them in one format."""
    path = save(behind(norm, scaled), tmp_path / "m.onnx")
    x = samples(400)
    made = emcc.compile(path, data=x if with_data else None, keep_weights=True)
    near(made.predict(x), onnxruntime_run(path, x))
    assert made.manifest["model"]["input"]["norm"] == norm
    assert made.manifest["quality"]["lost"] in (None, pytest.approx(0, abs=0.1))
    program, held = load_program(made.files["program.npz"]), decode(made.files["model.emc"])
    assert program.inputs[0].affine.norm == held.affines["x"].norm == norm
    taken = quantised(program, x)
    np.testing.assert_array_equal(taken, interpret.integers(held, x))
    wide, ends = x.astype(np.float64), json.loads(made.files["emcc.json"])["model"]["input"]
    by = {"L1": np.abs(wide).sum(1), "L2": np.sqrt(np.square(wide).sum(1)), "MAX": wide.max(1)}[norm][:, None]
    exact = (wide / np.where(by == 0, 1, by) - np.array(ends["offset"])) * np.array(ends["scale"])
    exact = np.floor(exact * 2.0 ** ends["frac_bits"] + 0.5)
    np.testing.assert_array_equal(taken, np.clip(exact, -32768, 32767))


@pytest.mark.parametrize("norm", NORMS)
def test_compressed_it_stays_a_model(tmp_path: Path, norm: str) -> None:
    """compressed.onnx has the Normalizer, and is read again; model.emc runs."""
    path, x = save(behind(norm, scaled=True), tmp_path / "m.onnx"), samples(60)
    made = emcc.compress(path, keep_weights=True)
    again = tmp_path / "again.onnx"
    again.write_bytes(made.files["compressed.onnx"])
    wanted = onnxruntime_run(path, x)
    near(onnxruntime_run(again, x), wanted, 1e-5)
    near(made.predict(x), wanted)
    assert frontend.load(again).nodes[0].op == "Normalizer"
    near(interpret.run(Fold().apply(frontend.load(again)), x.astype(np.float64)), wanted, 1e-5)


def test_a_search_trains_through_it(tmp_path: Path) -> None:
    """In torch as in NumPy: a fifth of the weights gone, most of what the outputs vary by is still there."""
    path = save(behind("L2"), tmp_path / "m.onnx")
    made = emcc.compress(path, data=samples(600), target_sparsity=0.2, steps=400)
    assert made.manifest["search"]["quality"] > 80
    assert made.manifest["totals"]["kept"] == 58


def test_a_cast_in_front_of_it_is_nothing(tmp_path: Path) -> None:
    graph = frontend.load(save(behind("L1", cast=True), tmp_path / "m.onnx"))
    assert [each.op for each in graph.nodes] == ["Normalizer", "Gemm", "Relu", "Gemm"]


def test_behind_a_scaler_it_is_refused(tmp_path: Path) -> None:
    proto = behind("L2")
    proto.graph.node.insert(0, node("Mul", ["x", "b0"], "m"))
    proto.graph.node[1].input[0] = "m"
    proto.graph.initializer.append(proto.graph.initializer[1])
    proto.graph.initializer[-1].name = "b0"
    proto.graph.initializer[-1].dims[:] = [1]
    proto.graph.initializer[-1].raw_data = np.float32([2]).tobytes()
    with pytest.raises(EmccError, match="divides every sample by its own 'L2' norm"):
        frontend.load(save(proto, tmp_path / "m.onnx"))


def test_formats_without_data_know_that_no_element_is_above_one(tmp_path: Path) -> None:
    path = save(behind("L2"), tmp_path / "m.onnx")
    folded = Fold().apply(frontend.load(path))
    fmt = Calibrate().apply(folded).tensors["x"].fmt
    assert fmt is not None
    assert fmt.frac_bits == 14
    assert Calibrate().source(folded).startswith("from ranges: samples of L2 norm 1, and the weights")
    rest, norms = without_norms(frontend.load(path))
    assert norms == {"x": "L2"}
    assert without_norms(rest) == (rest, {})


def test_a_norm_belongs_to_an_input(tmp_path: Path) -> None:
    """And its node to the front: verify knows."""
    graph = frontend.load(save(behind("L2"), tmp_path / "m.onnx"))
    verify(graph, after="frontend")
    front, *rest = graph.nodes
    moved = graph.with_(nodes=(*rest[:1], front, *rest[1:]))
    folded = Fold().apply(graph)
    verify(folded, after="fold")
    one = Affine(np.ones(1), np.zeros(1), "L2")
    for wrong, stage in (
        (moved, "frontend"),
        (graph, "fold"),
        (folded.with_(affines={"y": one}), "fold"),
        (folded.with_(affines={"x": Affine(np.ones(1), np.zeros(1), "L5")}), "fold"),
    ):
        with pytest.raises(IllegalGraph):
            verify(wrong, after=stage)
