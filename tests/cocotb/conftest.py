"""cocotb benches: where their modules are, and how a run is judged."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

BENCHES = Path(__file__).resolve().parents[2] / "sim" / "cocotb"
# The runner hands sys.path on to the simulator. Benches are imported by the name of their file.
sys.path[:0] = [str(BENCHES), *(str(BENCHES / dut) for dut in ("lnzd", "act_queue", "pe", "array"))]

Check = Callable[..., None]


@pytest.fixture
def check(tmp_path: Path) -> Check:
    """Run a bench and fail with its log unless all its tests pass; arguments as for common.simulator.simulate."""
    from common.simulator import Design, simulate

    def run(design: Design, bench: str, spec: dict[str, Any], place: Path | None = None) -> None:
        outcome = simulate(design, bench, place or tmp_path / "run", spec)
        if not outcome.passed:
            pytest.fail(f"{outcome.failed} of {outcome.tests} tests failed\n{outcome.complaint()}", pytrace=False)

    return run
