"""The data of automatic compression: what trains, what decides, what the aim is."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import numpy as np

from emcc.base.errors import EmccError
from emcc.compress.augment import Augment
from emcc.compress.dropout import Dropout
from emcc.compress.search.options import Search
from emcc.compress.training import outputs
from emcc.ir.graph import Array, Graph
from emcc.ops.host import classes
from emcc.samples.dataset import Dataset

EVALUATE = 1024
PERIOD, ROOM = 6, 1 << 25
"""Epochs after which orders and augmentation come again; numbers of the original's outputs that are kept."""

JUDGES = 20_000
"""Most samples held out: more would not make a decision better, only slower."""


def split(samples: int, holdout: float, seed: int) -> tuple[Array, Array]:
    """Rows that train and rows that decide, disjoint and sorted; of fewer than two samples EmccError."""
    if samples < 2:
        raise EmccError("too little data to hold some out", hint="give at least two samples")
    order = np.random.default_rng([seed, 0x5B117]).permutation(samples)
    held = min(max(1, round(samples * holdout)), JUDGES, samples - 1)
    return np.sort(order[held:]), np.sort(order[:held])


@dataclass
class Problem:
    """A folded float graph and its data, and what training needs of both.

    Attributes:
        torch: the module. original: the graph that is compressed, and learned from.
        train, held: rows of the data. dropout: how hidden activations are left out in training.
    """

    torch: Any
    original: Graph
    data: Dataset
    options: Search
    train: Array = field(init=False)
    held: Array = field(init=False)

    def __post_init__(self) -> None:
        self.train, self.held = split(len(self.data), self.options.holdout, self.options.seed)
        shape = tuple(int(size or 1) for size in self.original.tensors[self.original.inputs[0]].shape[1:])
        self._augment = Augment(self.torch, self.options.augment, shape)
        self.dropout = Dropout(self.torch, self.original, self.options.dropout, self.options.input_dropout)
        result = self.original.tensors[self.original.outputs[0]]
        vector = sum(each != 1 for each in result.shape[1:]) == 1
        labels = self.data.y
        self.labelled = labels is not None and vector and int(labels.max()) < result.features
        self._kept: dict[tuple[int, int, float], Any] = {}
        self._room = ROOM
        self._said = [self._numpy(self.original, x) for _, x in self.batches(self.held)]
        everything = np.concatenate(self._said)
        if not np.isfinite(everything).all():
            raise EmccError("the model's outputs are NaN or infinite on the data", hint="check the data")
        self._variance = float(everything.var(0).mean()) or 1.0
        self.scores = self.labelled or self._classes(everything) is not None
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
            part = np.sort(order[begin : begin + size])
            x = self._augment(self.torch.from_numpy(np.array(self.data.x[part], np.float32)), rng, clean)
            x = x.contiguous(memory_format=self.torch.channels_last) if x.ndim == 4 else x
            yield part, x, self._told(x, (number, begin, clean))

    def _told(self, x: Any, key: tuple[int, int, float]) -> Any:
        """The original's outputs; kept under `key` while there is room."""
        if self.labelled and not self.options.distil:
            return None
        if key in self._kept:
            return self._kept[key]
        with self.torch.no_grad():
            found = outputs(self.torch, self.original, x)
        if self._room >= found.numel():
            self._room -= found.numel()
            self._kept[key] = found
        return found

    def loss(self, got: Any, rows: Array, wanted: Any) -> Any:
        """The aim: labels' cross entropy and the original's outputs `wanted`, in the shares that the options say."""
        functional, heat = self.torch.nn.functional, self.options.temperature
        share = self.options.distil if self.labelled else 1.0
        total = 0.0
        if self.labelled and share < 1:
            assert self.data.y is not None
            labels = self.torch.from_numpy(self.data.y[rows])
            total = (1 - share) * functional.cross_entropy(got, labels)
        if share:
            if self.scores:
                logs = functional.log_softmax(got / heat, 1), functional.log_softmax(wanted / heat, 1)
                told = functional.kl_div(*logs, reduction="batchmean", log_target=True) * heat**2
            else:
                told = functional.mse_loss(got, wanted) / self._variance
            total = total + share * told
        return total

    def judge(self, graph: Graph, most: int | None = None) -> tuple[float, float]:
        """(loss, quality in percent) on the held-out rows, or on `most` times EVALUATE of them.

        Quality is accuracy where there are labels, else agreement with the original's classes; where outputs are no
        classes, the share of the original outputs' variance that is explained.
        """
        losses, right, error, count = 0.0, 0.0, 0.0, 0
        with self.torch.no_grad():
            for said, (rows, x) in islice(zip(self._said, self.batches(self.held), strict=False), most):
                got = outputs(self.torch, graph, x)
                count += len(rows)
                losses += float(self.loss(got, rows, self.torch.from_numpy(said))) * len(rows)
                found = got.numpy()
                if self.labelled:
                    assert self.data.y is not None
                    right += float(np.sum(found.argmax(1) == self.data.y[rows]))
                elif self.scores:
                    mine, theirs = self._classes(found), self._classes(said)
                    assert mine is not None
                    right += float(np.sum(mine == theirs))
                else:
                    error += float(np.square(found - said).mean(1).sum())
        quality = 100 * right / count if self.scores else 100 * max(0.0, 1 - error / count / self._variance)
        return losses / count, quality

    def agreement(self, graph: Graph) -> float:
        """Percent of held-out samples with the original's class (explained variance where there are no classes)."""
        if not self.labelled:
            return self.judge(graph)[1]
        right = 0
        with self.torch.no_grad():
            for said, (_, x) in zip(self._said, self.batches(self.held), strict=True):
                right += int(np.sum(self._numpy(graph, x).argmax(1) == said.argmax(1)))
        return 100 * right / len(self.held)

    def _classes(self, flat: Array) -> Array | None:
        """Of outputs [n, features]; operators of the host see the shape that they are for."""
        shape = self.original.tensors[self.original.outputs[0]].shape[1:]
        return classes(self.original.host, flat.reshape(len(flat), *(size or 1 for size in shape)))

    def _numpy(self, graph: Graph, x: Any) -> Array:
        with self.torch.no_grad():
            return np.asarray(outputs(self.torch, graph, x).numpy())
