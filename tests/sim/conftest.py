"""Tests that simulate are skipped where a tool is missing."""

import pytest
import simulators


@pytest.fixture(autouse=True)
def _simulators_are_built_quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    simulators.build_quickly(monkeypatch)


@pytest.fixture(autouse=True)
def _tools_are_there(request: pytest.FixtureRequest) -> None:
    """Tests marked `sim` are skipped where there is no Verilator or compiler, except in CI."""
    from emcc.tools import cxx, verilator

    if request.node.get_closest_marker("sim"):
        with simulators.skipped_without_tools():
            verilator.home()
            cxx.compiler()
