"""Random campaigns run, and say what reproduces a failure."""

import json
from pathlib import Path

import pytest
from hypothesis import strategies as st

from benchmarks import fuzz_chains, fuzz_container, fuzz_graphs, fuzz_imports
from benchmarks.common import fuzz


@pytest.mark.parametrize(
    ("campaign", "count"), [(fuzz_chains, 3), (fuzz_container, 5), (fuzz_graphs, 20), (fuzz_imports, 60)]
)
def test_campaigns_pass(campaign, count, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert campaign.main(["--seed", "7", "--count", str(count), "--json", str(tmp_path / "r.json")]) == 0
    assert "seed 7, " in capsys.readouterr().out
    results = json.loads((tmp_path / "r.json").read_text())
    assert (results.pop("seed"), results.pop("count")) == (7, count)
    assert {sum(result["outcomes"].values()) for result in results.values()} == {count}


def test_a_failure_is_shown_with_its_seed_and_smallest_case(capsys: pytest.CaptureFixture[str]) -> None:
    drawn: list[list[int]] = []

    def small(value: int) -> None:
        drawn[-1].append(value)
        assert value < 1000

    for _ in range(2):
        drawn.append([])
        assert fuzz.main("Numbers.", {"numbers": (st.integers(), small)}, ["--seed", "5", "--count", "50"]) == 1
    assert drawn[0] == drawn[1]
    output = capsys.readouterr().out
    assert "case=1000" in output
    assert "--seed 5 --count 50" in output
