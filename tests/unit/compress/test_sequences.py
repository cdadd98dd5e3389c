"""`emcc compress` of recurrent networks and a transformer: every goal, with data and without."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from commands import ended, printed
from models import save
from sequence_models import classifier, encoder

from emcc.container import decode
from emcc.ops.interpret import run

pytest.importorskip("torch")
ort = pytest.importorskip("onnxruntime")

RECIPE = "[search]\nepochs = 2\nsettle = 1\ncode_epochs = 1\nshared_epochs = 1\nbatch = 32\nleast_steps = 3\n"
RNG = np.random.default_rng(7)
MODELS = {
    "GRU": (classifier("GRU"), RNG.standard_normal((90, 6, 4)).astype(np.float32)),
    "LSTM": (classifier("LSTM"), RNG.standard_normal((90, 6, 4)).astype(np.float32)),
    "transformer": (encoder(mean=True), RNG.integers(0, 7, (90, 5))),
}


def scores(proto: bytes, x: np.ndarray) -> np.ndarray:
    return np.asarray(ort.InferenceSession(proto).run(None, {"x": x})[0])


def written(folder: Path, name: str, *words: Any) -> tuple[dict[str, Any], np.ndarray, np.ndarray]:
    """(the manifest, the original's scores, the compressed model's), whose model.emc means the same as its ONNX."""
    proto, x = MODELS[name]
    path = save(proto, folder / "m.onnx")
    wanted = scores(proto.SerializeToString(), x)
    np.savez(folder / "d.npz", x=x, y=wanted.argmax(1))
    (folder / "r.toml").write_text(RECIPE)
    given = [str(word).replace("DATA", str(folder / "d.npz")) for word in words]
    ended("compress", str(path), "--out", str(folder / "c"), "--recipe", str(folder / "r.toml"), *given)
    held = decode((folder / "c" / "model.emc").read_bytes())
    got = scores((folder / "c" / "compressed.onnx").read_bytes(), x)
    meant = run(held, x.astype(np.float64) if x.dtype.kind == "f" else x)
    assert np.abs(got - meant).max() < 1e-4 * max(1.0, np.abs(meant).max())
    manifest: dict[str, Any] = json.loads((folder / "c" / "emcc.json").read_text())
    return manifest, wanted, got


@pytest.mark.parametrize("words", [("--keep-weights",), ("--keep-weights", "--data", "DATA")])
@pytest.mark.parametrize("name", MODELS)
def test_weights_that_are_kept(tmp_path: Path, name: str, words: tuple[str, ...]) -> None:
    manifest, wanted, got = written(tmp_path, name, *words)
    assert manifest["model"]["checked"].startswith("agrees with onnxruntime")
    assert np.abs(got - wanted).max() < 2e-3 * np.abs(wanted).max()
    assert all(layer["kept"] > 0.99 * layer["weights"] for layer in manifest["layers"])


@pytest.mark.parametrize("name", MODELS)
def test_fewer_weights(tmp_path: Path, name: str) -> None:
    manifest, *_ = written(tmp_path, name, "--data", "DATA", "--target-sparsity", "0.6")
    total, rows = manifest["totals"], manifest["layers"]
    assert total["kept"] == total["weights"] - int(np.floor(0.6 * total["weights"] + 0.5))
    assert {row["entries"] < row["weights"] for row in rows} == {True}
    if name == "transformer":
        assert rows[0]["shape"] == [7, 8]
        assert rows[0]["biases"] == 0


@pytest.mark.parametrize("name", ["GRU", "transformer"])
def test_a_loss_that_is_allowed(tmp_path: Path, name: str) -> None:
    manifest, *_ = written(tmp_path, name, "--data", "DATA", "--max-drop", "30", "--steps", "40")
    assert manifest["search"]["lost_at_most"] <= 30
    assert manifest["totals"]["bytes"] < manifest["totals"]["dense_bytes"] + manifest["totals"]["header_bytes"]


def test_what_was_written_runs(tmp_path: Path) -> None:
    written(tmp_path, "transformer", "--keep-weights")
    ended("run", str(tmp_path / "c"), "--data", str(tmp_path / "d.npz"), "--out", str(tmp_path / "y.npz"))
    x = np.zeros((2, 5), np.int64)
    x[1, 2] = 7
    np.savez(tmp_path / "d.npz", x=x)
    refused = ended("run", str(tmp_path / "c"), "--data", str(tmp_path / "d.npz"), "--out", str(tmp_path / "z"), code=2)
    assert "x holds 7 in sample 1" in refused.stderr


def test_what_is_for_compress_alone(tmp_path: Path) -> None:
    """Compiling and inspecting say the same; the last line tells it from a refusal."""
    path = str(save(MODELS["transformer"][0], tmp_path / "m.onnx"))
    sentence = "`emcc compress` takes it; running on the array comes later, for"
    refused = ended("compile", path, "--out", str(tmp_path / "c"), code=2).stderr
    said = " ".join(printed("inspect", path, "--json", str(tmp_path / "i.json"), code=2).split())
    assert sentence in " ".join(refused.split())
    assert said[said.index("NOT supported by `emcc compile`") :].startswith(
        f"NOT supported by `emcc compile`: {sentence}"
    )
    assert "Embedding" in refused
    assert "Embedding" in said
    assert not (tmp_path / "c").exists()
    inspected = json.loads((tmp_path / "i.json").read_text())
    assert (inspected["supported"], inspected["compress"]) == (False, True)


def test_a_model_that_is_refused_is_neither(tmp_path: Path) -> None:
    proto = onnx.ModelProto()
    proto.CopyFrom(MODELS["GRU"][0])
    gru = next(node for node in proto.graph.node if node.op_type == "GRU")
    gru.attribute.append(onnx.helper.make_attribute("clip", 1.0))
    path = str(save(proto, tmp_path / "m.onnx"))
    assert "NOT supported: " in printed("inspect", path, code=2).splitlines()[-1]
