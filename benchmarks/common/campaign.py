"""Random campaigns: a property test of tests/ on fresh random examples, many of them, with its seed told."""

import argparse
import inspect
import json
import secrets
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

TESTS = Path(__file__).resolve().parents[2] / "tests"


def import_tests(*folders: str) -> None:
    """Lets tests be imported: those in these folders of tests/, and what all of them share."""
    sys.path[:0] = [str(TESTS), *(str(TESTS / folder) for folder in folders)]


def strategies_of(test: Any) -> dict[str, Any]:
    """What a property test is given; what it is parametrised with is drawn as well."""
    marks = [mark for mark in getattr(test, "pytestmark", ()) if mark.name == "parametrize"]
    return {**test.hypothesis._given_kwargs, **{mark.args[0]: st.sampled_from(list(mark.args[1])) for mark in marks}}


def run(description: str, properties: Sequence[Callable[..., Any]], count: int, shrink: bool = True) -> int:
    """Run each property on `count` random examples (--count); 1 if one fails, after what reproduces it, else 0.

    Properties are tests made with hypothesis.given, which take no fixture. `shrink`: look for a smaller example.
    """
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, help="of the examples; random by default, and printed")
    parser.add_argument("--count", type=int, default=count, help="examples of each property")
    parser.add_argument("--json", type=Path, metavar="FILE")
    arguments = parser.parse_args()
    number = secrets.randbelow(1 << 32) if arguments.seed is None else arguments.seed
    phases = (Phase.generate, Phase.shrink) if shrink else (Phase.generate,)
    rows = []
    for test in properties:
        begun = time.monotonic()
        ran, error = _ran(test, number, arguments.count, phases)
        verdict = "FAILED" if error else "none failed"
        print(f"{test.__name__}: seed {number}, {ran} examples, {time.monotonic() - begun:.0f} s, {verdict}")
        if error:
            print(error)
        rows.append({"property": test.__name__, "seed": number, "examples": ran, "failed": bool(error)})
    if arguments.json:
        arguments.json.write_text(json.dumps({"rows": rows}, indent=1) + "\n")
    return int(any(row["failed"] for row in rows))


def _ran(test: Any, number: int, count: int, phases: Sequence[Phase]) -> tuple[int, str]:
    """How many examples ran, and what failed with what reproduces it, or ""."""
    ran = 0

    def counted(*values: Any, **drawn: Any) -> None:
        nonlocal ran
        ran += 1
        test.hypothesis.inner_test(*values, **drawn)

    counted.__signature__ = inspect.signature(test.hypothesis.inner_test)  # type: ignore[attr-defined]
    fresh = settings(
        max_examples=count,
        derandomize=False,
        database=None,
        deadline=None,
        phases=phases,
        suppress_health_check=list(HealthCheck),
    )
    try:
        fresh(seed(number)(given(**strategies_of(test))(counted)))()
    except Exception as failure:
        return ran, "\n".join([f"{type(failure).__name__}: {failure}", *getattr(failure, "__notes__", [])])
    return ran, ""
