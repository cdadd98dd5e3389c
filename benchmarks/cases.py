"""Every small input on which emcc was once wrong, through the command line, with the outcome a line.

    python benchmarks/cases.py --cases DIR [--only NAME ...] [--json FILE]

DIR has a folder a case: model.onnx, data.npz, and test.npz, raw.npz or more models where a case has them. Right is what
a user may trust: the answer, or a refusal or first line that says what is wrong. Exit code 1 where one is not.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

LIMIT = 600
"""Seconds a command may take."""


@dataclass(frozen=True)
class Outcome:
    """What commands left: the last one's exit code and text, and the folder that they wrote into."""

    code: int
    text: str
    folder: Path

    @property
    def manifest(self) -> Any:
        """emcc.json of the artefact."""
        return json.loads((self.folder / "o" / "emcc.json").read_text())

    def has(self, *words: str) -> bool:
        """Whether the text, its lines joined, has all of these."""
        joined = " ".join(self.text.split())
        return all(word in joined for word in words)


Check = Callable[[Outcome, Path], tuple[bool, str]]


def emcc(*words: str) -> list[str]:
    """A command."""
    return [sys.executable, "-m", "emcc", *words]


def kept(outcome: Outcome, case: Path) -> tuple[bool, str]:
    """Quality is kept to the goal, or to a point, or the first line says that it is not."""
    if outcome.code:
        return False, last(outcome.text)
    quality, allowed = outcome.manifest["quality"], outcome.manifest.get("goal", {}).get("max_drop", 1.0)
    said = outcome.text.startswith(("LOST", "weights were rounded"))
    what = f"{quality['measure']} {quality['float']:.2f} to {quality['compressed']:.2f} %, lost {quality['lost']:.2f}"
    over = quality["lost"] > allowed
    return said or not over, what + (", said first" if over and said else "")


def answers(outcome: Outcome, data: Path) -> Any:
    """What `emcc run` answers to a file of data, of the design that was compiled."""
    command = emcc("run", str(outcome.folder / "o"), "--data", str(data), "--out", str(outcome.folder / "y.npz"))
    subprocess.run(command, capture_output=True, timeout=LIMIT, check=True)
    with np.load(outcome.folder / "y.npz") as arrays:
        return arrays["y"]


def truth(case: Path, x: Any) -> Any:
    """onnxruntime's outputs of the case's model."""
    import onnxruntime as ort

    session = ort.InferenceSession(str(case / "model.onnx"), providers=["CPUExecutionProvider"])
    return session.run(None, {session.get_inputs()[0].name: x})[0]


def follows(outcome: Outcome, case: Path) -> tuple[bool, str]:
    """As `kept`, and no answer is off by more than a hundredth of the outputs' range."""
    good, what = kept(outcome, case)
    if not good:
        return good, what
    with np.load(case / "data.npz") as arrays:
        y = truth(case, arrays["x"])
    worst = float(np.abs(answers(outcome, case / "data.npz") - y).max()) / float(np.ptp(y))
    return worst < 0.01, f"{what}; off by at most {worst:.3%} of the range"


def right_on(name: str) -> Check:
    """As `kept`, and the accuracy of the answers to a file falls by no more than a point and a half."""

    def check(outcome: Outcome, case: Path) -> tuple[bool, str]:
        good, what = kept(outcome, case)
        if not good:
            return good, what
        with np.load(case / name) as arrays:
            x, y = arrays["x"].astype(np.float32), arrays["y"]
        before, after = (100 * np.mean(classes(out) == y) for out in (truth(case, x), answers(outcome, case / name)))
        return bool(before - after <= 1.5), f"{what}; {name}: {before:.2f} to {after:.2f} %"

    return check


def classes(outputs: Any) -> Any:
    """Classes of outputs [n, m], or of one probability."""
    flat = np.asarray(outputs).reshape(len(outputs), -1)
    return flat.argmax(axis=1) if flat.shape[1] > 1 else (flat[:, 0] > 0.5).astype(int)


def kelvin(outcome: Outcome, case: Path) -> tuple[bool, str]:
    """The sum comes out, to a twentieth of a degree."""
    good, what = kept(outcome, case)
    with np.load(case / "data.npz") as arrays:
        x = arrays["x"]
    worst = float(np.abs(answers(outcome, case / "data.npz") - (x + 273.15)).max())
    return good and worst < 0.05, f"{what}; off by at most {worst:.4f}"


def says(code: int, *words: str) -> Check:
    """The exit code, and words in the text."""

    def check(outcome: Outcome, case: Path) -> tuple[bool, str]:
        return outcome.code == code and outcome.has(*words), last(outcome.text)

    return check


def last(text: str) -> str:
    """Of a text the line with an error, or the last."""
    lines = [line for line in text.splitlines() if line.strip()]
    return next((line for line in lines if "error:" in line), lines[-1] if lines else "")[:200]


COMPILE = ("compile", "{case}/model.onnx", "--data", "{case}/data.npz", "--out", "{out}/o")
CASES: Mapping[str, list[tuple[list[tuple[str, ...]], Check]]] = {
    "batchnorm_first_raw_features": [
        ([COMPILE], right_on("test.npz")),
        ([(*COMPILE, "--keep-weights")], right_on("test.npz")),
        ([(*COMPILE, "--max-drop", "1")], right_on("test.npz")),
    ],
    "dense_on_sequence": [([(*COMPILE, "--keep-weights")], follows)],
    "float16_not_checked": [([COMPILE], says(0, "agrees with onnxruntime", "in float16"))],
    "kelvin": [([COMPILE], kelvin), ([(*COMPILE, "--keep-weights")], kelvin)],
    "one_glitch_in_data": [
        ([(*COMPILE, "--keep-weights")], right_on("test.npz")),
        ([COMPILE], right_on("test.npz")),
    ],
    "one_output_with_labels": [
        ([(*COMPILE, *more)], right_on("test.npz")) for more in ((), ("--keep-weights",), ("--max-drop", "1"))
    ],
    "opset6_hint": [([("compile", "{case}/model.onnx", "--out", "{out}/o")], says(0, "quality: not measured"))],
    "qat_weights_only": [([("inspect", "{case}/model.onnx")], says(0, "supported"))],
    "reducemean_head": [
        ([("compress", f"{{case}}/{name}.onnx", "--keep-weights", "--out", "{out}/o")], says(0, "compressed"))
        for name in ("model_adaptiveavgpool_default_exporter", "model_mean_hw")
    ],
    "regression_default": [
        ([COMPILE], kept),
        ([("compile", "{case}/model.onnx", "--data", "{case}/data_float_y.npz", "--out", "{out}/o")], kept),
    ],
    "sensor_units_scaler": [([(*COMPILE, "--keep-weights")], kept), ([COMPILE], kept)],
    "simulate_saturates_silently": [
        (
            [(*COMPILE, "--keep-weights"), ("simulate", "{out}/o", "--data", "{case}/raw.npz")],
            says(0, "of the inputs", "every output integer equals the reference"),
        )
    ],
    "two_outputs_regression": [([(*COMPILE, "--max-drop", "2")], kept), ([COMPILE], kept)],
}


def run(case: Path, commands: list[tuple[str, ...]], check: Check, folder: Path) -> dict[str, Any]:
    """Run a case's commands, the last of which is judged: a row."""
    code, text = 0, ""
    for words in commands:
        given = [word.format(case=case, out=folder) for word in words]
        done = subprocess.run(emcc(*given), capture_output=True, text=True, timeout=LIMIT, check=False)
        code, text = done.returncode, done.stdout + done.stderr
    outcome = Outcome(code, text, folder)
    right, what = (False, "traceback") if "Traceback" in text else check(outcome, case)
    options = " ".join(word for word in commands[-1] if "{" not in word and word not in ("--data", "--out"))
    return {"case": case.name, "command": f"emcc {options}", "right": bool(right), "outcome": what}


def main() -> int:
    """Run the cases; 1 where one is wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=Path, required=True, help="the folder of cases")
    parser.add_argument("--only", nargs="*", default=sorted(CASES), help="names of cases")
    parser.add_argument("--json", type=Path, help="also write the rows there")
    options = parser.parse_args()
    rows = []
    for name in options.only:
        for commands, check in CASES[name]:
            with tempfile.TemporaryDirectory(prefix="emcc-case-") as folder:
                rows.append(run(options.cases / name, commands, check, Path(folder)))
            row = rows[-1]
            print(f"{'right' if row['right'] else 'WRONG'}  {name}: {row['command']}: {row['outcome']}", flush=True)
    if options.json:
        options.json.write_text(json.dumps({"rows": rows}, indent=2) + "\n")
    wrong = sum(not row["right"] for row in rows)
    print(f"{len(rows)} commands of {len(options.only)} cases, {wrong} wrong")
    return int(bool(wrong))


if __name__ == "__main__":
    raise SystemExit(main())
