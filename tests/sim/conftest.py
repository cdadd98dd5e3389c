"""Simulators that tests build are kept in pytest's own cache, so that a second run does not build them again."""

import os

import pytest

from emcc.errors import EmccError


@pytest.fixture(scope="session", autouse=True)
def _simulator_cache(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> None:
    kept = getattr(pytestconfig, "cache", None)  # None with -p no:cacheprovider
    os.environ.setdefault("EMCC_CACHE", str(kept.mkdir("emcc") if kept else tmp_path_factory.mktemp("emcc")))


@pytest.fixture(autouse=True)
def _tools_are_there(request: pytest.FixtureRequest) -> None:
    """Tests marked `sim` are skipped where there is no Verilator or compiler, except in CI."""
    from emcc.tools import cxx, verilator

    if request.node.get_closest_marker("sim"):
        try:
            verilator.home()
            cxx.compiler()
        except EmccError as error:
            if os.environ.get("CI"):
                raise
            pytest.skip(str(error).replace("\n", ";"))
