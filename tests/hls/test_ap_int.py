"""The same sources with the vendors' C++ types, of exactly as many bits as are proven: the same integers.

The headers are hls4ml's copy, which its wheel has; installing that package for them alone is what this test does not
ask for.
"""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from c_programs import NAME, files_of
from qgraphs import inputs, quantised
from specimens import patterned, specimen

from emcc.backends.hls import Model, plain
from emcc.ir.graph import Array
from emcc.ir.program import Program
from emcc.runtime.compiled import ran
from emcc.runtime.segmented import crossed
from emcc.tools.cxx import compiler
from emcc.tools.process import run

pytestmark = pytest.mark.sim


def headers() -> Path:
    """The folder of ap_int.h; the test is skipped where it is not there."""
    found = find_spec("hls4ml")
    if found is None or not found.submodule_search_locations:
        pytest.skip("no ap_int: hls4ml is not installed")
    return Path(found.submodule_search_locations[0]) / "templates" / "vivado" / "ap_types"


def cases() -> list[tuple[Program, dict[str, Array]]]:
    """Sparse and dense layers with sums of 33 bits, and every kind of step with rows' multipliers."""
    chain = plain(quantised([40, 30, 12], code_w=8, density=0.3, functions=["table", "relu"]))
    program, _ = specimen("groups")
    return [(chain, {"x": inputs(10, 40)}), (program, patterned(program))]


@pytest.mark.parametrize("number", [0, 1])
def test_exact_widths_give_the_same_integers(number: int, tmp_path: Path) -> None:
    where = headers()
    program, x = cases()[number]
    model = Model(program, NAME)
    for name, content in files_of(model, top=True).items():
        (tmp_path / name).write_bytes(content)
    words = [*compiler(), "-x", "c++", "-std=c++17", "-O1", "-w", "-DEMCC_AP_INT", f"-I{where}"]
    run("C++", [*words, "engine.c", f"emcc_{model.name}_top.c", "-o", "engine"], cwd=tmp_path, timeout=300)
    pairs = crossed(program, {name: value.reshape(len(value), -1) for name, value in x.items()})
    found = ran(tmp_path / "engine", program.act_w, pairs)
    assert all(np.array_equal(got, out) for got, (_, out) in zip(found, pairs, strict=True))
