"""Random ONNX models (chains and convolutional graphs): what emcc loads and folds means what onnxruntime says.

python benchmarks/fuzz_chains.py [--seed N] [--count 1000] [--json FILE]
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.common.campaign import import_tests, run

if __name__ == "__main__":
    import_tests("unit/frontend", "unit/eie")
    import test_lower
    import test_random_chains
    import test_random_convs

    tests = [
        test_random_chains.test_agrees_with_onnxruntime,
        test_random_convs.test_agrees_with_onnxruntime,
        test_lower.test_program_equals_graph,
        test_lower.test_long_gaps_beside_a_dense_layer,
    ]
    sys.exit(run(__doc__ or "", tests, 1000))
