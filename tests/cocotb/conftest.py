"""cocotb benches: where their modules are, where what they build is kept, and how a run is judged."""

import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import simulators

from emcc.base.errors import EmccError

BENCHES = Path(__file__).resolve().parents[2] / "sim" / "cocotb"
# The runner hands sys.path on to the simulator. Benches are imported by the name of their file.
DUTS = ("act_queue", "walk", "scan", "slice", "sum", "rows", "host", "core", "axi", "axis", "boot", "link", "uart")
FOLDERS = [str(BENCHES), *(str(BENCHES / dut) for dut in DUTS)]
sys.path[:0] = FOLDERS

Check = Callable[..., None]


@pytest.fixture(autouse=True)
def _benches_come_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other tests have put folders of theirs in front since; `common` is one of those as well."""
    monkeypatch.setattr(sys, "path", [*FOLDERS, *sys.path])


@pytest.fixture(autouse=True)
def _tools_are_there() -> None:
    """Benches are skipped where a tool is missing, except in CI."""
    from emcc.tools import cxx, verilator

    with simulators.skipped_without_tools():
        verilator.home()
        cxx.compiler()
        if not find_spec("cocotb_tools"):
            raise EmccError("cocotb is not installed")


@pytest.fixture
def check(tmp_path: Path) -> Check:
    """Run a bench and fail with its log unless all its tests pass; arguments as for common.simulator.simulate."""
    from common.simulator import Design, simulate

    def run(design: Design, bench: str, spec: dict[str, Any], place: Path | None = None) -> None:
        outcome = simulate(design, bench, place or tmp_path / "run", spec)
        if not outcome.passed:
            pytest.fail(f"{outcome.failed} of {outcome.tests} tests failed\n{outcome.complaint()}", pytrace=False)

    return run
