"""Tests that compile C are skipped where there is no compiler."""

import pytest
import simulators


@pytest.fixture(autouse=True)
def _a_compiler_is_there(request: pytest.FixtureRequest) -> None:
    """Tests marked `sim` are skipped where there is no C compiler, except in CI."""
    from emcc.tools import cc

    if request.node.get_closest_marker("sim"):
        with simulators.skipped_without_tools():
            cc.compiler()
