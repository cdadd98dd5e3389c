"""Random designs in Verilator: outputs equal to the reference's, and cycles, layers and stalls to the cycle model's.

    python benchmarks/fuzz_designs.py [--seed N] [--count 200] [--json FILE]

The designs are those of tests/sim/test_simulate_designs.py, drawn by another seed. Each is a simulator that is built,
a few seconds; set EMCC_CACHE to a folder that may be thrown away.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.common import fuzz

from test_simulate_designs import DESIGN, is_as_predicted  # isort: skip


def main(arguments: Sequence[str] | None = None) -> int:
    return fuzz.main(__doc__ or "", {"designs": (DESIGN, is_as_predicted)}, arguments)


if __name__ == "__main__":
    sys.exit(main())
