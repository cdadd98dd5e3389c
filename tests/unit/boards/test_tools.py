"""The tools themselves, on a design of a few cells: a bitstream, twice the same, and Yosys's estimate for Xilinx."""

import json
import os
import shutil
import sysconfig
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import kept_tools
import pytest
from commands import run

pytestmark = pytest.mark.synth

BUILT = {
    "icebreaker": ("emcc.bin", b"\x7e\xaa\x99\x7e"),
    "orangecrab": ("emcc.bit", b"LFE5U-25F-8CSFBGA285"),
    "tang-nano-9k": ("emcc.fs", b"1010010111000011"),
}
"""A board of each family, its file, and what is in every such file: preamble or part."""


def facts(place: Path) -> dict[str, Any]:
    """What bitstream.json says."""
    return dict(json.loads((place / "bitstream.json").read_text("utf-8")))


@pytest.fixture(scope="module")
def built(_compiled: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tuple[Path, str]]:
    """Gives an artefact with its bitstream for a board, made once, and what was said then."""

    @cache
    def build(name: str) -> tuple[Path, str]:
        folder = Path(shutil.copytree(_compiled, tmp_path_factory.mktemp(name) / "net"))
        return folder, run("bitstream", str(folder), "--board", name)

    return build


@pytest.mark.parametrize("name", BUILT)
def test_a_bitstream(name: str, built: Callable[[str], tuple[Path, str]]) -> None:
    folder, text = built(name)
    place = folder / "boards" / name
    file, content = BUILT[name]
    assert content in (place / file).read_bytes()
    said = facts(place)
    assert said["clock"]["fmax_mhz"] * 1e6 > said["clock"]["hz"]
    assert f"reaches {said['clock']['fmax_mhz']:.2f} MHz" in text
    assert said["resources"]["ff"] >= 26
    assert {"logs/yosys.log", "logs/nextpnr-seed1.log", "logs/pack.log"} <= set(said["files"])


def test_the_script_makes_the_same_bitstream(
    built: Callable[[str], tuple[Path, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also: the same twice. What a script made of the same files is kept, as what the tools themselves make is."""
    artefact = Path(shutil.copytree(built("icebreaker")[0], tmp_path / "net"))
    file = artefact / "boards/icebreaker/emcc.bin"
    bits = file.read_bytes()
    file.unlink()
    monkeypatch.setenv("PATH", f"{sysconfig.get_path('scripts')}:{os.environ['PATH']}")
    done = kept_tools.kept("sh", ["sh", "boards/icebreaker/build.sh"], cwd=artefact, timeout=600, check=False)
    assert done.code == 0, done.output
    assert file.read_bytes() == bits


def test_a_clock_that_the_part_cannot_reach(artefact: Path) -> None:
    text = run("bitstream", str(artefact), "--board", "icebreaker", "--freq", "200", code=2)
    assert "too slow: " in text
    assert " MHz of 201 MHz, " in text
    assert not (artefact / "boards/icebreaker/emcc.bin").exists()


def test_a_pin_that_the_package_has_not(artefact: Path, tmp_path: Path) -> None:
    from emcc.resources import folder

    text = (folder("boards") / "icebreaker.toml").read_text("utf-8")
    (tmp_path / "mine.toml").write_text(text.replace('rx   = "6"', 'rx   = "99"'), encoding="utf-8")
    said = run("bitstream", str(artefact), "--board", str(tmp_path / "mine.toml"), code=2)
    assert "boards/mine/logs: nextpnr failed\n" in said
    assert "package does not have a pin named '99'" in said


@pytest.mark.parametrize("name", ["kv260"])
def test_an_estimate_for_xilinx(name: str, artefact: Path) -> None:
    text = run("bitstream", str(artefact), "--board", name)
    assert "estimate: " in text
    assert "Vivado was not run: build.tcl runs it" in text
    place = artefact / "boards" / name
    assert facts(place)["status"] == "estimated"
    assert facts(place)["bitstream"] is None
    assert facts(place)["resources"]["ff"] >= 26
    assert (place / "build.tcl").is_file()
