"""Random graphs through model.emc and back, and damaged files.

python benchmarks/fuzz_container.py [--seed N] [--count 1000] [--json FILE]
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.common.campaign import import_tests, run

if __name__ == "__main__":
    import_tests("unit/container", "unit/store")
    import test_emc_coding
    import test_emc_damage
    import test_emc_round_trip
    import test_emc_shared
    import test_store

    modules = (test_emc_round_trip, test_emc_shared, test_emc_coding, test_emc_damage, test_store)
    tests = [test for module in modules for test in vars(module).values() if hasattr(test, "hypothesis")]
    sys.exit(run(__doc__ or "", tests, 1000))
