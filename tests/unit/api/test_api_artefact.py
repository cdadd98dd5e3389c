"""What an artefact answers, shows and writes; and what the API says of mistakes."""

import os
import re
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from models import mlp, onnxruntime_run, save

import emcc
from emcc.api.inputs import in_python

X = np.random.default_rng(3).standard_normal((20, 6)).astype(np.float32)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A classifier that ends in a Softmax."""
    return save(mlp((6, 9, 4), seed=2, density=0.6, tail="Softmax"), tmp_path_factory.mktemp("model") / "m<b>.onnx")


@pytest.fixture(scope="module")
def artefact(model: Path) -> emcc.Artefact:
    return emcc.compile(model, data=X, keep_weights=True, pes=4)


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary folders are made."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def test_predict_is_what_the_model_answers(model: Path, artefact: emcc.Artefact, scratch: Path) -> None:
    import onnx

    found = artefact.predict(X)
    assert (found.shape, found.dtype) == ((20, 4), np.float32)
    np.testing.assert_allclose(found, onnxruntime_run(onnx.load(model), X), atol=2e-3)
    np.testing.assert_array_equal(artefact.predict(X.tolist()), found)
    assert os.listdir(scratch) == []


def test_run_judges_by_labels(artefact: emcc.Artefact) -> None:
    classes = artefact.predict(X).argmax(axis=1)
    answers = artefact.run((X, classes))
    assert answers.worth.accuracy == 1.0
    assert answers.samples == 20


@pytest.mark.sim
def test_simulate_and_the_rtl_engine(artefact: emcc.Artefact, scratch: Path) -> None:
    result = artefact.simulate((X, artefact.predict(X).argmax(axis=1)), count=7)
    assert isinstance(result, emcc.SimulationResult)
    assert (result.ok, result.inferences, result.worth.accuracy) == (True, 7, 1.0)
    np.testing.assert_array_equal(artefact.predict(X, engine="rtl"), artefact.predict(X))
    assert os.listdir(scratch) == []


@pytest.mark.sim
def test_a_loaded_folder_is_simulated_as_it_is(artefact: emcc.Artefact, tmp_path: Path) -> None:
    loaded = emcc.load(str(artefact.write(tmp_path / "out")))
    rom = tmp_path / "out" / "rom" / "codebook.hex"
    rom.write_text(re.sub(r"(?m)^[0-9a-f]{4}$", lambda word: f"{int(word[0], 16) ^ 0x1000:04x}", rom.read_text()))
    with pytest.raises(emcc.EmccError, match=r"changed since it was compiled, or are missing\n  rom/codebook.hex"):
        loaded.simulate(X)
    assert not loaded.simulate(X, trust_rtl=True).ok
    assert artefact.simulate(X).ok
    with pytest.raises(emcc.EmccError, match="files changed since it was compiled"):
        loaded.predict(X, engine="rtl")
    with pytest.raises(emcc.EmccError, match=r"files changed or are missing\n  rom/codebook.hex"):
        loaded.write(tmp_path / "copy")


def test_write_and_load(artefact: emcc.Artefact, model: Path, tmp_path: Path) -> None:
    fresh = emcc.compile(model, data=X, keep_weights=True, pes=4)
    assert fresh.folder is None
    assert "in memory" in repr(fresh)
    assert fresh.write(str(tmp_path / "out")) == tmp_path / "out" == fresh.folder
    loaded = emcc.load(tmp_path / "out")
    assert loaded.folder == tmp_path / "out"
    assert loaded.manifest == artefact.manifest == fresh.manifest
    np.testing.assert_array_equal(loaded.predict(X), artefact.predict(X))
    assert loaded.files == artefact.files
    loaded.write(tmp_path / "copy")
    assert emcc.load(tmp_path / "copy").files == artefact.files


def test_report_shows_itself(artefact: emcc.Artefact, tmp_path: Path) -> None:
    report = emcc.Artefact(artefact._files).report()
    assert "in memory: m<b>.onnx for eie, 4 PEs" in repr(report)
    assert "size: " in report.text
    assert "\x1b" not in report.text
    shown = report._repr_html_()
    assert shown.startswith('<iframe srcdoc="&lt;!doctype html&gt;')
    assert shown.count("<") == 2  # the iframe's own; every other is escaped
    assert report.html == artefact.files["report.html"].decode()
    artefact.write(tmp_path / "out")
    assert emcc.load(tmp_path / "out").report().html == report.html


def test_the_report_of_a_compressed_model_is_its_table_and_its_page(model: Path) -> None:
    artefact = emcc.compress(model, keep_weights=True)
    report = artefact.report()
    assert repr(report).startswith("in memory: m<b>.onnx, compressed")
    assert report.html == artefact.files["report.html"].decode()
    assert report._repr_html_().startswith('<iframe srcdoc="')


def test_without_a_page_the_table_stands_for_it(model: Path) -> None:
    report = replace(emcc.compress(model, keep_weights=True).report(), html="")
    assert report._repr_html_().startswith("<pre>in memory: m&lt;b&gt;.onnx, compressed")


def test_saturating_inputs_warn(artefact: emcc.Artefact) -> None:
    with pytest.warns(emcc.EmccWarning, match="of the inputs .* saturate: .* calibrated on such data with data="):
        artefact.predict(100 * X)


def test_too_much_lost_warns(model: Path) -> None:
    with pytest.warns(emcc.EmccWarning, match="LOST .* points of .* Try: .*data"):
        emcc.compile(model, data=X, fixed=True, recipe={"prune": {"sparsity": 0.99}, "finetune": {"epochs": 0}})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"data": X[:, :3]}, "data: x has shape [20, 3], but the model's input 'x' is [n, 6]"),
        ({"data": (X, None, None)}, "data is a tuple of 3, not (x, y)\n  hint: give x, (x, y) or an .npz file"),
        ({"data": {"y": X}}, "data: no array called x, only y\n"),
        ({"data": [[1.0], [1.0, 2.0]]}, "data: x cannot be made an array: "),
        ({"data": np.array([{}] * 6, object)}, "data: x holds Python objects, not numbers\n"),
        ({"data": X, "validate": (X, np.zeros(20, int))}, "validate: of the data and this file only one has y\n"),
        ({"max_drop": 1}, "automatic compression needs data to judge by\n  hint: give it with data="),
        ({"data": X, "max_drop": 1, "target_size": 900}, "more than one goal\n  hint: give one of max_drop=, target_"),
        (
            {"recipe": {"prune": {"sparsty": 1}}},
            "recipe: mistakes in the recipe\n  [prune] sparsty: no such option, did",
        ),
        ({"recipe": 5}, "the recipe is of type int\n"),
        ({"pes": 1000}, "pes is 1000, not a whole number, from 1 to 256"),
        ({"target": "tpu"}, "no target 'tpu'\n"),
        ({"example_input": X}, "example_input is for a torch module, and the model is a file\n"),
    ],
)
def test_mistakes(model: Path, scratch: Path, options: dict[str, object], message: str) -> None:
    with pytest.raises(emcc.EmccError) as error:
        emcc.compile(model, **options)  # type: ignore[arg-type]
    assert str(error.value).startswith(message)
    assert str(scratch) not in str(error.value)
    assert os.listdir(scratch) == []


def test_mistakes_of_an_artefacts_user(artefact: emcc.Artefact, tmp_path: Path) -> None:
    with pytest.raises(emcc.EmccError, match="data: x has shape"):
        artefact.predict(X[0])
    with pytest.raises(emcc.EmccError, match="no engine 'gpu'"):
        artefact.predict(X, engine="gpu")
    with pytest.raises(emcc.EmccError, match="count is 0"):
        artefact.simulate(X, count=0)
    with pytest.raises(emcc.EmccError, match=r"not an artefact: no emcc\.json there"):
        emcc.load(tmp_path)
    with pytest.raises(emcc.EmccError, match="is of type int"):
        emcc.compile(5)
    (tmp_path / "mine").write_text("")
    with pytest.raises(emcc.EmccError, match=r"hint: name a new or empty folder$"):
        artefact.write(tmp_path)


def test_a_compressed_model_has_no_rtl(model: Path, scratch: Path) -> None:
    with pytest.raises(emcc.EmccError) as error:
        emcc.compress(model, keep_weights=True).predict(X, engine="rtl")
    assert str(error.value).startswith("artefact: there is no RTL in it: `emcc compress` wrote it\n")
    assert "use engine=reference" in str(error.value)


def test_options_in_python_words() -> None:
    assert in_python("give --max-drop 1, or --keep-weights") == "give max_drop=1, or keep_weights="
    assert in_python("use --engine reference, or --out") == "use engine=reference, or out="
    assert in_python("a--b and ----") == "a--b and ----"
