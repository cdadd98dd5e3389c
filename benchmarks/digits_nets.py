"""Small convolutional networks, trained here, compressed, and run in Verilator, on scikit-learn's digits.

    python benchmarks/digits_nets.py [--only NAME...] [--steps N] [--jobs N] [--json FILE]

Five networks in the manner of MobileNet (depthwise), ShuffleNet (grouped, shuffled), ResNet (short cuts), SqueezeNet
(fire) and MobileNetV3 (squeeze and excite, hard swish), each exported to ONNX and compiled for 16 PEs with
--max-drop 1. Of the 1,797 digits 958 train, in nine positions each (up to a pixel away), the network and then emcc; 240
others, in nine positions too, decide what is lost (--validate); Verilator and the reference answer for the 599 that
neither saw. Where the promise leaves more than 30 % of the weights, the network is compiled with --target-sparsity 0.7
too.

Exit code 1 where an integer or a cycle count is wrong, or more than a point of accuracy is lost.
"""

import argparse
import json
import multiprocessing
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

NAMES = ("mobilenet", "shufflenet", "resnet", "squeezenet", "mobilenetv3")
PES = 16
MOST_KEPT = 0.3
DROP = 1.0
STEPS = 1500
HEAD = "| network | goal | weights kept | bytes | accuracy | float | cycles | groups | utilisation | wrong integers |"


Samples = tuple[np.ndarray, np.ndarray]
"""float32 [n, 1, 8, 8] from 0 to 1, int64 [n]."""


def digits() -> tuple[Samples, Samples, Samples]:
    """Return what trains, what decides, and what is judged on."""
    from sklearn.datasets import load_digits

    held = load_digits()
    x, y = (held.images[:, None] / 16).astype(np.float32), held.target.astype(np.int64)
    order = np.random.default_rng(0).permutation(len(x))
    judged, deciding, training = np.split(order, [len(x) // 3, len(x) // 3 + len(x) * 2 // 15 + 1])
    return (x[training], y[training]), (x[deciding], y[deciding]), (x[judged], y[judged])


def moved(samples: Samples) -> Samples:
    """Return samples in nine positions each, rolled by up to a pixel."""
    x, y = samples
    return np.concatenate([np.roll(x, (i, j), (2, 3)) for i in (-1, 0, 1) for j in (-1, 0, 1)]), np.tile(y, 9)


def rows_of(name: str, steps: int, rtl: int | None) -> list[dict[str, Any]]:
    """Train a network, compile it for each goal that applies, and return a row each."""
    import emcc
    from benchmarks.common.cnn import small
    from emcc.api.modules import export

    training, deciding, judged = digits()
    net = small.trained(name, *training)
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="emcc-digits-") as folder:
        model = Path(folder) / f"{name}.onnx"
        model.write_bytes(export(net, judged[0][:1]))
        before = _float_accuracy(model, *judged)
        for goal in ({"max_drop": DROP}, {"target_sparsity": 1 - MOST_KEPT}):
            if rows and rows[0]["kept"] <= MOST_KEPT:
                break
            artefact = emcc.compile(model, data=moved(training), validate=moved(deciding), pes=PES, steps=steps, **goal)
            rows.append({"network": name, "goal": goal, "float": before, **_row(artefact, *judged, rtl)})
    return rows


def _row(artefact: Any, x: np.ndarray, y: np.ndarray, rtl: int | None) -> dict[str, Any]:
    """Return what a compiled network keeps, answers and takes."""
    total, ran = artefact.manifest["totals"], artefact.simulate((x, y), count=rtl)
    if ran.failure:
        raise RuntimeError(ran.failure)
    return {
        "weights": total["weights"],
        "kept": total["density"],
        "bytes": total["bytes"],
        "accuracy": 100 * float((artefact.predict(x).argmax(1) == y).mean()),
        "of": len(y),
        "simulated": ran.inferences,
        "cycles": round(float(ran.cycles.mean())),
        "predicted": round(float(ran.predicted_cycles.mean())),
        "groups": artefact.manifest["options"]["passes"]["lower"]["groups"],
        "utilisation": round(ran.utilisation, 3),
        "mismatches": ran.mismatches,
        "cycle_mismatches": ran.cycle_mismatches,
    }


def _float_accuracy(model: Path, x: np.ndarray, y: np.ndarray) -> float:
    """Return onnxruntime's, in percent."""
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    (logits,) = ort.InferenceSession(str(model), options, providers=["CPUExecutionProvider"]).run(None, {"x": x})
    return 100 * float((logits.argmax(axis=1) == y).mean())


def line(row: dict[str, Any]) -> str:
    """Return a row as a line of a table."""
    (goal,) = row["goal"].items()
    cells = [row["network"], f"--{goal[0].replace('_', '-')} {goal[1]:g}", f"{row['kept']:.1%}", f"{row['bytes']:,}"]
    cells += [f"{row['accuracy']:.2f} %", f"{row['float']:.2f} %", f"{row['cycles']:,}", str(row["groups"])]
    return f"| {' | '.join([*cells, str(row['utilisation']), str(row['mismatches'])])} |"


def faults(rows: Sequence[dict[str, Any]]) -> list[str]:
    """Return what must not be, a line each."""
    wrong = []
    for row in rows:
        name = f"{row['network']} {row['goal']}"
        if row["mismatches"] or row["cycle_mismatches"]:
            wrong.append(f"{name}: {row['mismatches']} wrong integers, {row['cycle_mismatches']} wrong cycle counts")
        if row["accuracy"] < row["float"] - DROP:
            wrong.append(f"{name}: {row['accuracy']:.2f} %, the float model {row['float']:.2f} %")
    return wrong


def main(arguments: Sequence[str] | None = None) -> int:
    """1 where something is wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=NAMES, default=NAMES, metavar="NAME", help=", ".join(NAMES))
    parser.add_argument("--steps", type=int, default=STEPS, metavar="N", help="training steps of emcc (%(default)s)")
    parser.add_argument("--rtl", type=int, metavar="N", help="the first so many held-out digits in Verilator (all)")
    parser.add_argument("--jobs", type=int, default=1, help="networks at a time; the rows do not depend on it")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows there")
    given = parser.parse_args(arguments)
    made = partial(rows_of, steps=given.steps, rtl=given.rtl)
    rows: list[dict[str, Any]] = []
    print(f"{HEAD}\n|{' --- |' * (HEAD.count('|') - 1)}")
    with ProcessPoolExecutor(given.jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
        for found in pool.map(made, given.only):
            rows += found
            print("\n".join(map(line, found)), flush=True)
            if given.json:
                given.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    wrong = faults(rows)
    for fault in wrong:
        print(f"wrong: {fault}", file=sys.stderr)
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
