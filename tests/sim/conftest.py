"""Simulators that tests build are kept in pytest's own cache, so that a second run does not build them again."""

import pytest
import simulators


@pytest.fixture(scope="session", autouse=True)
def _simulator_cache(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> None:
    simulators.keep(pytestconfig, tmp_path_factory)


@pytest.fixture(autouse=True)
def _tools_are_there(request: pytest.FixtureRequest) -> None:
    """Tests marked `sim` are skipped where there is no Verilator or compiler, except in CI."""
    from emcc.tools import cxx, verilator

    if request.node.get_closest_marker("sim"):
        with simulators.skipped_without_tools():
            verilator.home()
            cxx.compiler()
