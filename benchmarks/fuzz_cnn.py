"""Random graphs on the array of column groups, in Verilator: the reference's integers, the cycle model's cycles.

    python benchmarks/fuzz_cnn.py [--seed N] [--count 200] [--json FILE]

Convolutions, pools, sums, products, joins, several inputs and outputs and parts on the host, drawn as in
tests/sim/test_grouped_designs.py by another seed. Each is a simulator that is built, a few seconds; set EMCC_CACHE to a
folder that may be thrown away.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.common import fuzz

from test_grouped_designs import DESIGN, is_as_predicted  # isort: skip


def main(arguments: Sequence[str] | None = None) -> int:
    return fuzz.main(__doc__ or "", {"graphs": (DESIGN, is_as_predicted)}, arguments)


if __name__ == "__main__":
    sys.exit(main())
