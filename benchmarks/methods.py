"""Every method of compression on LeNet-300-100 and LeNet-5, alone and at its best: size, error, cycles.

    python benchmarks/methods.py [--data ../shared/data] [--only MODEL/METHOD ...] [--seeds 3] [--samples 60000]
        [--json FILE]
    python benchmarks/methods.py --best [--seeds 3] [--json FILE]

A method is a row of benchmarks/common/methods_*.py, by the fixed schedule. The models are the dense ones of Guo et al.
2016, trained further on the first --samples of MNIST's training images; MODEL/dense is what they are before. MODEL/best
is the best combination, as benchmarks/deep_compression.py has it with smaller files: trained from scratch with warped
images, pruned and shared with distillation, for a size. It takes most of the time; --best runs nothing else.

Errors are of MNIST's test images, which decide nothing, by what model.emc holds; cycles those of the cycle model on 16
PEs. Figures are means over seeds, which shuffle the images.

Rows are put into FILE beside those that it has, one by one, so that several runs make one table: {MODEL: {"best":
{"ratio", "error", "bytes", "methods"}, "methods": {NAME: {...}}}}. The best is the smallest file that errs at most 0.3
points more than the dense network.
"""

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.common import methods, methods_file
from benchmarks.deep_compression import SMALLEST

ALL = 60_000
"""MNIST's training images, which the best combination takes whatever --samples says."""


def main() -> None:
    """All rows, or those of --only."""
    known = {row.key: row for row in methods.rows()}
    combined = {f"{model}/best": model for model in SMALLEST}
    dense = {f"{model}/{methods.DENSE}": model for model in methods.MODELS}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--only", nargs="+", metavar="MODEL/METHOD", default=[*dense, *known, *combined])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--samples", type=int, default=ALL)
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--best", action="store_true", help="the best combinations alone")
    arguments = parser.parse_args()
    asked = [*combined] if arguments.best else arguments.only
    if unknown := sorted(set(asked) - {*dense, *known, *combined}):
        parser.error(f"no row {', '.join(unknown)}; there are {', '.join((*dense, *known, *combined))}")
    try:
        table = methods_file.read(arguments.json)
    except ValueError as error:
        parser.error(str(error))
    samples = methods.Samples.read(arguments.data, arguments.samples)

    def put(key: str, name: str, results: list[dict[str, Any]], images: int) -> None:
        """A row of the table and of the file."""
        figures = methods.means(results)
        each = {"each": [result["error"] for result in results]} if len(results) > 1 else {}
        how = {"pes": methods.PES, "seeds": len(results), "samples": images}
        methods_file.put(table, key.split("/")[0], name, {**figures, **each, **how})
        methods_file.write(table, arguments.json)
        show(key, figures)

    for key in asked:
        seeds = range(arguments.seeds)
        if key in dense:
            path = arguments.data / "models" / methods.MODELS[dense[key]]
            put(key, methods.DENSE, [methods.dense(path, samples)], arguments.samples)
        elif key in known:
            path = arguments.data / "models" / methods.MODELS[known[key].model]
            results = [methods.measured(known[key], path, samples, seed) for seed in seeds]
            put(key, known[key].name, results, arguments.samples)
        else:
            results = [methods.best_combination(combined[key], arguments.data / "mnist", seed) for seed in seeds]
            put(key, methods.BEST, results, ALL)


def show(name: str, figures: Mapping[str, float]) -> None:
    """Print a row."""
    print(f"{name:40}", *(f"{key} {value:,.2f}" for key, value in figures.items()), flush=True)


if __name__ == "__main__":
    main()
