"""Random programs as C, under the sanitizers and with every warning an error: integers equal to the reference's.

    python benchmarks/fuzz_hls.py [--seed N] [--count 200] [--json FILE]

The programs are those of tests/hls/test_programs.py, drawn by another seed: as they are for C, or dealt to PEs; as a
library, or as the top function for synthesis. Each is compiled, a second; set EMCC_CACHE to a folder that may be thrown
away. With CC=clang it is clang that compiles.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.common import fuzz

from test_programs import CASE, agrees  # isort: skip


def main(arguments: Sequence[str] | None = None) -> int:
    return fuzz.main(__doc__ or "", {"programs": (CASE, agrees)}, arguments)


if __name__ == "__main__":
    sys.exit(main())
