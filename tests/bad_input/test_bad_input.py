"""Every mistake a user can make is one clear error: exit code 2, the golden message, nothing written.

The messages are in golden/; EMCC_UPDATE_GOLDEN=1 writes them anew.
"""

import os
from collections.abc import Callable
from pathlib import Path

import bad_models as bad
import numpy as np
import pytest
from models import save
from typer.testing import CliRunner

from emcc.cli import app

GOLDEN = Path(__file__).parent / "golden"
COMPILE = ["compile", "model.onnx", "--out", "out"]
Build = Callable[[Path], object]


def good(folder: Path) -> None:
    """A model that compiles."""
    save(bad.good(), folder / bad.MODEL)


def data(**arrays: np.ndarray) -> Build:
    """A good model and data.npz."""

    def build(folder: Path) -> None:
        good(folder)
        np.savez(folder / "data.npz", **arrays)

    return build


def artefact(command: str = "compile", **arrays: np.ndarray) -> Build:
    """A good model, data.npz, and what a command makes of the model in "out"."""

    def build(folder: Path) -> None:
        data(**arrays)(folder)
        arguments = [command, str(folder / bad.MODEL), "--keep-weights", "--out", str(folder / "out"), "--quiet"]
        assert CliRunner().invoke(app, arguments).exit_code == 0

    return build


def edited(change: str = "") -> Build:
    """An artefact in "out", and a file of it changed afterwards."""

    def build(folder: Path) -> None:
        artefact(x=FITTING)(folder)
        if change:
            with (folder / "out" / change).open("a") as file:
                file.write("// by hand\n")

    return build


def damaged(folder: Path) -> None:
    """What `emcc compress` wrote, model.emc cut off."""
    artefact("compress", x=floats(4, 6))(folder)
    file = folder / "out" / "model.emc"
    file.write_bytes(file.read_bytes()[:-9])


def of_another(folder: Path) -> None:
    """An artefact, and then another model."""
    artefact(x=floats(4, 6))(folder)
    bad.with_weight(0.25)(folder)


def recipe(text: str) -> Build:
    """A good model and recipe.toml."""

    def build(folder: Path) -> None:
        good(folder)
        (folder / "recipe.toml").write_text(text)

    return build


def file_out(folder: Path) -> None:
    """A good model, and a file called out."""
    good(folder)
    (folder / "out").write_text("mine")


def foreign_out(folder: Path) -> None:
    """A good model, and a folder called out with something else in it."""
    good(folder)
    (folder / "out").mkdir()
    (folder / "out" / "thesis.txt").write_text("mine")


def floats(*shape: int) -> np.ndarray:
    """Zeros."""
    return np.zeros(shape, np.float32)


COMPRESS = ["compress", "model.onnx", "--keep-weights", "--out", "out"]
DATA = [*COMPILE, "--data", "data.npz"]
RECIPE = [*COMPILE, "--recipe", "recipe.toml"]
RUN = ["run", "out", "--data", "data.npz", "--out", "y.npz"]
COMPARE = ["compare", "out", "--model", "model.onnx", "--data", "data.npz"]
FITTING = floats(4, 6)
INSIDE = ["compile", "inside/model.onnx", "--out", "out"]
NAN = np.full((4, 6), np.nan, np.float32)

CASES: dict[str, tuple[Build, list[str]]] = {
    "model_missing": (lambda folder: None, COMPILE),
    "model_is_folder": (lambda folder: (folder / "model.onnx").mkdir(), COMPILE),
    "model_empty": (bad.empty, COMPILE),
    "model_truncated": (bad.truncated, COMPILE),
    "model_random_bytes": (bad.random_bytes, COMPILE),
    "model_cycle": (bad.cycle, COMPILE),
    "missing_initializer": (bad.missing_initializer, COMPILE),
    "nan_weight": (bad.with_weight(np.nan), COMPILE),
    "infinite_weight": (bad.with_weight(-np.inf), COMPILE),
    "zero_sized": (bad.zero_sized, COMPILE),
    "gigantic_tensor": (bad.gigantic, COMPILE),
    "gigantic_input": (bad.gigantic_input, COMPILE),
    "external_data_escapes": (bad.escaping_external_data, INSIDE),
    "name_verilog": (bad.named('"); $finish; //'), COMPILE),
    "name_html": (bad.named("<script>"), COMPILE),
    "name_path": (bad.named("../../x"), COMPILE),
    "unsupported_operators": (bad.unsupported, COMPILE),
    "kernel_beyond_input": (bad.alone("Conv", ["x", "k"], (2, 3, 3), pads=[0, 0, 1, 1]), COMPRESS),
    "map_of_size_zero": (bad.alone("Slice", ["x", "far", "far", "two"]), COMPRESS),
    "concat_of_other_sizes": (bad.joined, COMPRESS),
    "resize_by_a_cubic": (bad.alone("Resize", ["x", "", "half"], mode="cubic"), COMPRESS),
    "tile_without_end": (bad.alone("Tile", ["x", "huge"]), COMPRESS),
    "pad_without_end": (bad.alone("Pad", ["x", "wide"]), COMPRESS),
    "split_that_does_not_add_up": (bad.alone("Split", ["x", "parts"], axis=2), COMPRESS),
    "data_missing": (good, DATA),
    "data_wrong_shape": (data(x=floats(4, 7)), DATA),
    "data_wrong_rank": (data(x=floats(24)), DATA),
    "data_wrong_dtype": (data(x=floats(4, 6).astype(complex)), DATA),
    "data_objects": (data(x=np.array([{}], object)), DATA),
    "data_no_x": (data(inputs=floats(4, 6)), DATA),
    "data_no_samples": (data(x=floats(0, 6)), DATA),
    "data_nan": (data(x=NAN), DATA),
    "data_labels_too_large": (data(x=floats(4, 6), y=np.array([0, 1, 2, 3])), DATA),
    "data_labels_float": (data(x=floats(4, 6), y=np.full(4, 0.5)), DATA),
    "recipe_missing": (good, RECIPE),
    "recipe_unknown_key": (recipe("[prune]\nsparsty = 0.5\n"), RECIPE),
    "recipe_unknown_section": (recipe("[pruning]\nsparsity = 0.5\n"), RECIPE),
    "recipe_wrong_values": (recipe("[prune]\nsparsity = 2.0\n[share]\nbits = 3\ninit = 1\n"), RECIPE),
    "recipe_not_toml": (recipe("[prune\n"), RECIPE),
    "recipe_unknown_layer": (recipe("[prune]\nlayers = {fc9 = 0.5}\nsparsity = 0.1\n"), RECIPE),
    "out_is_file": (file_out, COMPILE),
    "out_is_foreign": (foreign_out, COMPILE),
    "out_under_file": (file_out, ["compile", "model.onnx", "--out", "out/deeper"]),
    "target_unknown": (good, [*COMPILE, "--target", "tpu"]),
    "simulate_no_artefact": (data(x=floats(1, 6)), ["simulate", "nowhere", "--data", "data.npz"]),
    "simulate_the_reference": (artefact(x=FITTING), ["simulate", *RUN[1:4], "--engine", "reference"]),
    "simulate_no_folder": (artefact(x=FITTING), ["simulate", *RUN[1:4], "--outputs", "no/y.npz"]),
    "run_no_artefact": (data(x=FITTING), ["run", "nowhere", *RUN[2:]]),
    "run_no_data": (artefact(x=FITTING), ["run", "out", "--data", "no.npz", "--out", "y.npz"]),
    "run_wrong_shape": (artefact(x=floats(4, 7)), RUN),
    "run_nan": (artefact(x=NAN), RUN),
    "run_no_folder": (artefact(x=FITTING), [*RUN[:-1], "no/y.npz"]),
    "run_onto_folder": (artefact(x=FITTING), [*RUN[:-1], "out"]),
    "run_no_engine": (artefact(x=FITTING), [*RUN, "--engine", "vhdl"]),
    "run_no_rtl": (artefact("compress", x=FITTING), [*RUN, "--engine", "rtl"]),
    "run_damaged": (damaged, RUN),
    "run_no_port": (edited(), [*RUN[:4], "--port", "/dev/nowhere"]),
    "run_port_is_file": (edited(), [*RUN[:4], "--port", "data.npz"]),
    "run_board_without_port": (edited(), [*RUN[:4], "--engine", "board"]),
    "run_port_of_another_engine": (edited(), [*RUN[:4], "--port", "/dev/nowhere", "--engine", "rtl"]),
    "run_board_of_changed": (edited("rom/host.hex"), [*RUN[:4], "--port", "/dev/nowhere"]),
    "board_no_artefact": (good, ["board", "nowhere", "--virtual"]),
    "board_of_compressed": (artefact("compress", x=FITTING), ["board", "out", "--virtual"]),
    "board_changed": (edited("rtl/emcc_top.sv"), ["board", "out", "--virtual"]),
    "board_that_is_none": (edited(), ["board", "out"]),
    "simulate_a_board": (artefact(x=FITTING), ["simulate", *RUN[1:4], "--engine", "board"]),
    "compare_no_artefact": (data(x=FITTING), ["compare", "nowhere", *COMPARE[2:]]),
    "compare_no_model": (artefact(x=FITTING), ["compare", "out", "--model", "no.onnx", "--data", "data.npz"]),
    "compare_another_model": (of_another, COMPARE),
    "compare_wrong_shape": (artefact(x=floats(4, 7)), COMPARE),
    "compare_no_folder": (artefact(x=FITTING), [*COMPARE, "--out", "no/page.html"]),
    "rom_no_artefact": (good, ["rom", "nowhere", "--format", "hex"]),
    "inspect_nothing": (lambda folder: None, ["inspect", "nowhere"]),
    "inspect_random_bytes": (bad.random_bytes, ["inspect", "model.onnx"]),
}


def snapshot(folder: Path) -> dict[str, bytes | None]:
    """Everything in a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


@pytest.mark.parametrize("case", CASES)
def test_one_clear_error(case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    build, arguments = CASES[case]
    build(tmp_path)
    monkeypatch.chdir(tmp_path)
    before = snapshot(tmp_path)
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    assert snapshot(tmp_path) == before
    golden = GOLDEN / f"{case}.txt"
    if os.environ.get("EMCC_UPDATE_GOLDEN"):
        golden.write_text(result.stderr)
    assert result.stderr == golden.read_text()
    assert result.stderr.startswith("emcc: error: ")
    assert "Traceback" not in result.stderr


def test_every_golden_has_its_case() -> None:
    assert {path.stem for path in GOLDEN.glob("*.txt")} == set(CASES)
