"""The demo, and proof that its verdict can be red."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from emcc.cli import app

DIGITS = Path(__file__).resolve().parents[2] / "examples" / "digits"

pytestmark = pytest.mark.sim


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The artefact, and what the demo printed."""
    folder = tmp_path_factory.mktemp("demo") / "digits"
    pytest.importorskip("torch")
    command = [sys.executable, DIGITS / "demo.py", "--out", folder]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder, done.stdout


def test_table(demo: tuple[Path, str]) -> None:
    folder, shown = demo
    rows = dict(re.findall(r"^  (\S.*?)\s{2,}(\S.*?)\s*$", shown, re.MULTILINE))
    assert rows["mismatching bits"] == "0"
    assert rows["inferences off the predicted cycle count"] == "0"
    assert int(rows["held-out digits through Verilator"]) >= 100
    assert rows["accuracy, RTL"] == rows["accuracy, compressed model (reference)"]
    percent = {name: float(value.split()[0]) for name, value in rows.items() if value.endswith("%")}
    assert percent["accuracy, float model"] == 97.22
    assert percent["accuracy, RTL"] >= 96.0
    assert percent["weights kept"] == 10.0
    assert float(rows["compression ratio"]) > 25
    manifest = json.loads((folder / "emcc.json").read_text())
    assert rows["size, model.emc"] == f"{(folder / 'model.emc').stat().st_size:,} bytes"
    assert manifest["totals"]["dense_bytes"] == 4 * (64 * 300 + 300 + 300 * 100 + 100 + 100 * 10 + 10)


def simulate(folder: Path, count: int, *options: str) -> tuple[int, dict[str, object]]:
    """Exit code, and what --json wrote."""
    outcome = folder.parent / "found.json"
    arguments = ["simulate", str(folder), "--data", str(DIGITS / "test.npz"), "--count", str(count)]
    result = CliRunner().invoke(app, [*arguments, *options, "--json", str(outcome)])
    return result.exit_code, json.loads(outcome.read_text())


def test_simulate_tells_all(demo: tuple[Path, str]) -> None:
    code, outcome = simulate(demo[0], 20)
    assert code == 0
    assert (outcome["inferences"], outcome["mismatches"]) == (20, 0)
    assert outcome["cycles"] == outcome["predicted_cycles"]
    assert len(outcome["cycles"]) == 20
    assert outcome["accuracy"] > 0.9


@pytest.mark.parametrize(("rom", "bit"), [("pe003_spmat", 0), ("lane000_bias", 30), ("codebook", 14)])
def test_one_flipped_rom_bit_is_red(rom: str, bit: int, demo: tuple[Path, str]) -> None:
    path = demo[0] / "rom" / f"{rom}.hex"
    before = path.read_text()
    lines = before.splitlines()
    word = next(i for i, line in enumerate(lines) if re.fullmatch("[0-9a-f]*[1-9a-f][0-9a-f]*", line))
    lines[word] = f"{int(lines[word], 16) ^ (1 << bit):0{len(lines[word])}x}"
    path.write_text("\n".join(lines) + "\n")
    try:
        code, outcome = simulate(demo[0], 50, "--trust-rtl")
    finally:
        path.write_text(before)
    assert code == 1
    assert not outcome["ok"]
    assert outcome["mismatches"] > 0
