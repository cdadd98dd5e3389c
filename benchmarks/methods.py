"""Every method of compression on LeNet-300-100 and LeNet-5, by the fixed schedule: size, error, cycles.

    python benchmarks/methods.py [--data ../shared/data] [--only MODEL/METHOD ...] [--seeds 1] [--samples 60000]
        [--json FILE]
    python benchmarks/methods.py --best [--only MODEL ...] [--seeds 3] [--json FILE]

A method is a row of benchmarks/common/methods_*.py. The models are the dense ones of Guo et al. 2016, trained further
on the first --samples of MNIST's training images. Errors are of MNIST's test images, which decide nothing, by what
model.emc holds; cycles those of the cycle model on 8 PEs. Figures are means over seeds, which shuffle the images.

--best runs the best combination instead, as benchmarks/deep_compression.py does with smaller files: trained from
scratch with warped images, pruned and shared with distillation, for a size; cycles on 16 PEs.
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.common import methods
from benchmarks.deep_compression import SMALLEST


def main() -> None:
    """All rows, or those of --only."""
    known = methods.rows()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--only", nargs="+", metavar="MODEL/METHOD", default=[row.key for row in known])
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--samples", type=int, default=60_000)
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--best", action="store_true", help="the best combination alone; --only takes models then")
    arguments = parser.parse_args()
    if arguments.best:
        every = arguments.only == [row.key for row in known]
        chosen = [model for model in SMALLEST if every or model in arguments.only]
        combined(chosen, arguments.data / "mnist", arguments.seeds, arguments.json)
        return
    if unknown := sorted(set(arguments.only) - {row.key for row in known}):
        parser.error(f"no row {', '.join(unknown)}; there are {', '.join(row.key for row in known)}")
    samples, found = methods.Samples.read(arguments.data, arguments.samples), dict[str, Any]()
    for model, file in methods.MODELS.items():
        path, chosen = arguments.data / "models" / file, [row for row in known if row.model == model]
        chosen = [row for row in chosen if row.key in arguments.only]
        if not chosen:
            continue
        before = methods.dense(path, samples)
        found[model] = {"dense": before, "best": {}, "methods": {}}
        show(f"{model}/dense", before)
        for row in chosen:
            results = [methods.measured(row, path, samples, seed) for seed in range(arguments.seeds)]
            found[model]["methods"][row.name] = methods.means(results)
            found[model]["best"] = methods.best(found[model]["methods"], before["error"])
            show(row.key, found[model]["methods"][row.name])
            if arguments.json:
                arguments.json.write_text(json.dumps(found, indent=1) + "\n")


def combined(models: Sequence[str], data: Path, seeds: int, json_file: Path | None) -> None:
    """The best combination of some models, each seed on a line, and their means."""
    found: dict[str, Any] = {}
    for model in models:
        results = []
        for seed in range(seeds):
            results.append(methods.best_combination(model, data, seed))
            show(f"{model}/seed {seed}", results[-1])
        each = [result["error"] for result in results]
        found[model] = {"best": {"methods": methods.BEST, **methods.means(results), "each": each}, "methods": {}}
        show(f"{model}/best", methods.means(results))
        if json_file:
            json_file.write_text(json.dumps(found, indent=1) + "\n")


def show(name: str, figures: Mapping[str, float]) -> None:
    """Print a row."""
    print(f"{name:40}", *(f"{key} {value:,.2f}" for key, value in figures.items()), flush=True)


if __name__ == "__main__":
    main()
