"""The C for synthesis as hardware that CIRCT makes of it, in Verilator: integers that differ, cycles, seconds a stage.

    python benchmarks/hls_circt.py [--only NAME...] [--buffers cycles|all] [--json FILE]

The models are those of tests/hls/circt_models.py: two perceptrons and a convolutional network. Seconds are of this
machine; simulators that EMCC_CACHE has already are not built again. Exit code 1 where an integer differs.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.common import fuzz  # noqa: F401 (finds the tests' modules)

from circt_models import CASES, held  # isort: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """1 where an integer differs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=CASES, metavar="NAME", help=", ".join(CASES))
    parser.add_argument("--buffers", choices=("cycles", "all"), default="cycles", help="where registers are")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows there")
    given = parser.parse_args(arguments)
    rows = {}
    for name in given.only or CASES:
        found = rows[name] = held(*CASES[name](), given.buffers)
        stages = ", ".join(f"{stage} {seconds:.1f} s" for stage, seconds in found.seconds.items())
        print(f"{name}: {found.wrong} of {found.integers} integers differ, {max(found.cycles)} cycles for "
              f"{found.products} products, {found.lines} lines; {stages}", flush=True)  # fmt: skip
    if given.json:
        text = json.dumps({name: asdict(found) for name, found in rows.items()}, indent=1)
        given.json.write_text(text + "\n", encoding="utf-8")
    return int(any(found.wrong for found in rows.values()))


if __name__ == "__main__":
    sys.exit(main())
