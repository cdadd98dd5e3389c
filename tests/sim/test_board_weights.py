"""A virtual board that takes its weights over the line: the host program and the C client, over lines good and bad."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import simulators
from board_clients import Terminal, answers, compiled_client
from commands import ended, run
from models import model, node, random_weight, save

from benchmarks.common import serial
from emcc.backends.rom import flash
from emcc.base.errors import EmccError
from emcc.eie.reference import run as reference
from emcc.link.faults import Bad
from emcc.runtime import Board
from emcc.runtime.board.design import board_files, open_design
from emcc.runtime.board.virtual import Lockstep, build, started
from emcc.samples.sampling import by_input, dequantised, quantised

pytestmark = pytest.mark.sim
COUNT = 6


@pytest.fixture(autouse=True)
def _boards_run_for_seconds(_simulators_are_built_quickly: None, monkeypatch: pytest.MonkeyPatch) -> None:
    simulators.build_quickly(monkeypatch, "-O1")


def network(path: Path, turned: bool) -> Path:
    """Two matrix products; `turned`: the same weights in other places."""
    rng = np.random.default_rng(3)
    weights = {"v": random_weight(rng, 10, 12), "w": random_weight(rng, 4, 10)}
    if turned:
        weights = {name: np.ascontiguousarray(value[:, ::-1]) for name, value in weights.items()}
    nodes = [
        node("Gemm", ["x", "v"], "a", transB=1),
        node("Relu", ["a"], "b"),
        node("Gemm", ["b", "w"], "c", transB=1),
        node("Softmax", ["c"], "y", axis=1),
    ]
    return save(model(nodes, ["n", 12], ["n", 4], weights), path)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two artefacts of one structure, "out" and "turned", data.npz and x.f32."""
    place = tmp_path_factory.mktemp("weights")
    (place / "r.toml").write_text('[lower]\ngroups = 2\n[emit]\nweights = "boot"\n', encoding="utf-8")
    for name in ("out", "turned"):
        path = network(place / f"{name}.onnx", name == "turned")
        words = ("--keep-weights", "--pes", "2", "--recipe", str(place / "r.toml"), "--quiet")
        run("compile", str(path), *words, "--out", str(place / name))
    x = np.random.default_rng(0).standard_normal((COUNT, 12)).astype(np.float32)
    np.savez(place / "data.npz", x=x)
    x.tofile(place / "x.f32")
    return place


@pytest.fixture(scope="module")
def client(folder: Path) -> Path:
    """The C client of "out"."""
    return compiled_client(folder / "out" / "host", folder / "emcc_run")


@pytest.fixture
def board(folder: Path) -> Iterator[Lockstep]:
    """A virtual board of "out", switched on just now: its time is what it is asked."""
    files = board_files(folder / "out")
    with started(build(files, serial.BAUD), files, "--lockstep") as process:
        yield Lockstep(process)


@pytest.fixture
def port(board: Lockstep) -> Iterator[str]:
    """The name of its port."""
    terminal = Terminal(Bad(board, 0.0, 1))
    yield terminal.port
    terminal.close()


def outputs(folder: Path, name: str = "out") -> np.ndarray:
    """The reference's outputs, before the Softmax."""
    program = open_design(folder / name).program
    return dequantised(program, reference(program, quantised(program, np.load(folder / "data.npz")["x"]))).astype("f4")


def facts(folder: Path, name: str, port: str) -> dict[str, object]:
    """What `emcc run` says of a board."""
    where = ("--port", port, "--data", str(folder / "data.npz"), "--json", str(folder / "y.json"))
    shown = run("run", str(folder / name), *where, "--out", str(folder / "y.npz"))
    said = dict(json.loads((folder / "y.json").read_text("utf-8")))
    assert ("bytes onto the board, which had none or others" in shown) == bool(said["board"]["loaded"])
    return dict(said["board"])


def test_the_weights_go_onto_the_board_where_it_has_none_or_others(folder: Path, client: Path, port: str) -> None:
    image = folder / "out" / flash.FILE
    done = subprocess.run([client, port, folder / "x.f32"], capture_output=True, text=True, timeout=120)
    assert (done.returncode, "the board has no weights, or others" in done.stderr) == (2, True)
    assert (answers(client, port, folder, "115200", str(image)) == outputs(folder)).all()
    assert facts(folder, "out", port)["loaded"] == 0
    size = (folder / "turned" / flash.FILE).stat().st_size
    assert facts(folder, "turned", port)["loaded"] == size
    run("run", str(folder / "turned"), "--data", str(folder / "data.npz"), "--out", str(folder / "w.npz"), "--quiet")
    assert (np.load(folder / "y.npz")["y"] == np.load(folder / "w.npz")["y"]).all()
    assert (outputs(folder) != outputs(folder, "turned")).any()
    assert facts(folder, "out", port)["loaded"] == image.stat().st_size
    with Board(folder / "out", port) as one:
        assert (one.loads, one.digest) == (0, flash.identity(image.read_bytes()).hex())
        damaged = bytearray(image.read_bytes())
        damaged[-1] ^= 16
        with pytest.raises(EmccError, match="refuses the boot image"):
            one.session.load(bytes(damaged), 1)
        assert not one.status.wants
    damaged[-1] ^= 16
    damaged[6] ^= 1
    with Board(folder / "out", port) as one:
        assert one.loads == 1
        with pytest.raises(EmccError, match="refuses the boot image"):
            one.session.load(bytes(damaged), 1)


def test_another_structure_is_told(folder: Path, port: str, tmp_path: Path) -> None:
    path = network(tmp_path / "m.onnx", False)
    run("compile", str(path), "--keep-weights", "--pes", "2", "--quiet", "--out", str(tmp_path / "rom"))
    words = ("--port", port, "--data", str(folder / "data.npz"))
    assert "runs another design than this artefact's" in ended("run", str(tmp_path / "rom"), *words, code=2).stderr


def test_no_fault_gives_a_wrong_answer_of_the_rtl(folder: Path, client: Path, board: Lockstep) -> None:
    design, x = open_design(folder / "out"), np.load(folder / "data.npz")["x"]
    integers = quantised(design.program, x)
    right, line, loads = reference(design.program, integers), Bad(board, 0.002, 5, pulls=0.0), 0
    for row in range(COUNT):
        one = Board(design, line)
        one.forget()
        assert (one.inference(by_input(design.program, integers[row : row + 1])) == right[row]).all()
        loads += one.loads
    assert line.faults.total() >= 5
    assert loads >= COUNT
    terminal = Terminal(Bad(board, 0.001, 6, pulls=0.0))
    try:
        Board(folder / "turned", board)
        command = [client, terminal.port, folder / "x.f32", "115200", folder / "turned" / flash.FILE]
        wrong = subprocess.run(command, capture_output=True, text=True, timeout=120)
        assert wrong.returncode == 2  # The image is not the client's.
        words = ("115200", str(folder / "out" / flash.FILE))
        assert (answers(client, terminal.port, folder, *words) == outputs(folder)).all()
    finally:
        terminal.close()
