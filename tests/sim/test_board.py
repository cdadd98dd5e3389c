"""A virtual board: the host program and the C client against emcc_uart_top, pin to pin, over lines good and bad."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import simulators
from board_clients import Terminal, answers, compiled_client
from commands import ended, run
from models import model, node, random_weight, save

from benchmarks.common import serial
from emcc.base.errors import EmccError
from emcc.eie.reference import ran
from emcc.eie.reference import run as reference
from emcc.link import device
from emcc.link.device import Device
from emcc.link.faults import Bad, Direct
from emcc.link.stream import Stream
from emcc.runtime import Board
from emcc.runtime.board.design import board_files, open_design
from emcc.runtime.board.virtual import CLOCKS_A_BIT, Lockstep, build, running, started
from emcc.samples.sampling import dequantised, quantised

pytestmark = pytest.mark.sim
SEED = 3


@pytest.fixture(autouse=True)
def _boards_run_for_seconds(_simulators_are_built_quickly: None, monkeypatch: pytest.MonkeyPatch) -> None:
    simulators.build_quickly(monkeypatch, "-O1")


def network(path: Path, seed: int = SEED) -> Path:
    """A convolution, a pool and a matrix product."""
    rng = np.random.default_rng(seed)
    weights = {"k": random_weight(rng, 4, 18).reshape(4, 2, 3, 3), "w": random_weight(rng, 3, 16, 0.5)}
    nodes = [
        node("Conv", ["x", "k"], "a", pads=[1, 1, 1, 1]),
        node("Relu", ["a"], "b"),
        node("MaxPool", ["b"], "c", kernel_shape=[2, 2], strides=[2, 2]),
        node("Flatten", ["c"], "d", axis=1),
        node("Gemm", ["d", "w"], "e", transB=1),
        node("Softmax", ["e"], "y", axis=1),
    ]
    return save(model(nodes, ["n", 2, 4, 4], ["n", 3], weights), path)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an artefact, "out", one of another model, "other", and data.npz."""
    place = tmp_path_factory.mktemp("board")
    for name, seed in (("out", SEED), ("other", SEED + 1)):
        path = network(place / f"{name}.onnx", seed)
        run("compile", str(path), "--keep-weights", "--pes", "2", "--out", str(place / name), "--quiet")
    x = np.random.default_rng(0).standard_normal((6, 2, 4, 4)).astype(np.float32)
    np.savez(place / "data.npz", x=x, y=np.arange(6) % 3)
    x.tofile(place / "x.f32")
    return place


@pytest.fixture(scope="module")
def client(folder: Path) -> Path:
    """The C client, compiled without a warning."""
    return compiled_client(folder / "out" / "host", folder / "emcc_run")


@pytest.fixture
def terminal(folder: Path) -> Iterator[tuple[str, "subprocess.Popen[bytes]"]]:
    """A virtual board of "out": its port and its process."""
    with running(folder / "out", serial.BAUD) as one:
        yield one


def outputs(folder: Path) -> np.ndarray:
    """The reference's outputs, before the Softmax."""
    program = open_design(folder / "out").program
    return dequantised(program, reference(program, quantised(program, np.load(folder / "data.npz")["x"]))).astype("f4")


def test_a_virtual_board_answers_as_the_reference(
    folder: Path, client: Path, terminal: tuple[str, "subprocess.Popen[bytes]"], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    port, process = terminal
    shown = run("run", "out", "--port", port, "--data", "data.npz", "--out", "y.npz", "--json", "y.json")
    assert "cycles an inference" in shown
    assert "accuracy" in shown
    run("run", "out", "--data", "data.npz", "--out", "wanted.npz", "--quiet")
    assert Path("y.npz").read_bytes() == Path("wanted.npz").read_bytes()
    assert (answers(client, port, folder) == outputs(folder)).all()
    said = ended("run", "other", "--port", port, "--data", "data.npz", code=2).stderr
    assert "runs another design than this artefact's" in said
    with Board("out", port) as board:
        x = np.load("data.npz")["x"]
        assert (board.predict(x) == np.load("wanted.npz")["y"]).all()
        run("simulate", "out", "--data", "data.npz", "--json", "s.json")
        assert board.cycles == json.loads(Path("s.json").read_text())["cycles"]
        assert board.status.wants
        assert ended("run", "out", "--port", port, "--data", "data.npz", code=2).stderr.startswith("emcc: error: ")
        process.kill()
        process.wait()
        with pytest.raises(EmccError, match=r"the line broke|no board answers"):
            board.predict(x)


def test_no_fault_gives_a_wrong_answer_of_the_rtl() -> None:
    outcome = serial.on_rtl(16, 0.006)
    assert outcome.wrong == 0
    assert outcome.right > 3
    assert outcome.noticed.total() > 8


def modelled(folder: Path) -> Device:
    """The model of a board that runs "out", whose array is the reference."""
    design = open_design(folder / "out")
    program, ((into, taken), (out, given)) = design.program, design.rows

    def answer(words: list[int]) -> list[int]:
        held = np.array(words, np.uint16).astype(np.int16).reshape(1, into.positions, into.slots)
        integers = np.zeros((1, taken.port.order.size), np.int64)
        order = taken.port.order
        integers[0, order[order >= 0]] = held[0, :, : order.shape[1]][order >= 0]
        wide = np.zeros((out.positions, out.slots), np.int64)
        values = ran(program, {taken.port.name: integers}).values[given.port.buffer][0]
        wide[:, : values.shape[1]] = values
        return [int(value) & 0xFFFF for value in wide.ravel()]

    turns = (into.positions * into.slots, -out.positions * out.slots)
    memory = bytes.fromhex((folder / "out" / "rom" / "link.hex").read_text().replace("\n", ""))
    return Device(Stream(turns, answer), 2, 25_000_000, memory)


@pytest.mark.parametrize("kind", ["model", "rtl"])
def test_the_client_in_c_is_right_on_a_bad_line(folder: Path, client: Path, kind: str) -> None:
    files = board_files(folder / "out")
    with started(build(files, serial.BAUD), files, "--lockstep") as process:
        line = Bad(Lockstep(process) if kind == "rtl" else Direct(modelled(folder)), 0.004, SEED, pulls=0.0)
        terminal = Terminal(line)
        try:
            assert (answers(client, terminal.port, folder) == outputs(folder)).all()
        finally:
            terminal.close()
    assert line.faults.total() >= 3


def test_the_client_in_c_tells_a_wrong_model_and_version(
    folder: Path, client: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def told(board: Device) -> str:
        terminal = Terminal(Bad(Direct(board), 0.0, 1))
        try:
            done = subprocess.run([client, terminal.port, folder / "x.f32"], capture_output=True, text=True, timeout=60)
        finally:
            terminal.close()
        assert (done.returncode, done.stdout) == (2, "")
        return done.stderr

    same = modelled(folder)
    other = replace(same, memory=same.memory[:8] + bytes(24))
    assert "the board runs another design" in told(other)
    monkeypatch.setattr(device, "VERSION", device.VERSION + 1)
    assert "the board speaks another version of the link" in told(modelled(folder))
    done = subprocess.run([client, "/dev/nowhere", folder / "x.f32"], capture_output=True, text=True)
    assert (done.returncode, "cannot be opened" in done.stderr) == (2, True)


def test_emcc_board_prints_its_port_and_ends_well(folder: Path) -> None:
    quickly = "from emcc.tools import verilator; verilator.HOT = verilator.COLD; from emcc.cli import main; main()"
    command = [sys.executable, "-c", quickly, "board", str(folder / "out"), "--virtual", "--quiet"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    try:
        assert process.stdout is not None
        port = process.stdout.readline().removeprefix("port: ").strip()
        with Board(folder / "out", port) as board:
            assert board.clock == CLOCKS_A_BIT * serial.BAUD
        process.terminate()
        assert process.wait(timeout=60) == 0
    finally:
        process.kill()
        process.communicate()


def test_a_wrong_use_of_the_program_is_told(folder: Path) -> None:
    files = {f"rtl/{file.name}": file.read_bytes() for file in (folder / "out" / "rtl").iterdir()}
    with started(build(files, serial.BAUD), {}, "--loop") as process:
        assert process.wait(timeout=60) == 2
        assert process.stderr is not None
        assert b"unknown option --loop" in process.stderr.read()
