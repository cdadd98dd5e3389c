"""Models of several inputs and outputs: data by names, the reference engine, compare, a figure an output."""

import json
from pathlib import Path

import numpy as np
import pytest
import several
from commands import run

import emcc
from emcc import frontend
from emcc.base.errors import EmccError
from emcc.compress.kmeans import Share
from emcc.container import decode, encode
from emcc.driver.losses import Stages, worth
from emcc.driver.recipe import Recipe
from emcc.driver.request import CompileOptions
from emcc.driver.scaling import Scaling
from emcc.eie.activity import activity
from emcc.eie.lower import lower
from emcc.eie.options import LowerOptions
from emcc.eie.store import load_program, save_program
from emcc.ir.batch import apart, ends, joined, sample_shape
from emcc.ir.graph import Graph
from emcc.legal.verify import verify
from emcc.measure.compare import compare
from emcc.ops import interpret
from emcc.passes.calibrate import Calibrate
from emcc.passes.fold import Fold
from emcc.passes.quantise import Quantise
from emcc.runtime.answers import reference
from emcc.runtime.opened import Opened
from emcc.samples.load import load_data
from emcc.samples.split import split

pytest.importorskip("onnxruntime")
BOTH = ("--output", "class", "--output", "place")


def folded(folder: Path) -> Graph:
    return Fold().apply(frontend.load(folder / "m.onnx", output=several.NAMES))


@pytest.mark.parametrize("clipped", [False, True])
def test_the_reference_and_compare_run_programs(tmp_path: Path, clipped: bool) -> None:
    """Two inputs on scales of their own, a host's part in the middle or none, two outputs, a Softmax behind one."""
    several.write(tmp_path, clipped)
    graph = folded(tmp_path)
    data = load_data(tmp_path / "d.npz", graph)
    shared = Share(bits=8, data=data.x).apply(graph)
    calibrated = Calibrate(data=data.x).apply(shared)
    quantised = Quantise().apply(calibrated)
    verify(quantised, after="quantise")
    program = load_program(save_program(lower(quantised, LowerOptions(pes=4), activity(quantised, data.x))))
    assert not program.parts, "a Clip is a table of a step"
    opened = Opened(tmp_path, {}, program, decode(encode(quantised)), array=False)
    found = reference(opened, load_data(tmp_path / "d.npz", opened.interface), lambda done, total: None)
    truth = several.wanted(several.two(clipped), several.samples())
    for name, value in truth.items():
        np.testing.assert_allclose(found.final[name], value, atol=0.01 * np.abs(value).max())
    assert found.worth.by_output is not None
    assert found.worth.by_output["class"].accuracy == found.worth.accuracy
    assert found.worth.accuracy > 0.99
    assert found.worth.by_output["place"].explained == found.worth.explained
    assert found.worth.explained > 0.999
    assert found.saturation is not None
    assert found.saturation.inputs.values == 300 * 7
    rows = compare(graph, opened, data.x)
    assert {"a", "b", "class", "place"} <= {row.name for row in rows.rows}
    assert rows.first is None
    assert rows.output.name in several.NAMES
    assert sum(row.share for row in rows.rows) == pytest.approx(1)
    stages = Stages(graph, shared, shared, calibrated, program)
    facts = worth(stages, split(data, 0.0, 0), CompileOptions(tmp_path / "m.onnx", data=tmp_path / "d.npz"), None)
    by_output = facts["quality"]["by_output"]
    assert [(row["output"], row["measure"]) for row in by_output] == [
        ("class", "accuracy"),
        ("place", "explained variance"),
    ]
    assert facts["quality"]["compressed"] == min(row["compressed"] for row in by_output)


def test_inputs_far_beyond_a_format_are_counted_by_input(tmp_path: Path) -> None:
    """Of `b` alone, which is about 100 where formats without data end at 8 or 16."""
    several.write(tmp_path)
    graph = Quantise().apply(Calibrate().apply(Share(bits=8).apply(folded(tmp_path))))
    program = lower(graph, LowerOptions(pes=2))
    opened = Opened(tmp_path, {}, program, graph, array=False)
    found = reference(opened, load_data(tmp_path / "x.npz", opened.interface), lambda done, total: None)
    assert found.saturation is not None
    inputs = found.saturation.inputs
    assert 300 < inputs.saturated <= 600
    assert inputs.high == graph.tensors["b"].fmt.dequantise(np.array(32767))  # type: ignore[union-attr]
    assert found.worth.accuracy is None


def test_samples_side_by_side_and_apart_again() -> None:
    rng = np.random.default_rng(0)
    shapes = {"a": (5,), "b": (2, 3), "c": ()}
    parts = {name: rng.standard_normal((7, *shape)) for name, shape in shapes.items()}
    whole = joined(np, list(parts.values()))
    assert whole.shape == (7, *sample_shape(shapes)) == (7, 12)
    for name, value in apart(shapes, whole).items():
        np.testing.assert_array_equal(value, parts[name])
    assert apart({"b": (2, 3)}, parts["b"])["b"] is parts["b"]


def test_torch_computes_the_same(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    graph = folded(several.write(tmp_path))
    x = load_data(tmp_path / "x.npz", graph).x
    both = interpret.run(graph, x), interpret.run(graph, torch.from_numpy(np.array(x)), torch).numpy()
    np.testing.assert_allclose(*both, rtol=1e-4, atol=1e-4)
    assert list(ends(graph, graph.outputs)) == list(several.NAMES)


def test_scales_leave_such_models_as_they_are(tmp_path: Path) -> None:
    several.write(tmp_path)
    source = frontend.load(tmp_path / "m.onnx", output=several.NAMES)
    scaling = Scaling.of(Recipe(), source, load_data(tmp_path / "d.npz", source), keep_weights=False)
    graph = Fold().apply(source)
    for step in scaling.passes:
        graph = step.apply(graph)
    assert not graph.affines


def test_compress_run_and_compare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    several.write(tmp_path)
    monkeypatch.chdir(tmp_path)
    run("compress", "m.onnx", *BOTH, "--keep-weights", "--data", "d.npz", "--out", "k", "-q")
    manifest = json.loads(Path("k/emcc.json").read_text())
    assert manifest["model"]["taken"] == ["class", "place"]
    assert "agrees with onnxruntime on 64 samples" in manifest["model"]["checked"]
    assert {row["output"]: row["lost"] < 0.01 for row in manifest["quality"]["by_output"]} == dict.fromkeys(
        several.NAMES, True
    )
    text = run("run", "k", "--data", "d.npz", "--out", "y.npz", "--json", "y.json")
    assert "accuracy of 'class'" in text
    facts = json.loads(Path("y.json").read_text())
    assert facts["by_output"]["class"]["accuracy"] == 1
    assert facts["by_output"]["place"]["explained"] > 0.999
    truth = several.wanted(several.two(), several.samples())
    with np.load("y.npz") as file:
        assert sorted(file) == ["class", "place"]
        for name, value in truth.items():
            np.testing.assert_allclose(file[name], value, atol=5e-3)
    assert "the farthest off of 2" in run("compare", "k", "--model", "m.onnx", "--data", "x.npz")
    again = frontend.load(Path("k/compressed.onnx"), output=several.NAMES)
    assert again.inputs == ("a", "b")
    x = load_data("x.npz", again).x
    np.testing.assert_allclose(interpret.run(Fold().apply(again), x), interpret.run(folded(tmp_path), x), atol=5e-3)


def test_a_goal_holds_for_the_worst_output(tmp_path: Path) -> None:
    several.write(tmp_path, rows=700)
    options = {"output": several.NAMES, "data": tmp_path / "d.npz", "steps": 400}
    made = emcc.compress(tmp_path / "m.onnx", target_sparsity=0.1, **options)  # type: ignore[arg-type]
    assert made.manifest["search"]["task"] == "classify, regress"
    assert made.manifest["search"]["measure"] == "quality of the worst output"
    assert made.manifest["search"]["quality"] > 50
    assert made.manifest["totals"]["kept"] == 252
    given = several.samples()
    ran = made.run({**given, "y_class": several.wanted(several.two(), given)["class"].argmax(1)})
    assert ran.worth.by_output is not None
    assert set(ran.worth.by_output) == {"class"}
    assert ran.worth.accuracy is not None
    assert ran.worth.accuracy > 0.7


def test_they_compile_for_column_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    several.write(tmp_path)
    monkeypatch.chdir(tmp_path)
    run("compile", "m.onnx", *BOTH, "--quiet")
    text = " ".join(run("inspect", "m_eie").split())
    assert "column group" in text
    manifest = json.loads((tmp_path / "m_eie" / "emcc.json").read_text())
    assert (manifest["model"]["inputs"][0], manifest["model"]["outputs"][0]) == (
        manifest["model"]["input"],
        manifest["model"]["output"],
    )
    assert (len(manifest["model"]["inputs"]), len(manifest["model"]["outputs"])) == (2, 2)
    text = " ".join(run("inspect", "m.onnx", *BOTH).split())
    assert "taken as the output" not in text
    assert "`emcc compile` takes this model" in text


@pytest.mark.sim
def test_the_array_answers_by_their_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    several.write(tmp_path, rows=20)
    monkeypatch.chdir(tmp_path)
    run("compile", "m.onnx", *BOTH, "--quiet")
    assert "every output integer equals the reference" in run("simulate", "m_eie", "--data", "d.npz")
    for engine in ("reference", "rtl"):
        run("run", "m_eie", "--data", "d.npz", "--out", f"{engine}.npz", "--engine", engine)
    assert (tmp_path / "reference.npz").read_bytes() == (tmp_path / "rtl.npz").read_bytes()


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"b": None}, "no array of the input 'b', only a"),
        (
            {"b": np.zeros((300, 3, 1), np.float32)},
            r"b has shape \[300, 3, 1\], but .* 'b' is \[n, 2, 1\]",
        ),
        ({"b": np.zeros((20, 2, 1), np.float32)}, "inputs have different numbers of samples: 'a' 300, 'b' 20"),
        ({"b": np.full((300, 2, 1), np.nan, np.float32)}, "b has NaN or infinite values in 300 of 300 samples"),
        ({"b": np.zeros((300, 2, 1), complex)}, "b is complex128"),
        ({"y": np.zeros(300, np.int64)}, "y is of no output: the model has 2"),
        ({"y_class": np.full(300, 3)}, "y_class holds class numbers from 3 to 3, but the model's are 0 to 2"),
        ({"y_place": np.zeros((300, 3), np.float32)}, "y_place is float32 of shape"),
        ({"y_place": np.zeros((20, 2), np.float32)}, r"y_place has shape \[20, 2\], but x has 300 samples"),
    ],
)
def test_data_that_does_not_fit(tmp_path: Path, change: dict[str, np.ndarray | None], text: str) -> None:
    several.write(tmp_path)
    arrays = {name: value for name, value in {**several.samples(), **change}.items() if value is not None}
    np.savez(tmp_path / "bad.npz", **arrays)
    with pytest.raises(EmccError, match=text):
        load_data(tmp_path / "bad.npz", folded(tmp_path))


def test_an_only_input_may_have_its_own_name(tmp_path: Path) -> None:
    several.write(tmp_path)
    graph = folded(tmp_path)
    one = graph.with_(inputs=("a",), outputs=("class",))
    np.savez(tmp_path / "one.npz", a=several.samples()["a"], y_class=np.zeros(300, np.int64))
    data = load_data(tmp_path / "one.npz", one)
    np.testing.assert_array_equal(data.x, several.samples()["a"])
    assert data.of(0) is not None


def test_outputs_that_hang_together(tmp_path: Path) -> None:
    """A Softmax and what is before it; a tensor named twice."""
    several.write(tmp_path)
    for names, wanted in ((("score", "class"), ("score", "class")), (("t", "h", "t"), ("t", "h"))):
        assert Fold().apply(frontend.load(tmp_path / "m.onnx", output=names)).outputs == wanted
