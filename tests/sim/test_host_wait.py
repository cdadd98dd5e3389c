"""The host sends what it has received just before: of one element that is still on its way when it could be read."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import simulators
from models import model, node, save

import emcc
from emcc.api.artefact import Artefact
from emcc.eie.groups.schedule import plan
from emcc.eie.groups.transfer import transfer
from emcc.eie.store import load_program
from emcc.runtime.simulate import simulate
from emcc.samples.dataset import Dataset

pytestmark = pytest.mark.sim
RNG = np.random.default_rng(4)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    simulators.build_quickly(monkeypatch)


def compiled(folder: Path, function: str, pes: int) -> Artefact:
    """Two scores, and the host's largest of them as the output: it goes into the array and out again."""
    nodes = [node("Gemm", ["x", "w"], "a"), node(function, ["a"], "s"), node("ReduceMax", ["s"], "y", axes=[1])]
    weights = {"w": RNG.standard_normal((6, 2)).astype(np.float32)}
    path = save(model(nodes, ["n", 6], weights=weights, opset=13), folder / "m.onnx")
    return emcc.compile(path, pes=pes, keep_weights=True)


@pytest.mark.filterwarnings("ignore:no data")
@pytest.mark.parametrize(("function", "pes", "wait"), [("Sigmoid", 1, 3), ("Sigmoid", 4, 3), ("Relu", 4, 0)])
def test_what_is_sent_is_what_came(tmp_path: Path, function: str, pes: int, wait: int) -> None:
    """Functions of tables put three stages between the host and the memory."""
    artefact = compiled(tmp_path, function, pes)
    artefact.write(tmp_path / "out")
    program, data = load_program(tmp_path / "out" / "program.npz"), Dataset(RNG.random((6, 6), np.float32), None)
    planned = plan(program)
    assert planned.host_wait == wait
    assert transfer(planned) == transfer(replace(planned, host_wait=0)) + wait
    host = tmp_path / "out" / "rtl" / "emcc_host.sv"
    text = host.read_text()
    assert "EMCC_HOST_WAIT" not in text
    assert ("Landing" in text) == bool(wait)
    result = simulate(tmp_path / "out", data)
    assert result.ok
    assert result.cycle_mismatches == 0
    if wait:
        host.write_text(text.replace("2'(HostWait)", "2'd0"))
        assert simulate(tmp_path / "out", data, trust_rtl=True).mismatches > 0
