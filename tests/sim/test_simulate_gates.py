"""`emcc simulate` shown red: whatever in an artefact is changed, the run fails, and says where."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import ended
from emitted import samples, write
from qgraphs import quantised

from emcc.base.errors import EmccError
from emcc.eie.groups import cycles
from emcc.eie.options import LowerOptions
from emcc.ir.program import Program
from emcc.runtime.simulate import simulate
from emcc.samples.dataset import Dataset
from emcc.tools.process import ToolError

pytestmark = pytest.mark.sim


@pytest.fixture
def artefact(tmp_path: Path) -> tuple[Path, Dataset, Program]:
    """A design without empty columns, so that every memory word matters; samples that reach every part of it."""
    folder = tmp_path / "artefact"
    program = write(quantised([20, 13, 7], density=0.6), LowerOptions(pes=4), folder)
    return folder, samples(program, 40, density=0.8), program


def flip(path: Path, word: int, bit: int = 0) -> None:
    """Invert one bit of one word of a hex ROM image."""
    lines = path.read_text().splitlines()
    places = [i for i, line in enumerate(lines) if line and not line.startswith("//")]
    old = lines[places[word]]
    lines[places[word]] = f"{int(old, 16) ^ 1 << bit:0{len(old)}x}"
    path.write_text("\n".join(lines) + "\n")


@pytest.mark.parametrize(
    ("image", "word", "bit"),
    [
        ("pe000_spmat", 0, 0),
        ("pe003_spmat", 7, 1),
        ("lane001_bias", 0, 12),
        ("lane002_bias", 1, 14),
        ("codebook", 3, 6),
    ],
)
def test_a_flipped_rom_word_is_a_mismatch(
    artefact: tuple[Path, Dataset, Program], image: str, word: int, bit: int
) -> None:
    folder, data, _ = artefact
    assert simulate(folder, data).ok
    flip(folder / "rom" / f"{image}.hex", word, bit)
    result = simulate(folder, data)
    assert not result.ok
    assert result.mismatches > 0
    assert result.mismatched_bits >= result.mismatches
    assert result.difference is not None
    assert result.difference.expected != result.difference.got


def test_a_flipped_pointer_is_red_as_well(artefact: tuple[Path, Dataset, Program]) -> None:
    """A memory of tables too: test_grouped_designs.py."""
    folder, data, _ = artefact
    flip(folder / "rom" / "pe000_ptr.hex", 0)
    result = simulate(folder, data)
    assert not result.ok
    assert result.mismatches > 0


def test_every_flipped_spmat_word_is_found(artefact: tuple[Path, Dataset, Program]) -> None:
    folder, data, _ = artefact
    path = folder / "rom" / "pe001_spmat.hex"
    whole = path.read_bytes()
    used = int(np.sum([one.first[2] - one.first[1] for one in artefact[2].slices]))
    for word in range(used):
        flip(path, word)
        assert not simulate(folder, data, jobs=1).ok, word
        path.write_bytes(whole)


def test_another_cycle_count_is_red(artefact: tuple[Path, Dataset, Program], monkeypatch: pytest.MonkeyPatch) -> None:
    folder, data, _ = artefact
    count = cycles.count

    def one_off(*given: Any) -> Any:
        counts = count(*given)
        return replace(counts, total=counts.total + (np.arange(counts.total.size) == 3))

    monkeypatch.setattr(cycles, "count", one_off)
    result = simulate(folder, data)
    assert not result.ok
    assert (result.mismatches, result.cycle_mismatches) == (0, 1)


def test_the_first_difference_is_told(artefact: tuple[Path, Dataset, Program]) -> None:
    """The bias of one output row: that output alone differs, from the first inference."""
    folder, data, program = artefact
    last_biases = -(-program.slices[0].n_out // program.lanes)
    flip(folder / "rom" / "lane002_bias.hex", last_biases, 14)
    result = simulate(folder, data)
    assert result.difference is not None
    assert result.difference.inference == 0
    assert result.difference.element == program.outputs[0].slots[2]
    place = f"element {program.outputs[0].slots[2]} of the output (written by step {len(program.steps)} "
    assert f"inference 0, {place}" in str(result.difference)


def test_the_command_exits_with_1_on_a_mismatch_and_with_0_without(
    artefact: tuple[Path, Dataset, Program], tmp_path: Path
) -> None:
    folder, data, _ = artefact
    np.savez(tmp_path / "data.npz", x=data.x, y=data.y)
    report = tmp_path / "report.json"
    arguments = ("simulate", str(folder), "--data", str(tmp_path / "data.npz"), "--json", str(report))
    ended(*arguments, code=0)
    manifest = json.loads(report.read_text())
    assert (manifest["inferences"], manifest["mismatches"], manifest["cycles"]) == (40, 0, manifest["predicted_cycles"])
    flip(folder / "rom" / "pe000_spmat.hex", 0)
    bad = ended(*arguments, code=1)
    assert json.loads(report.read_text())["mismatches"] > 0
    assert "inference" in bad.stdout


def test_missing_files_are_the_user_s_mistake(artefact: tuple[Path, Dataset, Program]) -> None:
    folder, data, _ = artefact
    for name in ("rom/pe000_spmat.hex", "rtl/emcc_core.sv", "rtl/files.f", "program.npz"):
        path = folder / name
        content = path.read_bytes()
        path.unlink()
        with pytest.raises(EmccError, match=name.rsplit("/")[-1]):
            simulate(folder, data)
        path.write_bytes(content)
    with pytest.raises(EmccError, match=r"samples of shape \(5,\)"):
        simulate(folder, Dataset(np.zeros((3, 5), np.float32)))


def test_rtl_that_does_not_compile_is_not_the_user_s_mistake(artefact: tuple[Path, Dataset, Program]) -> None:
    folder, data, _ = artefact
    (folder / "rtl" / "emcc_core.sv").write_text("module emcc_core; not verilog\n")
    with pytest.raises(EmccError, match=r"its RTL is not what this emcc makes of its program\n  rtl/emcc_core.sv"):
        simulate(folder, data)
    with pytest.raises(ToolError, match=r"Verilator failed with exit code 1[\s\S]*emcc_core.sv"):
        simulate(folder, data, trust_rtl=True)
