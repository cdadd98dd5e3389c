"""The data sets: inputs and targets in raw units, and which network each gets."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.common.trust import tables
from emcc.ir.graph import Array

Samples = tuple[Array, Array]
TRAINED = 0.6
"""Share of the samples that the float network and emcc see."""

SIZES = ("teachers", "calwpct", "mealpct", "computer", "expnstu", "str", "avginc", "elpct", "enrltot")
HOUSE = ("lotsize", "bedrooms", "bathrms", "stories", "driveway", "recroom", "fullbase", "gashw", "airco", "garagepl")
MACHINE = ("speed", "hd", "ram", "screen", "cd", "multi", "premium", "ads", "trend")
STATE = ("year", "pcap", "hwy", "water", "util", "pc", "emp")
PIMA = ("npreg", "glu", "bp", "skin", "bmi", "ped", "age")
GLASS = ("RI", "Na", "Mg", "Al", "Si", "K", "Ca", "Ba", "Fe")
FISHING = ("pbeach", "ppier", "pboat", "pcharter", "cbeach", "cpier", "cboat", "ccharter", "income")


@dataclass(frozen=True)
class Problem:
    """A data set and its network.

    Attributes:
        load: gives x float32 [n, features] and y: int64 [n] classes, or float32 [n, outputs] targets.
        head: "softmax", "sigmoid" (one output, classes 0 and 1) or "logits"; of a regression "scaled" (Mul and Add give
            raw units) or "folded" (the last weights do).
        front: how raw units are normalised: "batchnorm" (a node), "subdiv" (two nodes), "folded" (into the first
            weights) or "none".
        hidden: neurons a layer; steps: of training.
        small: whether it is among the ten of --promise.
    """

    load: Callable[[], Samples]
    head: str
    front: str
    hidden: tuple[int, ...] = (32, 16)
    steps: int = 1500
    small: bool = False

    @property
    def classifies(self) -> bool:
        """Whether y holds classes."""
        return self.head in ("softmax", "sigmoid", "logits")


@dataclass(frozen=True)
class Split:
    """Samples that are trained on and those that emcc never sees."""

    train: Samples
    test: Samples


def split(samples: Samples, seed: int) -> Split:
    """Deal the samples: TRAINED of them to train, at random; of each class alike where y holds classes."""
    x, y = samples
    order = np.random.default_rng([seed, 0x7E57]).permutation(len(x))
    if y.ndim == 1:
        order = order[np.argsort(y[order], kind="stable")]
        # Every class in its own order, and of each the first 60 %.
        place = np.concatenate([(np.arange(count) + 0.5) / count for count in np.bincount(y) if count])
        chosen = place < TRAINED
    else:
        chosen = np.arange(len(x)) < round(TRAINED * len(x))
    train, test = np.sort(order[chosen]), np.sort(order[~chosen])
    return Split((x[train], y[train]), (x[test], y[test]))


def _sklearn(name: str, **options: Any) -> Callable[[], Samples]:
    """Return a loader of a data set that scikit-learn ships."""

    def load() -> Samples:
        from sklearn import datasets

        x, y = getattr(datasets, f"load_{name}")(return_X_y=True, **options)
        if np.issubdtype(y.dtype, np.integer):
            return x.astype(np.float32), y.astype(np.int64)
        return x.astype(np.float32), y.reshape(len(y), -1).astype(np.float32)

    return load


def _classes(names: tuple[str, ...], inputs: tuple[str, ...], *labels: str) -> Callable[[], Samples]:
    """Return a loader of a classification table."""

    def load() -> Samples:
        rows = tables.read(*names)
        return tables.numbers(rows, *inputs), tables.classes(rows, *labels)

    return load


def _targets(name: str, inputs: tuple[str, ...], *outputs: str) -> Callable[[], Samples]:
    """Return a loader of a regression table."""

    def load() -> Samples:
        rows = tables.read(name)
        return tables.numbers(rows, *inputs), tables.numbers(rows, *outputs)

    return load


def _diamonds() -> Samples:
    """Every ninth of 53,940 diamonds: weight, cut's proportions and size in mm; the price in dollars."""
    rows = tables.read("ggplot2/diamonds")[::9]
    return tables.numbers(rows, "carat", "depth", "table", "x", "y", "z"), tables.numbers(rows, "price")


_BIOPSY = _classes(("MASS/biopsy",), tuple(f"V{place}" for place in range(1, 10)), "class")
_CRABS = _classes(("MASS/crabs",), ("FL", "RW", "CL", "CW", "BD"), "sp", "sex")
_PIMA = _classes(("MASS/Pima.tr", "MASS/Pima.te"), PIMA, "type")
_QUAKES = _targets("datasets/quakes", ("lat", "long", "depth", "stations"), "mag")

PROBLEMS: Mapping[str, Problem] = {
    "iris": Problem(_sklearn("iris"), "softmax", "batchnorm", small=True),
    "wine": Problem(_sklearn("wine"), "logits", "subdiv", small=True),
    "breast_cancer": Problem(_sklearn("breast_cancer"), "sigmoid", "batchnorm", small=True),
    "digits": Problem(_sklearn("digits"), "logits", "none", (64, 32), 3000),
    "biopsy": Problem(_BIOPSY, "sigmoid", "none", small=True),
    "pima": Problem(_PIMA, "sigmoid", "subdiv", (16, 8), 300, small=True),
    "crabs": Problem(_CRABS, "softmax", "batchnorm", small=True),
    "glass": Problem(_classes(("MASS/fgl",), GLASS, "type"), "logits", "batchnorm"),
    "fishing": Problem(_classes(("Ecdat/Fishing",), FISHING, "mode"), "softmax", "subdiv"),
    "diabetes": Problem(_sklearn("diabetes", scaled=False), "scaled", "batchnorm", (16, 8), 400, small=True),
    "linnerud": Problem(_sklearn("linnerud"), "scaled", "subdiv", (4,), 60),
    "computers": Problem(_targets("Ecdat/Computers", MACHINE, "price"), "scaled", "batchnorm", (64, 32), 3000),
    "housing": Problem(_targets("Ecdat/Housing", HOUSE, "price"), "scaled", "subdiv", (16, 8), 400, small=True),
    "schools": Problem(_targets("Ecdat/Caschool", SIZES, "readscr", "mathscr"), "scaled", "batchnorm", small=True),
    "diamonds": Problem(_diamonds, "folded", "batchnorm", (64, 32), 3000),
    "quakes": Problem(_QUAKES, "folded", "folded", small=True),
    "states": Problem(_targets("Ecdat/Produc", STATE, "gsp", "unemp"), "scaled", "batchnorm", (64, 32), 3000),
}
