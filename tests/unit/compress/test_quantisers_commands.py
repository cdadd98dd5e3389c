"""Quantisers by the commands: fixed schedule, searches for a goal, --keep-weights; what cannot be is exit code 2."""

from pathlib import Path

import pytest
from small_problem import invoked, manifest_of
from typer.testing import CliRunner

from emcc.cli import app
from emcc.container import decode
from emcc.eie.store import load_program


def test_a_fixed_schedule_trains_through_the_levels(tmp_path: Path) -> None:
    recipe = '[compress]\ncodebooks = "ternary"\n[prune]\nsparsity = 0.0\n[ternary]\nscale = "row"\n'
    manifest = manifest_of(tmp_path, "compile", recipe, "--pes", "4")
    names = [step["name"] for step in manifest["passes"]]
    assert names[names.index("prune") :][:3] == ["prune", "ternary", "calibrate"]
    assert "straight through" in manifest["passes"][names.index("ternary")]["did"]
    assert manifest["options"]["passes"]["ternary"]["threshold"] == 0.7
    assert "share" not in manifest["options"]["passes"]
    program = load_program(tmp_path / "out" / "program.npz")
    assert all({abs(value) for value in book} <= {0, 1} for book in program.codebooks)
    assert len(program.multipliers) == 2


@pytest.mark.parametrize(
    ("name", "goal", "value"),
    [("uniform", "--max-drop", "40"), ("power-of-two", "--target-size", "450"), ("binary", "--target-size", "450")],
)
def test_a_search(name: str, goal: str, value: str, tmp_path: Path) -> None:
    manifest = manifest_of(tmp_path, "compress", f'[compress]\ncodebooks = "{name}"\n', goal, value)
    graph = decode((tmp_path / "out" / "model.emc").read_bytes())
    for row in manifest["layers"]:
        assert row["entries"] <= 14 * (16 if name == "binary" else 1)
    tried = {row["entries"] for row in manifest["layer_passes"] if row["pass"] == "codes"}
    assert tried == ({2} if name == "binary" else {2, 6, 14}) or not tried
    assert any(graph.layers())


def test_a_fixed_schedule_keeps_no_weights_and_says_so(tmp_path: Path) -> None:
    manifest_of(tmp_path, "compress", '[compress]\ncodebooks = "ternary"\n', "--fixed")
    output = CliRunner().invoke(app, ["inspect", str(tmp_path / "out")]).output
    assert "weights kept" not in output
    assert "by the recipe's fixed schedule" in output


def test_kept_weights_are_quantised_and_not_trained(tmp_path: Path) -> None:
    recipe = '[compress]\ncodebooks = "uniform"\n[uniform]\nscale = "row"\n'
    manifest = manifest_of(tmp_path, "compress", recipe, "--keep-weights")
    assert [row["code_w"] for row in manifest["layers"]] == [8, 8]
    assert manifest["options"]["passes"]["uniform"]["bits"] == 8


@pytest.mark.parametrize("options", [(), ("--max-drop", "40"), ("--keep-weights",)])
@pytest.mark.parametrize("command", ["compile", "compress"])
def test_eight_bits_of_three_values(command: str, options: tuple[str, ...], tmp_path: Path) -> None:
    result = invoked(tmp_path, command, '[compress]\ncodebooks = "ternary"\n[ternary]\nbits = 8\n', *options)
    assert result.exit_code == 2, result.output
    assert "three values, which take 2 bits in every layer" in result.output
    assert result.output.count("Gemm") + result.output.count("Linear") == 2
    assert not (tmp_path / "out").exists()
