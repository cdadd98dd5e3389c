"""Random campaigns: cases of a hypothesis strategy that `make test` does not draw, each through a check."""

import argparse
import json
import secrets
import sys
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import hypothesis
from hypothesis import strategies as st

TESTS = Path(__file__).resolve().parents[2] / "tests"
sys.path[:0] = [str(TESTS), str(TESTS / "sim"), str(TESTS / "hls"), str(TESTS / "unit" / "container")]

import conftest  # noqa: E402, F401 (the tests' settings, so that a seed gives the same cases everywhere)

Campaign = tuple[st.SearchStrategy[Any], Callable[[Any], object]]
"""What draws a case, and what raises where it is wrong; what that returns, a text or None, is counted."""


def main(doc: str, campaigns: Mapping[str, Campaign], arguments: Sequence[str] | None = None) -> int:
    """Run all campaigns and return 1 if one failed, else 0. Prints a line each, and what reproduces a failure."""
    parser = argparse.ArgumentParser(description=doc.splitlines()[0])
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1 << 32), help="of the cases; else a new one")
    parser.add_argument("--count", type=int, default=200, help="cases of each campaign (200)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results to FILE too")
    options = parser.parse_args(arguments)
    results = {name: run(*campaign, options.seed, options.count) for name, campaign in campaigns.items()}
    script = Path(sys.argv[0]).name
    for name, result in results.items():
        outcomes = ", ".join(f"{number} {outcome}" for outcome, number in sorted(result["outcomes"].items()))
        print(f"{name}: seed {options.seed}, {result['seconds']} s, {outcomes or 'no case done'}")
        if result["failure"]:
            print(f"{result['failure']}\nAgain: {script} --seed {options.seed} --count {options.count}")
    if options.json:
        options.json.write_text(json.dumps({"seed": options.seed, "count": options.count, **results}, indent=1) + "\n")
    return int(any(result["failure"] for result in results.values()))


def run(strategy: st.SearchStrategy[Any], check: Callable[[Any], object], seed: int, count: int) -> dict[str, Any]:
    """Check `count` cases; "failure" is None, or a traceback with the smallest case that fails and its blob."""
    outcomes: dict[str, int] = {}

    @hypothesis.seed(seed)
    @hypothesis.settings(max_examples=count, derandomize=False)
    @hypothesis.given(case=strategy)
    def one(case: Any) -> None:
        outcome = str(check(case) or "right")
        outcomes[outcome] = outcomes.get(outcome, 0) + 1

    begun, failure = time.perf_counter(), None
    try:
        one()
    except Exception:  # whatever a check raises is what a campaign is for
        failure = traceback.format_exc()
    return {"outcomes": outcomes, "seconds": round(time.perf_counter() - begun, 1), "failure": failure}
