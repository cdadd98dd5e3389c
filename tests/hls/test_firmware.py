"""The C of c/ on a Cortex-M4: it runs in QEMU, and takes the bytes that were printed."""

import sys
from pathlib import Path

import numpy as np
import pytest
from qgraphs import quantised

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks.common import firmware
from emcc.backends.hls import Model, plain
from emcc.backends.hls.cost import cost, struct_size
from emcc.backends.hls.fields import PORT, STEP
from emcc.runtime.segmented import crossed

NAME = "tiny"


@pytest.fixture(scope="module")
def model() -> Model:
    """A sparse layer and a dense one."""
    return Model(plain(quantised([120, 60, 8], code_w=8, density=0.15)), NAME)


@pytest.fixture(scope="module")
def files(model: Model) -> dict[str, bytes]:
    x = np.random.default_rng(0).integers(-900, 900, (2, 120))
    return model.library(crossed(model.program, {model.program.inputs[0].name: x}))


def needs(*tools: str) -> None:
    """Skip where one of some tools is not there: nobody has a cross compiler without wanting one."""
    missing = firmware.missing(*tools)
    if missing:
        pytest.skip(f"no cross compiler or emulator: {', '.join(missing)}")


def test_sizes_are_what_was_printed(model: Model, files: dict[str, bytes], tmp_path: Path) -> None:
    needs(firmware.CC, firmware.SIZE)
    said, found = cost(model.context, [1.0, 1.0]), firmware.sizes(files, NAME, tmp_path)
    assert found.scratch == said.scratch
    assert found.text + found.constants <= 8192
    rows = ((STEP, [call.row for call in model.context.calls]), (PORT, model.context.ports))
    structs = sum(struct_size(fields, of) * len(of) for fields, of in rows)
    assert said.constants - structs <= found.constants <= said.constants + 8  # a struct may become code
    assert 0.5 * said.text <= found.text <= 1.5 * said.text


def test_it_runs_and_a_wrong_weight_is_red(files: dict[str, bytes], tmp_path: Path) -> None:
    needs(firmware.CC, firmware.QEMU)
    assert firmware.run(files, NAME, tmp_path / "right") == 0
    source = f"emcc_{NAME}.c"
    read = b"emcc_get(scratch->mem, y, emcc_ports[1]);"
    wrong = files[source].replace(read, read + b"\n  y[0] = (int16_t)(y[0] ^ 1);")
    assert wrong != files[source]
    assert firmware.run({**files, source: wrong}, NAME, tmp_path / "wrong") == 1
