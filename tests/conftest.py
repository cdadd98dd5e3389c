"""What all tests share: where the real data is, examples that are the same every time, and skips that CI takes ill."""

import fcntl
import gc
import os
from collections.abc import Generator, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
import simulators
from hypothesis import HealthCheck, settings
from hypothesis.internal.conjecture import providers

DATA = Path(os.environ.get("EMCC_DATA", Path(__file__).resolve().parents[1] / ".." / "shared" / "data"))
CI_MAY_SKIP = ("no shared data", "cannot mount", "too large", "no cross compiler", "no ap_int", "no wheel of circt")
"""How the reasons begin for which a test may be skipped in CI: what a checkout and its tools cannot bring."""

TOGETHER = {
    "tests/end_to_end/test_digits.py": "digits",
    **{f"tests/bench/test_{name}.py": "yosys" for name in ("absorb", "behind", "fmax", "netlists")},
    **{f"tests/sim/test_{name}.py": "yosys" for name in ("lint_readers", "memories")},
    **{f"tests/unit/boards/test_{name}.py": "yosys" for name in ("projects", "tools", "update")},
}
"""Files whose tests one worker runs: the demo runs once, and no worker waits while another compiles Yosys."""

APART = "tests/unit/compress/test_lenet_compress.py"
"""A file whose tests share nothing, and any of which takes longer than most files."""

FIRST = ("tests/wheel/", "tests/end_to_end/", APART)
"""What takes longest is begun first, or a worker would be alone with it at the end."""

# Two workers on two cores: more threads than one would wait for each other, and sums would depend on their number.
os.environ.update({f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL")})

# Nothing of what is imported while tests are collected is garbage.
gc.disable()

# There Hypothesis keeps its table of Unicode, which takes seconds to make; tests that start pytest find it as well.
os.environ.setdefault("HYPOTHESIS_STORAGE_DIRECTORY", str(Path(__file__).resolve().parents[1] / ".hypothesis"))

settings.register_profile(
    "same every time",
    derandomize=True,
    database=None,
    deadline=None,
    print_blob=True,
    suppress_health_check=list(HealthCheck),
)
settings.load_profile("same every time")
# Else examples hold numbers from the source of whatever modules are loaded by then, so they depend on the tests before.
providers._get_local_constants = providers.Constants


@pytest.fixture(scope="session", autouse=True)
def _simulators_are_kept(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> None:
    simulators.keep(pytestconfig, tmp_path_factory)


@pytest.fixture(scope="session", autouse=True)
def _answers_of_tools_are_kept() -> Iterator[None]:
    import kept_tools

    with pytest.MonkeyPatch.context() as patch:
        kept_tools.keep(patch)
        yield


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: not item.nodeid.startswith(FIRST))


def pytest_collection_finish() -> None:
    """From here on look for garbage, but not among what was imported, and not after every 700 objects."""
    gc.enable()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


@pytest.fixture(scope="session", autouse=True)
def _commands_are_built_once() -> Iterator[None]:
    """Typer makes all commands of their functions again for every run of one."""
    from typer import testing

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(testing, "_get_command", lru_cache(testing._get_command))
        yield


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real models and data; the test is skipped where it is not there."""
    if not (DATA / "models").is_dir():
        pytest.skip("no shared data: set EMCC_DATA to its folder")
    return DATA


def pytest_sessionstart(session: pytest.Session) -> None:
    """Compile once what workers share: the first compiles numba's loops, the others Verilator's runtime meanwhile."""
    kept = getattr(session.config, "cache", None)
    worker = getattr(session.config, "workerinput", None)
    if kept and worker:
        if worker["workerid"] != "gw0":
            simulators.prepare(kept)
        with (kept.mkdir("emcc") / "loops.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            _compile_loops()


def _compile_loops() -> None:
    """Run the loops of the container and of the cycle model, or read them from numba's cache."""
    from qgraphs import quantised
    from specimens import patterned, specimen

    from emcc.container import encode
    from emcc.eie.groups import cycles

    encode(quantised([6, 4]), coding="auto")
    program, plan = specimen("groups")
    cycles.count(program, patterned(program), plan)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Schedule the groups of TOGETHER and whole files, in order: what a file's tests share is made by one worker.

    pytest 9.2 hides the marks that xdist 3.8 groups by.
    """
    from xdist.scheduler import LoadScopeScheduling

    class Together(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.split("::")[0]
            return nodeid if file == APART else TOGETHER.get(file, file)

    config.option.loadscopereorder = False
    return Together(config, log)


def _no_skip_in_ci(report: pytest.TestReport | pytest.CollectReport) -> None:
    """Turn a skip in CI into a failure, but for what CI_MAY_SKIP says."""
    if os.environ.get("CI") and report.skipped and isinstance(report.longrepr, tuple):
        reason = report.longrepr[2].removeprefix("Skipped: ")
        if not reason.startswith(CI_MAY_SKIP):
            report.outcome, report.longrepr = "failed", f"skipped in CI: {reason}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    _no_skip_in_ci(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    _no_skip_in_ci(report)
    return report
