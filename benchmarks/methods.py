"""Every method of compression on LeNet-300-100 and LeNet-5, by the fixed schedule: size, error, cycles.

    python benchmarks/methods.py [--data ../shared/data] [--only MODEL/METHOD ...] [--seeds 1] [--samples 60000]
        [--json FILE]

A method is a row of benchmarks/common/methods_*.py. The models are the dense ones of Guo et al. 2016, trained further
on the first --samples of MNIST's training images. Errors are of MNIST's test images, which decide nothing, by what
model.emc holds; cycles those of the cycle model on 8 PEs. Figures are means over seeds, which shuffle the images.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.common import methods


def main() -> None:
    """All rows, or those of --only."""
    known = methods.rows()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--only", nargs="+", metavar="MODEL/METHOD", default=[row.key for row in known])
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--samples", type=int, default=60_000)
    parser.add_argument("--json", type=Path, metavar="FILE")
    arguments = parser.parse_args()
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


def show(name: str, figures: dict[str, float]) -> None:
    """Print a row."""
    print(f"{name:40}", *(f"{key} {value:,.2f}" for key, value in figures.items()), flush=True)


if __name__ == "__main__":
    main()
