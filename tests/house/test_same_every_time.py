"""Property tests draw the same examples in every run, and a tool that is missing fails in CI."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
DRAWS = """
import sys
from hypothesis import given, settings, strategies as st
if {imports}:
    import constants
drawn = open({log!r}, "w")
@settings(max_examples=100)
@given(a=st.integers(), b=st.floats(), c=st.text())
def test_draws(**values):
    print(values, file=drawn)
"""
SKIPS = """
import pytest
def test_tool():
    pytest.importorskip("no_such_tool")
def test_data(shared_data):
    pass
"""


def pytest_run(folder: Path, **environment: str) -> str:
    """Run pytest with tests/conftest.py and no cache on `folder`, in a process of its own, and return its last line."""
    inherited = {name: value for name, value in os.environ.items() if name not in ("CI", "PYTEST_ADDOPTS")}
    path = os.pathsep.join([str(TESTS), *sys.path])
    command = [sys.executable, "-m", "pytest", "-q", "-p", "conftest", "-p", "no:cacheprovider", "-c", os.devnull]
    command += ["-p", "_hypothesis_pytestplugin", "--continue-on-collection-errors"]
    environment = {**inherited, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONPATH": path, **environment}
    return subprocess.run([*command, "."], cwd=folder, env=environment, capture_output=True, text=True).stdout


def test_examples_are_the_same_whatever_was_imported_before(tmp_path: Path) -> None:
    logs = []
    for imports in (False, True):
        folder = tmp_path / str(imports)
        folder.mkdir()
        (folder / "constants.py").write_text(f"NUMBERS = {[*range(1_000_003, 1_001_003)]}\nWORD = 'antidisestablish'\n")
        (folder / "test_it.py").write_text(DRAWS.format(imports=imports, log=str(folder / "log")))
        assert "1 passed" in pytest_run(folder)
        logs.append((folder / "log").read_text())
    assert logs[0].count("\n") >= 100
    assert logs[0] == logs[1]


@pytest.mark.parametrize(("ci", "outcome"), [("", "3 skipped"), ("1", "1 failed, 1 skipped, 1 error")])
def test_a_missing_tool_fails_in_ci_and_missing_data_does_not(tmp_path: Path, ci: str, outcome: str) -> None:
    """In a test, and in a file that needs the tool to be read at all."""
    (tmp_path / "test_it.py").write_text(SKIPS)
    (tmp_path / "test_all.py").write_text("import pytest\npytest.importorskip('no_such_tool')\n")
    output = pytest_run(tmp_path, CI=ci, EMCC_DATA=str(tmp_path / "none"))
    assert outcome in output
    assert ("skipped in CI: could not import 'no_such_tool'" in output) == bool(ci)
