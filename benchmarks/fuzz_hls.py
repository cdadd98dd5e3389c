"""Random programs as C, with every warning an error, a fourth under the sanitizers: the reference's integers.

    python benchmarks/fuzz_hls.py [--seed N] [--count 200] [--json FILE]

The programs are those of tests/hls/test_programs.py, drawn by another seed: as they are for C, or dealt to PEs; as a
library, or as the top function for synthesis. Each is compiled, half a second; set EMCC_CACHE to a folder that may be
thrown away. With CC=clang it is clang that compiles.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.common import fuzz

from c_programs import SANITIZED  # isort: skip
from test_programs import CASE, agrees  # isort: skip

FLAGS = st.sampled_from([SANITIZED, ("-O0",), ("-O0",), ("-O1",)])


def is_right(drawn: tuple[Any, tuple[str, ...]]) -> str:
    """Compile and run a case with its flags; raise AssertionError where an integer differs."""
    case, flags = drawn
    return f"{agrees(case, flags)}, {'sanitized' if flags == SANITIZED else flags[0]}"


def main(arguments: Sequence[str] | None = None) -> int:
    return fuzz.main(__doc__ or "", {"programs": (st.tuples(CASE, FLAGS), is_right)}, arguments)


if __name__ == "__main__":
    sys.exit(main())
