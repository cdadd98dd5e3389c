"""A recurrent network and a transformer encoder, ten times smaller: what is lost on digits that emcc never saw.

    python benchmarks/sequence_nets.py [--only gru transformer] [--method product] [--json FILE]

scikit-learn's 1,797 digits as sequences: the GRU reads 8 rows of 8 pixels, the transformer 32 tokens of an embedding,
the mean of two pixels each, from 0 to 16. torch trains a float network on 60 % of them, `emcc compress` makes it ten
times smaller with the same 60 %, and onnxruntime runs both files on the other 40 %, once. --method names other methods
than magnitude+kmeans.

Exit code 1 where a file is not ten times smaller than the float32 parameters, or loses more than a point. The figures
are in docs/methods-sequence.md.
"""

import argparse
import json
import sys
import tempfile
import time
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from emcc.driver.compress import compress_model
from emcc.driver.request import CompressOptions, goal_of

TIMES, ALLOWED = 10, 1.0
"""How much smaller, and points that may be lost."""

STEPS = {"gru": 640, "transformer": 480}
"""Of training while it is compressed."""

EPOCHS, RATE = {"gru": 20, "transformer": 14}, {"gru": 3e-3, "transformer": 2e-3}
SHIFTS = ((0, 0), (0, 1), (0, -1), (1, 0), (-1, 0))
"""Rows and columns that the transformer's images are moved by: five samples of each that trains."""

Array = np.ndarray[Any, Any]


def digits(name: str) -> tuple[Array, Array, Array, Array]:
    """Return the samples that train, their labels, and those of the others."""
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    order, many = np.random.default_rng(0).permutation(len(images)), round(0.6 * len(images))
    images, y = images.reshape(-1, 8, 8)[order], labels[order].astype(np.int64)
    if name == "gru":
        x = (images / 16).astype(np.float32)
        return x[:many], y[:many], x[many:], y[many:]
    more = np.concatenate([moved(images[:many], *by) for by in SHIFTS])
    return tokens(more), np.tile(y[:many], len(SHIFTS)), tokens(images[many:]), y[many:]


def tokens(images: Array) -> Array:
    """Return the means of two pixels each, 0 to 16, int64 [n, 32]."""
    pairs: Array = images.reshape(-1, 32, 2).sum(axis=2) // 2
    return pairs.astype(np.int64)


def moved(images: Array, down: int, across: int) -> Array:
    """Return images [n, 8, 8] moved by a row or a column, with zeros where nothing comes from."""
    framed = np.pad(images, ((0, 0), (1, 1), (1, 1)))
    return framed[:, 1 - down : 9 - down, 1 - across : 9 - across]


def network(name: str) -> Any:
    """Return the float network, not trained."""
    import torch

    class Recurrent(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.rnn = torch.nn.GRU(8, 64, num_layers=2, batch_first=True)
            self.out = torch.nn.Linear(64, 10)

        def forward(self, x: Any) -> Any:
            return self.out(self.rnn(x)[0][:, -1])

    class Encoder(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.table = torch.nn.Embedding(17, 64)
            self.places = torch.nn.Parameter(torch.randn(32, 64))
            self.layer = torch.nn.TransformerEncoderLayer(64, 4, 128, 0.1, "gelu", batch_first=True, norm_first=True)
            self.out = torch.nn.Linear(64, 10)
            levels = torch.linspace(-1, 1, 17)[:, None] * torch.randn(64)
            self.table.weight.data.copy_(levels + 0.1 * self.table.weight.data)

        def forward(self, x: Any) -> Any:
            return self.out(self.layer(self.table(x) + self.places).mean(1))

    return Recurrent() if name == "gru" else Encoder()


def trained(name: str, x: Array, y: Array, path: Path) -> int:
    """Train the float network and write it to `path`; return how many parameters it has."""
    import torch

    torch.manual_seed(0)
    torch.set_num_threads(1)
    net, inputs, wanted = network(name), torch.from_numpy(x), torch.from_numpy(y)
    optimiser = torch.optim.Adam(net.parameters(), RATE[name])
    steps = EPOCHS[name] * -(-len(x) // 64)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    for _ in range(EPOCHS[name]):
        for rows in torch.randperm(len(x)).split(64):
            optimiser.zero_grad()
            torch.nn.functional.cross_entropy(net(inputs[rows]), wanted[rows]).backward()
            optimiser.step()
            schedule.step()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        names: dict[str, Any] = {"input_names": ["x"], "output_names": ["y"]}
        axes = {"x": {0: "n"}, "y": {0: "n"}}
        torch.onnx.export(
            net.eval(), (inputs[:3],), str(path), dynamo=False, opset_version=17, dynamic_axes=axes, **names
        )
    return sum(parameter.numel() for parameter in net.parameters())


def accuracy(path: Path, x: Array, y: Array) -> float:
    """Return how many samples an ONNX file gets right in onnxruntime, in percent."""
    import onnxruntime

    (scores,) = onnxruntime.InferenceSession(str(path)).run(None, {"x": x})
    return float(100 * (scores.argmax(1) == y).mean())


def row(name: str, folder: Path, method: str | None = None) -> dict[str, Any]:
    """Return the figures of one network; `method`: as --method takes it."""
    x, y, others, theirs = digits(name)
    model, data, began = folder / f"{name}.onnx", folder / f"{name}.npz", time.process_time()
    parameters = trained(name, x, y, model)
    between = time.process_time()
    np.savez(data, x=x, y=y)
    goal = goal_of(None, str(4 * parameters // TIMES), None)
    artefact = compress_model(CompressOptions(model, data, goal, steps=STEPS[name], method=method))
    artefact.write(folder / name)
    ended, totals = time.process_time(), artefact.manifest["totals"]
    before, after = (accuracy(path, others, theirs) for path in (model, folder / name / "compressed.onnx"))
    return {
        "network": name,
        **({"method": method} if method else {}),
        "parameters": parameters,
        "float_bytes": 4 * parameters,
        "bytes": totals["bytes"],
        "header_bytes": totals["header_bytes"],
        "smaller": 4 * parameters / totals["bytes"],
        "kept": totals["kept"] / totals["weights"],
        "samples": len(theirs),
        "before": before,
        "after": after,
        "lost": before - after,
        "training_seconds": round(between - began, 1),
        "compressing_seconds": round(ended - between, 1),
    }


def said(found: Mapping[str, Any]) -> str:
    """Return a row as a sentence."""
    return (
        f"{found['network']}: {found['parameters']:,} numbers, {found['float_bytes']:,} to {found['bytes']:,} bytes: "
        f"{found['smaller']:.1f} times smaller; {found['before']:.2f} to {found['after']:.2f} % of "
        f"{found['samples']} others; {found['training_seconds']} s and {found['compressing_seconds']} s"
    )


def main() -> int:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=("gru", "transformer"), default=("gru", "transformer"))
    parser.add_argument("--method", metavar="METHODS", help="in the place of magnitude+kmeans")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures")
    options = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory(prefix="emcc-sequences-") as folder:
        for name in options.only:
            rows.append(row(name, Path(folder), options.method))
            print(said(rows[-1]), flush=True)
    if options.json:
        options.json.write_text(json.dumps(rows, indent=2) + "\n")
    return int(any(found["smaller"] < TIMES or found["lost"] > ALLOWED for found in rows))


if __name__ == "__main__":
    sys.exit(main())
