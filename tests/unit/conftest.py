"""Simulators of small designs are built quickly."""

import pytest
import simulators


@pytest.fixture(autouse=True)
def _simulators_are_built_quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    simulators.build_quickly(monkeypatch)
