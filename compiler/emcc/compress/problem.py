"""The problem that compression solves: what trains, what decides, what the aim is."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from typing import Any

import numpy as np

from emcc.base.errors import EmccError
from emcc.compress.augment import Augment
from emcc.compress.dropout import Dropout
from emcc.ir.graph import Array, Graph
from emcc.ops import interpret
from emcc.ops.host import classes
from emcc.samples.dataset import Dataset
from emcc.samples.split import split

EVALUATE = 1024
PERIOD, ROOM = 6, 1 << 25
"""Epochs after which orders and augmentation come again; numbers of the original's outputs that are kept."""


@dataclass(frozen=True)
class Aim:
    """How a problem is set.

    Attributes:
        holdout: share of the data that decides and does not train; seed: of orders and random changes.
        batch: samples a step.
        distil: share of the original model's outputs in the aim, beside labels; without labels they are all of it.
        temperature: of distilling scores (Hinton et al. 2015).
        scores: whether outputs are learned as scores of classes, by the Kullback-Leibler divergence, or as values, by
            the mean squared error over their variance; None: as scores where outputs can be told apart as classes.
        augment: random changes of image inputs; dropout, input_dropout: shares that a step leaves out.
        weight_decay: per unit of learning rate.
    """

    holdout: float = 0.1
    seed: int = 0
    batch: int = 256
    distil: float = 0.0
    temperature: float = 1.0
    scores: bool | None = None
    augment: str = "none"
    dropout: float = 0.0
    input_dropout: float = 0.0
    weight_decay: float = 0.0


def outputs(torch: Any, graph: Graph, x: Any, constants: dict[str, Any] | None = None) -> Any:
    """The graph's outputs, [n, features], by the operators' own meaning."""
    return interpret.run(graph, x, torch, constants).flatten(1)


@dataclass
class Problem:
    """A folded float graph and its data, and what training needs of both.

    Attributes:
        torch: the module. original: the graph that is compressed, and learned from.
        train, held: rows of the data. dropout: how activations are left out in training.
        labelled: whether labels are the aim; scores: whether outputs are judged as classes; measure: the quality's
            name.
    """

    torch: Any
    original: Graph
    data: Dataset
    options: Aim
    train: Array = field(init=False)
    held: Array = field(init=False)

    def __post_init__(self) -> None:
        self.train, self.held = split(len(self.data), self.options.holdout, self.options.seed)
        shape = tuple(int(size or 1) for size in self.original.tensors[self.original.inputs[0]].shape[1:])
        self._augment = Augment(self.torch, self.options.augment, shape)
        self.dropout = Dropout(self.torch, self.original, self.options.dropout, self.options.input_dropout)
        result = self.original.tensors[self.original.outputs[0]]
        vector = sum(size != 1 for size in result.shape[1:]) == 1
        labels = self.data.y
        self.labelled = labels is not None and vector and int(labels.max()) < result.features
        self._kept: dict[tuple[int, int, float], Any] = {}
        self._room = ROOM
        self._targets = [self._numpy(self.original, x) for _, x in self.batches(self.held)]
        targets = np.concatenate(self._targets)
        if not np.isfinite(targets).all():
            raise EmccError("the model's outputs are NaN or infinite on the data", hint="check the data")
        self._variance = float(targets.var(0).mean()) or 1.0
        by_class = self.options.scores is not False and self._classes(targets) is not None
        self.scores = self.labelled or by_class
        self.measure = "accuracy" if self.labelled else "agreement" if self.scores else "explained variance"

    def batches(self, rows: Array) -> Iterator[tuple[Array, Any]]:
        """Rows in order, with their inputs as float32 tensors; read when asked for."""
        for begin in range(0, len(rows), EVALUATE):
            part = rows[begin : begin + EVALUATE]
            yield part, self.torch.from_numpy(np.array(self.data.x[part], np.float32))

    def steps(self) -> int:
        """Steps of an epoch."""
        return max(1, len(self.train) // self.options.batch)

    def epoch(self, number: int, clean: float = 0.0) -> Iterator[tuple[Array, Any, Any]]:
        """(rows, inputs, the original's outputs) a batch, shuffled and augmented by (seed, number).

        A short last batch is left out; a share `clean` of samples is not augmented. Orders come again every PERIOD
        epochs, so that the original need not run every time.
        """
        number %= PERIOD
        rng = np.random.default_rng([self.options.seed, 1, number])
        order = rng.permutation(self.train)
        size = min(self.options.batch, len(order))
        self._augment.begin(rng)
        for begin in range(0, self.steps() * size, size):
            rows = np.sort(order[begin : begin + size])
            x = self._augment(self.torch.from_numpy(np.array(self.data.x[rows], np.float32)), rng, clean)
            x = x.contiguous(memory_format=self.torch.channels_last) if x.ndim == 4 else x
            yield rows, x, self._target(rows, x, (number, begin, clean))

    def _target(self, rows: Array, x: Any, key: tuple[int, int, float]) -> Any:
        """The original's outputs on a batch; kept by row where nothing is augmented, else under `key`, if they fit."""
        if self.labelled and not self.options.distil:
            return None
        if self._plain_targets is not None and (self.options.augment == "none" or key[2] >= 1):
            return self._plain_targets[np.searchsorted(self.train, rows)]
        if key in self._kept:
            return self._kept[key]
        with self.torch.no_grad():
            target = outputs(self.torch, self.original, x)
        if self._room >= target.numel():
            self._room -= target.numel()
            self._kept[key] = target
        return target

    @cached_property
    def _plain_targets(self) -> Any:
        """The original's outputs on all training rows as they are, [n, features]; None where they are too many."""
        if self._targets[0].shape[1] * len(self.train) > ROOM:
            return None
        with self.torch.no_grad():
            return self.torch.cat([outputs(self.torch, self.original, x) for _, x in self.batches(self.train)])

    def loss(self, output: Any, rows: Array, target: Any) -> Any:
        """The aim: labels' cross entropy and the original's outputs `target`, in the shares that the options say."""
        functional, heat = self.torch.nn.functional, self.options.temperature
        share = self.options.distil if self.labelled else 1.0
        total = 0.0
        if self.labelled and share < 1:
            assert self.data.y is not None
            labels = self.torch.from_numpy(np.array(self.data.y[rows]))
            total = (1 - share) * functional.cross_entropy(output, labels)
        if share:
            if self.scores:
                logs = functional.log_softmax(output / heat, 1), functional.log_softmax(target / heat, 1)
                distance = functional.kl_div(*logs, reduction="batchmean", log_target=True) * heat**2
            else:
                distance = functional.mse_loss(output, target) / self._variance
            total = total + share * distance
        return total

    def judge(self, graph: Graph, most: int | None = None) -> tuple[float, float]:
        """(loss, quality in percent) on the held-out rows, or on `most` times EVALUATE of them.

        Quality is accuracy where there are labels, else agreement with the original's classes; where outputs are no
        classes, the share of the original outputs' variance that is explained.
        """
        losses, right, error, count = 0.0, 0.0, 0.0, 0
        with self.torch.no_grad():
            for target, (rows, x) in islice(zip(self._targets, self.batches(self.held), strict=False), most):
                output = outputs(self.torch, graph, x)
                count += len(rows)
                losses += float(self.loss(output, rows, self.torch.from_numpy(target))) * len(rows)
                values = output.numpy()
                if self.labelled:
                    assert self.data.y is not None
                    right += float(np.sum(values.argmax(1) == self.data.y[rows]))
                elif self.scores:
                    predicted, wanted = self._classes(values), self._classes(target)
                    assert predicted is not None
                    right += float(np.sum(predicted == wanted))
                else:
                    error += float(np.square(values - target).mean(1).sum())
        quality = 100 * right / count if self.scores else 100 * max(0.0, 1 - error / count / self._variance)
        return losses / count, quality

    def agreement(self, graph: Graph) -> float:
        """Percent of held-out samples with the original's class (explained variance where there are no classes)."""
        if not self.labelled:
            return self.judge(graph)[1]
        same = 0
        for target, (_, x) in zip(self._targets, self.batches(self.held), strict=True):
            same += int(np.sum(self._numpy(graph, x).argmax(1) == target.argmax(1)))
        return 100 * same / len(self.held)

    def _classes(self, flat: Array) -> Array | None:
        """Of outputs [n, features]; operators of the host see the shape that they are for."""
        shape = self.original.tensors[self.original.outputs[0]].shape[1:]
        return classes(self.original.host, flat.reshape(len(flat), *(size or 1 for size in shape)))

    def _numpy(self, graph: Graph, x: Any) -> Array:
        with self.torch.no_grad():
            return np.asarray(outputs(self.torch, graph, x).numpy())
