"""Training helpers, distillation and Network Slimming, on scikit-learn's digits: error, bytes, cycles.

    python benchmarks/helpers.py [--only GROUP...] [--seeds 3] [--json FILE]

1,437 of the 1,797 digits train, 360 measure, which decide nothing; both are those of examples/digits. Figures are means
over seeds, of the training and of the networks that are trained here; a digit is 0.28 % for one seed. GROUP:

    helpers   examples/digits' perceptron by the fixed schedule to 3 % of its weights, with each helper
    students  thin perceptrons with random weights, of which half stays, by labels alone, and taught by that perceptron
    slimming  a network with three BatchNormalizations, trained with and without the penalty on their scales (Liu et
              al. 2017), of whose filters half and a quarter stay, by the scales and by their L1 norm
"""

import argparse
import io
import json
import sys
import warnings
from collections.abc import Callable, Iterator
from functools import cache, partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

DIGITS = Path(__file__).resolve().parents[1] / "examples" / "digits"
Figures = dict[str, float]
Rows = Iterator[tuple[str, Callable[[int], Figures]]]

HELPERS: dict[str, dict[str, float]] = {
    "none": {},
    "weight decay 0.1": {"weight_decay": 0.1},
    "L1 1e-5": {"l1": 1e-5},
    "L1 1e-4": {"l1": 1e-4},
    "group 1e-4": {"group": 1e-4},
    "exclusive 1e-5": {"exclusive": 1e-5},
    "meProp 0.2": {"top_gradients": 0.2},
}
LESSONS: dict[str, dict[str, Any]] = {
    "labels alone": {"soft": 0.0},
    "outputs and labels": {},
    "hidden tensors first": {"features": "auto"},
}
STUDENTS = {"64-16-10": (16,), "64-16-16-16-10": (16, 16, 16)}
PENALTY, EPOCHS, BATCH = 1e-2, 20, 64
"""Of the scales' sizes, in the loss; of training the network with BatchNormalizations."""


def samples(name: str) -> tuple[np.ndarray, np.ndarray]:
    """x float32 [n, 64] and y int64 [n] of "train" or "test"."""
    with np.load(DIGITS / f"{name}.npz") as file:
        return file["x"], file["y"]


def error(artefact: Any, x: np.ndarray, y: np.ndarray) -> float:
    """Percent of samples that a compressed model gets wrong."""
    return 100 * float(np.mean(artefact.predict(x).argmax(axis=1) != y))


def helpers() -> Rows:
    """A row a helper."""
    import emcc

    def row(options: dict[str, float], seed: int) -> Figures:
        recipe = {"prune": {"sparsity": 0.97}, "finetune": {**options, "seed": seed}}
        made = emcc.compile(DIGITS / "digits.onnx", data=samples("train"), fixed=True, recipe=recipe)
        return {"error": error(made, *samples("test")), "bytes": len(made.files["model.emc"])}

    for name, options in HELPERS.items():
        yield name, lambda seed, options=options: row(options, seed)


def students() -> Rows:
    """A row a student and lesson."""
    import emcc

    def row(hidden: tuple[int, ...], lesson: dict[str, Any], seed: int) -> Figures:
        recipe = {"distil": {**lesson, "epochs": 40}, "finetune": {"seed": seed}, "search": {"seed": seed}}
        options: dict[str, Any] = {"data": samples("train"), "target_sparsity": 0.5, "steps": 600, "recipe": recipe}
        made = emcc.compress(student(hidden, seed), teacher=DIGITS / "digits.onnx", **options)
        learned = made.manifest["teacher"]["student"]
        figures = {"held out, learned": 100 - learned["quality"], "error": error(made, *samples("test"))}
        return {**figures, "bytes": len(made.files["model.emc"])}

    for width, hidden in STUDENTS.items():
        for name, lesson in LESSONS.items():
            yield f"{width}: {name}", lambda seed, hidden=hidden, lesson=lesson: row(hidden, lesson, seed)


def student(hidden: tuple[int, ...], seed: int) -> Any:
    """A perceptron with random weights, with digits.onnx's inputs and outputs."""
    import onnx
    from onnx import helper, numpy_helper

    rng, at = np.random.default_rng(seed), "x"
    sizes, nodes, weights = (64, *hidden, 10), [], []
    for i, (before, after) in enumerate(pairwise(sizes)):
        matrix = (rng.standard_normal((after, before)) * np.sqrt(2 / before)).astype(np.float32)
        weights += [numpy_helper.from_array(matrix, f"w{i}"), numpy_helper.from_array(np.zeros(after, "f4"), f"b{i}")]
        last = i == len(hidden)
        nodes.append(helper.make_node("Gemm", [at, f"w{i}", f"b{i}"], ["y" if last else f"s{i}"], f"fc{i}", transB=1))
        at = f"h{i}"
        nodes += [] if last else [helper.make_node("Relu", [f"s{i}"], [at], at)]
    ends = [helper.make_tensor_value_info(n, onnx.TensorProto.FLOAT, ["n", s]) for n, s in (("x", 64), ("y", 10))]
    graph = helper.make_graph(nodes, "student", ends[:1], ends[1:], weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)


def slimming() -> Rows:
    """A row a way of training, criterion and share."""
    import emcc

    def row(penalty: float, criterion: str, spread: str, keep: float, seed: int) -> Figures:
        (x, y), (test_x, test_y) = (images(name) for name in ("train", "test"))
        model, before, small = trained(penalty, seed)
        recipe = {
            "filters": {"criterion": criterion, "spread": spread, "keep": keep},
            "finetune": {"seed": seed, "epochs": 4},
        }
        options: dict[str, Any] = {"data": (x, y), "fixed": True, "recipe": recipe, "method": "filters"}
        made = emcc.compile(io_model(model), **options)
        after = {"error": error(made, test_x, test_y), "bytes": len(made.files["model.emc"])}
        cycles = made.manifest["totals"]["cycles"]["mean"]
        return {"dense error": before, "scales below 0.01, %": small, **after, "cycles": cycles}

    for keep in (0.5, 0.25):
        for criterion, spread in (("l1", "auto"), ("slimming", "auto"), ("slimming", "even")):
            for penalty in (0.0, PENALTY):
                name = f"keep {keep:g}, {criterion} {spread}, {'with' if penalty else 'no'} penalty"
                yield name, partial(row, penalty, criterion, spread, keep)


def images(name: str) -> tuple[np.ndarray, np.ndarray]:
    """The samples as x float32 [n, 1, 8, 8], and y."""
    x, y = samples(name)
    return x.reshape(-1, 1, 8, 8), y


@cache
def trained(penalty: float, seed: int) -> tuple[bytes, float, float]:
    """(ONNX file, error in percent, percent of the scales that are small) of a network trained from scratch."""
    import torch
    from torch import nn

    (x, y), (test_x, test_y) = (images(name) for name in ("train", "test"))

    torch.set_num_threads(1)
    torch.manual_seed(seed)

    def block(before: int, after: int) -> list[nn.Module]:
        return [nn.Conv2d(before, after, 3, padding=1, bias=False), nn.BatchNorm2d(after), nn.ReLU()]

    net = nn.Sequential(
        *block(1, 16),
        *block(16, 32),
        nn.MaxPool2d(2),
        *block(32, 32),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(128, 10),
    )
    scales = [part.weight for part in net if isinstance(part, nn.BatchNorm2d)]
    optimiser = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-4)
    steps = len(x) // BATCH
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, EPOCHS * steps)
    rng = np.random.default_rng(seed)
    for _ in range(EPOCHS):
        order = rng.permutation(len(x))
        for begin in range(0, steps * BATCH, BATCH):
            rows = order[begin : begin + BATCH]
            loss = nn.functional.cross_entropy(net(torch.from_numpy(x[rows])), torch.from_numpy(y[rows]))
            loss = loss + penalty * sum(scale.abs().sum() for scale in scales)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
    net.eval()
    with torch.no_grad():
        wrong = 100 * float((net(torch.from_numpy(test_x)).argmax(1).numpy() != test_y).mean())
        small = 100 * float((torch.cat(scales).abs() < 0.01).float().mean())
    file = io.BytesIO()
    options: dict[str, Any] = {"input_names": ["x"], "output_names": ["y"], "dynamic_axes": {"x": {0: "n"}}}
    torch.onnx.export(net, (torch.zeros(1, 1, 8, 8),), file, training=torch.onnx.TrainingMode.PRESERVE, dynamo=False,
                      do_constant_folding=False, **options)  # fmt: skip
    return file.getvalue(), wrong, small


def io_model(content: bytes) -> Any:
    """The ONNX model of a file's bytes."""
    import onnx

    return onnx.load_model_from_string(content)


GROUPS: dict[str, Callable[[], Rows]] = {"helpers": helpers, "students": students, "slimming": slimming}


def main() -> None:
    """All groups, or those of --only."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=list(GROUPS), default=list(GROUPS), metavar="GROUP")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--json", type=Path, metavar="FILE")
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    found: dict[str, dict[str, Figures]] = {}
    for group in given.only:
        found[group] = {}
        for name, measure in GROUPS[group]():
            runs = [measure(seed) for seed in range(given.seeds)]
            means = {key: float(np.mean([run[key] for run in runs])) for key in runs[0]}
            found[group][name] = means
            print(f"{group:10}{name:44}", *(f"{key} {value:,.2f}" for key, value in means.items()), flush=True)
            if given.json:
                given.json.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
