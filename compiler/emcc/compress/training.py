"""The training loop of Finetune. torch is imported here, when it is used."""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from emcc.base.errors import EmccError
from emcc.base.events import Event
from emcc.compress.parameters import Parameters
from emcc.ir.graph import Array, Graph
from emcc.ops.interpret import run
from emcc.samples.dataset import Dataset

if TYPE_CHECKING:
    from emcc.compress.finetune import Finetune

EVALUATE = 2048
STAGE = "fine-tuning"
CLASSIFIERS = ("Softmax", "LogSoftmax", "ArgMax")

Loss = Callable[[Any, Any], Any]


@dataclass(frozen=True)
class Aim:
    """What training is for: a target a sample, and the loss of outputs against targets; see Finetune.

    `right` is the share of outputs as good as their targets, named by `measure`.
    """

    targets: Any
    loss: Loss
    right: Loss
    measure: str


def import_torch() -> Any:
    """torch, or EmccError with how to get it."""
    try:
        import torch
    except ImportError:
        hint = "pip install 'emcc-fpga[train]'"
        raise EmccError("fine-tuning needs torch, which is not installed", hint=hint) from None
    return torch


@contextmanager
def deterministic(torch: Any, threads: int) -> Iterator[None]:
    """torch with deterministic algorithms and so many threads, and then as it was."""
    count, strict = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    lenient = torch.is_deterministic_algorithms_warn_only_enabled()
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(True)
    try:
        yield
    finally:
        torch.set_num_threads(count)
        torch.use_deterministic_algorithms(strict, warn_only=lenient)


def split(samples: int, holdout: float, seed: int) -> tuple[Array, Array]:
    """Indices to train on and to judge by, shuffled; with too few samples to split, all of them for both."""
    order = np.random.default_rng(seed).permutation(samples)
    held = int(samples * holdout)
    return (order, order) if held == 0 else (order[held:], np.sort(order[:held]))


def batches(torch: Any, x: Array, rows: Array, size: int) -> Iterator[tuple[Array, Any]]:
    """The rows, `size` at a time, and x there as a float32 tensor."""
    for begin in range(0, len(rows), size):
        part = rows[begin : begin + size]
        yield part, torch.from_numpy(np.array(x[part], np.float32))


def outputs(torch: Any, graph: Graph, batch: Any, constants: dict[str, Any] | None = None) -> Any:
    """The graph's outputs, [n, features], by the operators' own meaning."""
    return run(graph, batch, torch, constants).flatten(1)


def objective(torch: Any, graph: Graph, options: "Finetune", data: Dataset) -> Aim:
    """The labels, or else the outputs of the teacher."""
    functional = torch.nn.functional
    size = graph.tensors[graph.outputs[0]].features
    if data.y is not None and size > 1 and data.y.max() < size:
        labels = torch.from_numpy(np.array(data.y))
        return Aim(labels, functional.cross_entropy, lambda got, label: (got.argmax(1) == label).double(), "accuracy")
    if options.teacher is None:
        raise ValueError("without labels there must be a teacher")
    with torch.no_grad():
        everything = batches(torch, data.x, np.arange(len(data)), EVALUATE)
        targets = torch.cat([outputs(torch, options.teacher, batch) for _, batch in everything])
    scores = options.distil == "distribution" or (
        options.distil == "auto" and any(op in CLASSIFIERS for op, _ in graph.host)
    )
    if scores and size > 1:
        heat = options.temperature

        def divergence(got: Any, wanted: Any) -> Any:
            logs = functional.log_softmax(got / heat, 1), functional.log_softmax(wanted / heat, 1)
            return functional.kl_div(*logs, reduction="batchmean", log_target=True) * heat**2

        def same(got: Any, wanted: Any) -> Any:
            return (got.argmax(1) == wanted.argmax(1)).double()

        return Aim(targets, divergence, same, "agreement")
    variance = float(targets.double().var(0, unbiased=False).mean()) or 1.0

    def error(got: Any, wanted: Any) -> Any:
        return functional.mse_loss(got, wanted) / variance

    return Aim(targets, error, lambda got, wanted: 1 - error(got, wanted), "explained variance")


def train(graph: Graph, options: "Finetune", data: Dataset, epochs: int, rate: float) -> Graph:
    """Trains for so many epochs; returns the best of all epochs' ends and the beginning."""
    torch = import_torch()
    with deterministic(torch, options.threads):
        aim = objective(torch, graph, options, data)
        rows, judges = split(len(data), options.holdout, options.seed)
        parameters = Parameters(torch, graph)
        optimiser = torch.optim.Adam(parameters.leaves(), lr=rate)
        decay = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, epochs * math.ceil(len(rows) / options.batch))

        def judge() -> tuple[float, float]:
            """(loss, quality in percent) on the held-out samples."""
            total = right = 0.0
            with torch.no_grad():
                constants = parameters.constants()
                for part, batch in batches(torch, data.x, judges, EVALUATE):
                    got, wanted = outputs(torch, graph, batch, constants), aim.targets[part]
                    total += float(aim.loss(got, wanted)) * len(part)
                    right += float(aim.right(got, wanted).mean()) * len(part)
            return total / len(judges), 100 * right / len(judges)

        kept, size = parameters.kept()
        best, (least, _) = graph, judge()
        if not math.isfinite(least):
            raise EmccError("the model's outputs are NaN or infinite on the training data", hint="check the data")
        for epoch in range(epochs):
            order = np.random.default_rng([options.seed, epoch]).permutation(rows)
            for part, batch in batches(torch, data.x, order, options.batch):
                optimiser.zero_grad()
                aim.loss(outputs(torch, graph, batch, parameters.constants()), aim.targets[part]).backward()
                optimiser.step()
                decay.step()
            now, quality = judge()
            if options.progress:
                options.progress(Event(STAGE, epoch + 1, epochs, now, 1 - kept / size, quality, aim.measure))
            if now < least:
                best, least = parameters.graph(), now
        return best
