"""Random graphs through model.emc and back, and damaged files, which are refused or are another model.

    python benchmarks/fuzz_container.py [--seed N] [--count 200] [--json FILE]

The cases are those of tests/unit/container, drawn by another seed.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.common import fuzz

from test_emc_damage import crafted, refused_or_decoded  # isort: skip
from test_emc_round_trip import CODED, comes_back  # isort: skip

CAMPAIGNS = {"round trips": (CODED, comes_back), "damaged files": (crafted(), refused_or_decoded)}


def main(arguments: Sequence[str] | None = None) -> int:
    return fuzz.main(__doc__ or "", CAMPAIGNS, arguments)


if __name__ == "__main__":
    sys.exit(main())
