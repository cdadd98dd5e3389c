"""Small convolutional networks, trained here, compressed, and run in Verilator, on scikit-learn's digits.

    python benchmarks/digits_nets.py [--only NAME...] [--steps N] [--jobs N] [--json FILE]

Five networks in the manner of MobileNet (depthwise), ShuffleNet (grouped, shuffled), ResNet (short cuts), SqueezeNet
(fire) and MobileNetV3 (squeeze and excite, hard swish), each exported to ONNX and compiled for 16 PEs to 30 % of its
weights (--target-sparsity 0.7, shifts and warps while it trains) on two thirds of the 1,797 digits; Verilator and the
reference answer for the others, which neither the network nor emcc ever saw. --promise compiles with --max-drop 1 too:
so few samples decide there that its margin keeps most weights.

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
DROP = 1.0
GOALS: tuple[dict[str, Any], ...] = ({"target_sparsity": 0.7}, {"max_drop": DROP})
STEPS = 1500
RECIPE = {"search": {"augment": "warp"}}
HEAD = "| network | goal | weights kept | bytes | accuracy | float | cycles | groups | utilisation | wrong integers |"


def digits() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return (x float32 [n, 1, 8, 8] from 0 to 1, y int64 [n], which to train on: bool [n])."""
    from sklearn.datasets import load_digits

    held = load_digits()
    x = (held.images[:, None] / 16).astype(np.float32)
    train = np.random.default_rng(0).permutation(len(x)) >= len(x) // 3
    return x, held.target.astype(np.int64), train


def rows_of(name: str, steps: int, rtl: int | None, promise: bool) -> list[dict[str, Any]]:
    """Train a network, compile it for each goal, and return a row each."""
    import emcc
    from benchmarks.common.cnn import small
    from emcc.api.modules import export

    x, y, train = digits()
    net = small.trained(name, x[train], y[train])
    rows = []
    with tempfile.TemporaryDirectory(prefix="emcc-digits-") as folder:
        model = Path(folder) / f"{name}.onnx"
        model.write_bytes(export(net, x[:1]))
        before = _float_accuracy(model, x[~train], y[~train])
        for goal in GOALS[: 1 + promise]:
            artefact = emcc.compile(model, data=(x[train], y[train]), pes=PES, steps=steps, recipe=RECIPE, **goal)
            rows.append({"network": name, "goal": goal, "float": before, **_row(artefact, x[~train], y[~train], rtl)})
    return rows


def _row(artefact: Any, x: np.ndarray, y: np.ndarray, rtl: int | None) -> dict[str, Any]:
    """Return what a compiled network keeps, answers and takes; a shuffle is no weights, though a matrix in the end."""
    total, ran = artefact.manifest["compression"]["totals"], artefact.simulate((x, y), count=rtl)
    if ran.failure:
        raise RuntimeError(ran.failure)
    return {
        "weights": total["weights"],
        "kept": total["kept"] / total["weights"],
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
    parser.add_argument("--promise", action="store_true", help="with --max-drop 1 too")
    parser.add_argument("--rtl", type=int, metavar="N", help="the first so many held-out digits in Verilator (all)")
    parser.add_argument("--jobs", type=int, default=1, help="networks at a time; the rows do not depend on it")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows there")
    given = parser.parse_args(arguments)
    made = partial(rows_of, steps=given.steps, rtl=given.rtl, promise=given.promise)
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
