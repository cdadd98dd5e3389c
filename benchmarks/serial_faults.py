"""A bad serial line between host and board: bytes dropped, doubled and flipped both ways, cables and power pulled.

    python benchmarks/serial_faults.py --faults N --json FILE [--rtl N] [--loads N] [--loads-rtl N] [--seed N]

N faults on the model of the board's end (link.device, which cocotb holds against the RTL), and --rtl N on the RTL
itself, from pin to pin, with a design that has a part of the host in its middle; --loads N and --loads-rtl N with one
that is given its weights over that line before it runs. Exits with 1 if an answer is wrong.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.common.serial import loads_on_model, loads_on_rtl, on_model, on_rtl

RATES = (0.001, 0.004)
"""Faults a byte: a full frame in five is hit, and three of five."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--faults", type=int, default=10_000, metavar="N", help="on the model (default: 10,000)")
    parser.add_argument("--rtl", type=int, metavar="N", help="on the RTL (default: a tenth)")
    parser.add_argument("--loads", type=int, default=1000, metavar="N", help="loading weights (default: 1,000)")
    parser.add_argument("--loads-rtl", type=int, default=100, metavar="N", help="of the RTL (default: 100)")
    parser.add_argument("--json", type=Path, required=True, metavar="FILE", help="where to write")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="the same seed gives the same faults")
    options = parser.parse_args(arguments)
    rtl = options.faults // 10 if options.rtl is None else options.rtl
    result = {}
    for rate in RATES:
        wanted = {"model": (on_model, options.faults), "rtl": (on_rtl, rtl)}
        wanted |= {"loads": (loads_on_model, options.loads), "loads, rtl": (loads_on_rtl, options.loads_rtl)}
        for name, (runner, faults) in wanted.items():
            if not faults:
                continue
            outcome = runner(faults // len(RATES), rate, options.seed)
            facts = result[f"{name} {rate:g}"] = outcome.to_json()
            print(f"{name}, {rate:g} a byte: {facts}", flush=True)
    options.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    return int(any(facts["wrong"] for facts in result.values()))


if __name__ == "__main__":
    sys.exit(main())
