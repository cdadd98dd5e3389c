"""Clang, another compiler than the one here: no warning, the reference's integers, and a 32-bit RISC-V's bytes."""

import sys
from pathlib import Path

import numpy as np
import pytest
from c_programs import mismatches
from qgraphs import quantised
from specimens import patterned, specimen

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks.common import riscv
from emcc.backends.hls import Model, plain
from emcc.backends.hls.cost import cost
from emcc.runtime.segmented import crossed

pytestmark = pytest.mark.sim
NAME = "tiny"


def needs(*tools: str) -> None:
    """Skip where the wheel, or a tool, is not there: it is 100 MB, and the same sources are built by gcc."""
    missing = riscv.missing(*tools)
    if missing:
        pytest.skip(f"no clang or emulator: {', '.join(missing)}")


@pytest.mark.parametrize("external", [False, True])
def test_clang_builds_every_kernel_without_a_warning(external: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    needs()
    monkeypatch.setenv("CC", " ".join(riscv.CLANG))
    program, _ = specimen("groups")
    assert mismatches(program, patterned(program), ("-O1",), top=True, external=external) == 0


@pytest.fixture(scope="module")
def model() -> Model:
    """A sparse layer and a dense one."""
    return Model(plain(quantised([120, 60, 8], code_w=8, density=0.15)), NAME)


@pytest.fixture(scope="module")
def files(model: Model) -> dict[str, bytes]:
    x = np.random.default_rng(0).integers(-900, 900, (2, 120))
    return model.library(crossed(model.program, {model.program.inputs[0].name: x}))


def test_a_riscv_takes_the_bytes_that_were_said(model: Model, files: dict[str, bytes], tmp_path: Path) -> None:
    needs(riscv.SIZE)
    said, found = cost(model.context, [1.0, 1.0]), riscv.sizes(files, NAME, tmp_path, "-Os")
    assert found.scratch == said.scratch
    assert found.text <= 1.5 * said.text
    assert found.text + found.constants <= 8192


def test_it_runs_on_a_riscv_and_a_wrong_integer_is_red(files: dict[str, bytes], tmp_path: Path) -> None:
    needs(riscv.QEMU)
    assert riscv.run(files, NAME, tmp_path / "right") == 0
    source = f"emcc_{NAME}.c"
    read = b"emcc_get(scratch->mem, y, emcc_ports[1]);"
    wrong = files[source].replace(read, read + b"\n  y[0] = (int16_t)(y[0] ^ 1);")
    assert wrong != files[source]
    assert riscv.run({**files, source: wrong}, NAME, tmp_path / "wrong") == 1
