"""Random designs through Verilator: outputs, cycles, broadcasts and stalls against the reference and the cycle model.

    python benchmarks/fuzz_designs.py [--seed N] [--count 40] [--json FILE]

Each design is compiled, which takes seconds.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.common.campaign import import_tests, run

if __name__ == "__main__":
    import_tests("sim")
    import test_simulate_designs

    sys.exit(run(__doc__ or "", [test_simulate_designs.test_any_design], 40, shrink=False))
