"""`emcc compile` of recurrent networks: the host runs them between the array's steps."""

import json
from pathlib import Path

import numpy as np
import pytest
import simulators
from commands import ended
from models import model, node, save
from sequence_models import classifier, recurrent

import emcc
from emcc.container import decode
from emcc.ops import interpret
from emcc.runtime.simulate import simulate

ort = pytest.importorskip("onnxruntime")
X = np.random.default_rng(7).standard_normal((90, 6, 4)).astype(np.float32)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    simulators.build_quickly(monkeypatch)


@pytest.mark.sim
@pytest.mark.parametrize("op", ["GRU", "LSTM"])
def test_a_classifier_of_sequences_on_the_array_and_the_host(tmp_path: Path, op: str) -> None:
    proto = classifier(op)
    np.savez(tmp_path / "d.npz", x=X)
    path, out = save(proto, tmp_path / "m.onnx"), tmp_path / "out"
    words = ("--data", str(tmp_path / "d.npz"), "--keep-weights", "--pes", "4", "--out", str(out))
    ended("compile", str(path), *words)
    wanted = np.asarray(ort.InferenceSession(proto.SerializeToString()).run(None, {"x": X})[0])
    manifest = json.loads((out / "emcc.json").read_text())
    own = [row for row in manifest["partition"]["host"] if row["op"] == op]
    weights = {value.name: int(np.prod(value.dims)) for value in proto.graph.initializer}
    nodes = [node for node in proto.graph.node if node.op_type == op]
    held = [weights[name] for node in nodes for name in node.input[1:3]]
    assert len(own) == len(nodes) >= 1
    assert sum(row["macs"] for row in own) == sum(held) * X.shape[1]
    assert 0 < manifest["partition"]["share"] < 1
    assert manifest["totals"]["weights"] > sum(held)
    assert manifest["totals"]["dense_bytes"] > 4 * sum(held)
    result = simulate(out, tmp_path / "d.npz", count=4)
    assert result.ok
    assert result.cycle_mismatches == 0
    got = np.asarray(result.outputs).reshape(4, -1)
    assert np.abs(got - wanted[:4].reshape(4, -1)).max() < 0.002 * np.ptp(wanted)
    kept = decode((out / "model.emc").read_bytes())
    assert interpret.answers(kept, X)[:4].reshape(4, -1) == pytest.approx(got)
    assert set(kept.codebooks) == {node.inputs[1] for node in kept.nodes if node.op == op}


@pytest.mark.parametrize("words", [("--fixed",), ("--max-drop", "2", "--steps", "40")])
def test_its_weights_are_made_small_as_others_are(tmp_path: Path, words: tuple[str, ...]) -> None:
    pytest.importorskip("torch")
    proto = classifier("LSTM")
    y = np.asarray(ort.InferenceSession(proto.SerializeToString()).run(None, {"x": X})[0]).argmax(1)
    np.savez(tmp_path / "d.npz", x=X, y=y)
    path = save(proto, tmp_path / "m.onnx")
    (tmp_path / "r.toml").write_text("[finetune]\nepochs = 2\n[prune]\nsparsity = 0.5\n")
    recipe = ("--recipe", str(tmp_path / "r.toml")) if words == ("--fixed",) else ()
    ended("compile", str(path), "--data", str(tmp_path / "d.npz"), *words, *recipe, "--out", str(tmp_path / "out"))
    total = json.loads((tmp_path / "out" / "emcc.json").read_text())["totals"]
    assert total["bytes"] < total["dense_bytes"]


@pytest.mark.filterwarnings("ignore:no data")
@pytest.mark.parametrize("op", ["GRU", "LSTM"])
def test_nothing_but_such_a_layer_is_nothing_for_the_array(tmp_path: Path, op: str) -> None:
    path = save(recurrent(op, "bidirectional"), tmp_path / "m.onnx")
    refused = ended("compile", str(path), "--keep-weights", "--out", str(tmp_path / "out"), code=2).stderr
    assert "nothing of the model runs on the array" in " ".join(refused.split())
    assert not (tmp_path / "out").exists()


@pytest.mark.filterwarnings("ignore:no data")
def test_a_matrix_that_is_added_behind_such_a_layer_is_no_layer(tmp_path: Path) -> None:
    """It is one in models that are for `emcc compress` alone."""
    rng = np.random.default_rng(3)
    sizes = {"w": (1, 160, 4), "r": (1, 160, 40), "p": (8, 40), "v": (320, 3)}
    weights = {name: 0.3 * rng.standard_normal(size).astype(np.float32) for name, size in sizes.items()}
    nodes = [
        *(node("Transpose", ["x"], "t", perm=[1, 0, 2]), node("LSTM", ["t", "w", "r"], "Y", hidden_size=40)),
        *(node("Squeeze", ["Y"], "q", axes=[1]), node("Transpose", ["q"], "z", perm=[1, 0, 2])),
        *(node("Add", ["z", "p"], "a"), node("Relu", ["a"], "b"), node("Flatten", ["b"], "f")),
        node("Gemm", ["f", "v"], "y"),
    ]
    proto = model(nodes, ["n", 8, 4], weights=weights, opset=11)
    x = rng.standard_normal((9, 8, 4)).astype(np.float32)
    wanted = np.asarray(ort.InferenceSession(proto.SerializeToString()).run(None, {"x": x})[0])
    artefact = emcc.compile(save(proto, tmp_path / "m.onnx"), pes=4, keep_weights=True)
    assert np.abs(artefact.predict(x) - wanted).max() < 0.002 * np.ptp(wanted)
