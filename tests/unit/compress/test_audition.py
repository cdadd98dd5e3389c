"""`--search methods` of both commands: combinations tried within a budget, the best taken, each a row."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import run as emcc
from models import mlp, save

from emcc.base.errors import EmccError
from emcc.compress.method import having
from emcc.compress.search.goal import Goal
from emcc.container import decode
from emcc.driver import audition
from emcc.driver.request import CompressOptions
from emcc.eie import reference
from emcc.eie.store import load_program
from emcc.files.artefact import MANIFEST, Artefact, changed, read_manifest, to_json
from emcc.frontend import load
from emcc.ops.interpret import integers, run

RECIPE = (
    "[search]\nepochs = 2\nsettle = 1\ncode_epochs = 1\nshared_epochs = 1\nbatch = 64\nleast_steps = 1\n"
    "[filters]\nepochs = 1\n"
)
FEW = {"prune": ("prune",), "share": ("share",), "shrink": ("filters",), "factor": ("spatial-svd",)}
ASKED = ("compress", "model.onnx", "--data", "data.npz", "--recipe", "fast.toml", "--search", "methods")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("torch")
    folder = tmp_path_factory.mktemp("audition")
    save(mlp((12, 16, 4), seed=2), folder / "model.onnx")
    x = np.random.default_rng(0).standard_normal((400, 12)).astype(np.float32)
    np.savez(folder / "data.npz", x=x, y=run(load(folder / "model.onnx"), x).argmax(axis=1))
    (folder / "fast.toml").write_text(RECIPE)
    (folder / "chosen.toml").write_text('[compress]\nmethods = "magnitude+kmeans"\n')
    return folder


@pytest.fixture(autouse=True)
def _there(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(place)


def test_rounds_budgets_and_the_best() -> None:
    """On what compressing would say: binary codebooks are small and lose, low rank does not apply, filters win."""
    asked: list[tuple[str, int]] = []

    def compress(options: CompressOptions, tell: Any) -> Artefact:
        assert options.method
        assert options.search is options.minutes is options.work is None
        asked.append((options.method, options.steps or 0))
        if any(name in options.method for name in having("factor")):
            raise EmccError("no layer to split", file=options.model)
        small = 40 * ("filters" in options.method) + 10 * ("uniform" in options.method)
        search = {"quality": 90.0 - 30 * ("binary" in options.method), "lost": 1.0}
        facts = {"totals": {"bytes": 200 - small - (options.steps or 0) // 100}, "search": search}
        return Artefact({MANIFEST: to_json(facts), "model.emc": options.method.encode()})

    def page(manifest: Any) -> bytes:
        return str(manifest["audition"]["methods"]).encode()

    options = CompressOptions(
        Path("model.onnx"), Path("data.npz"), Goal(max_drop=2.0), steps=3200, search="methods", minutes=7.0
    )
    made = audition.auditioned(options, lambda event: None, compress, page)
    found = made.manifest["audition"]
    assert made.files["report.html"] == found["methods"].encode()
    assert made.manifest["files"]["report.html"]["bytes"] == len(found["methods"])
    assert [row["steps"] for row in found["rows"] if row.get("taken")] == [1600]
    assert made.files["model.emc"] == b"filters+magnitude+uniform" == found["methods"].encode()
    rows = [(row["methods"], row["steps"]) for row in found["rows"]]
    assert rows == asked
    fronts, shares = len(having("shrink") + having("factor")), len(having("share"))
    assert [steps for _, steps in rows] == [800 // (fronts + shares)] * (fronts + shares) + [200] * 4 + [1600]
    assert {name for name, _ in rows[-5:-1]} == {
        f"{front}magnitude+{share}" for front in ("", "filters+") for share in ("uniform", "kmeans")
    }
    assert {row["why"] for row in found["rows"] if "bytes" not in row} == {"no layer to split"}
    best = audition.auditioned(replace(options, goal=Goal(target_size=300)), lambda event: None, compress, page)
    assert "binary" not in best.manifest["audition"]["methods"]


def test_a_model_is_compressed_by_the_best(monkeypatch: pytest.MonkeyPatch) -> None:
    assert all(set(names) <= set(having(role)) for role, names in FEW.items())
    monkeypatch.setattr(audition, "having", FEW.get)
    monkeypatch.setattr(audition, "BEST", 1)
    said = emcc(*ASKED, "--target-size", "260", "--steps", "64", "--out", "out")
    assert "methods tried" in said
    facts = read_manifest(Path("out"))
    rows = {row["methods"]: row for row in facts["audition"]["rows"]}
    assert rows.keys() == {"magnitude+kmeans", "filters+magnitude+kmeans", "spatial-svd+magnitude+kmeans"}
    assert rows["spatial-svd+magnitude+kmeans"]["why"]
    assert all(row.get("bytes", 0) <= 260 for row in rows.values())
    assert facts["search"]["quality"] == max(row.get("quality", 0) for row in facts["audition"]["rows"])
    assert facts["totals"]["bytes"] == len(Path("out/model.emc").read_bytes())
    assert "methods" in emcc("inspect", "out")
    (best,) = [row for row in facts["audition"]["rows"] if row.get("taken")]
    assert (best["quality"], best["bytes"]) == (facts["search"]["quality"], facts["totals"]["bytes"])
    assert "<td>does not apply" not in (page := Path("out/report.html").read_text())
    assert page.count("spatial-svd does not apply: ") == 1
    assert page.count('<tr class="taken">') == 1
    assert changed(Path("out"), facts) == []
    alone = ("--method", best["methods"], "--steps", str(best["steps"]), "--target-size", "260")
    emcc(*ASKED[:-2], *alone, "--out", "alone", "-q")
    assert Path("alone/model.emc").read_bytes() == Path("out/model.emc").read_bytes()
    emcc("compile", "out/compressed.onnx", "--keep-weights", "--data", "data.npz", "--out", "chip", "-q")


def test_what_compile_makes_of_the_best_runs_on_the_array(monkeypatch: pytest.MonkeyPatch) -> None:
    """Within minutes, and with a loss of a point where nothing is said; the integers are those of the file."""
    monkeypatch.setattr(audition, "having", {**FEW, "factor": ()}.get)
    monkeypatch.setattr(audition, "BEST", 1)
    asked = ("compile", *ASKED[1:], "--minutes", "0.02", "--max-drop", "30", "--pes", "4")
    said = emcc(*asked, "--out", "array")
    assert "methods tried" in said
    facts = read_manifest(Path("array"))
    rows = facts["audition"]["rows"]
    assert {row["methods"] for row in rows} == {"magnitude+kmeans", "filters+magnitude+kmeans"}
    assert [row["bytes"] for row in rows if row.get("taken")] == [min(row["bytes"] for row in rows if "bytes" in row)]
    assert facts["totals"]["bytes"] == len(Path("array/model.emc").read_bytes())
    assert facts["goal"] == {"max_drop": 30.0}
    assert sum(row["steps"] for row in rows) <= facts["audition"]["steps"]
    assert changed(Path("array"), facts) == []
    assert "Methods tried" in Path("array/report.html").read_text()
    held = decode(Path("array/model.emc").read_bytes())
    x = integers(held, np.load("data.npz")["x"]).reshape(400, -1)
    made = reference.run(load_program(Path("array/program.npz")), x)
    assert np.count_nonzero(made != run(held, x).reshape(400, -1)) == 0
    assert np.ptp(made) > 0


@pytest.mark.parametrize("command", ["compress", "compile"])
@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--search", "weights"), "no search 'weights'"),
        (("--method", "magnitude+kmeans"), "chooses the methods itself"),
        (("--keep-weights",), "leaves nothing to choose"),
        (("--work", "kept"), "keeps the steps of one combination"),
        (("--target-size", "10"), "a size of 10 bytes cannot be reached"),
        (("--validate", "none.npz"), "none.npz: no such file"),
        (("--minutes", "0"), "--minutes"),
        (("--fixed",), "--fixed"),
        (("--recipe", "chosen.toml"), "chosen.toml: --search methods chooses the methods itself"),
    ],
)
def test_what_does_not_go_together(command: str, more: tuple[str, ...], said: str) -> None:
    assert said in emcc(command, *ASKED[1:], "--steps", "20", *more, "--out", "none", code=2)
    assert not Path("none").exists()


def test_a_dump_is_of_one_combination() -> None:
    assert "one combination" in emcc("compile", *ASKED[1:], "--dump", "graphs", "--out", "none", code=2)
    assert not Path("graphs").exists()


def test_without_data_it_is_refused() -> None:
    for command in ("compress", "compile"):
        assert "needs data" in emcc(command, "model.onnx", "--search", "methods", "--out", "none", code=2)
