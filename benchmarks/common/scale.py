"""The steps of compressing a VGG-16, each timed: passes, container, disk and back."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from benchmarks.common.vgg16 import LAYERS
from emcc.automatic.bundle import pack, unpack
from emcc.ir.graph import Codebook, Graph
from emcc.passes.base import Pass, Pipeline
from emcc.passes.prune import Prune
from emcc.passes.quantise import finest_weight_frac
from emcc.passes.share import Share


@contextmanager
def timing(steps: dict[str, float], name: str) -> Iterator[None]:
    """Puts the seconds within into steps[name]."""
    begun = time.perf_counter()
    yield
    steps[name] = time.perf_counter() - begun


def compressed(make: Callable[[], Graph], steps: dict[str, float]) -> Graph:
    """The model that `make` gives, pruned and shared. Every pass is timed, its check included.

    Nothing here holds the model, so that it goes once it is pruned.
    """

    def observe(each: Pass, _: Graph, seconds: float) -> None:
        steps[each.name] = seconds

    prune = Prune(layers={layer.name: 1 - layer.density for layer in LAYERS})
    share = Share(layers={layer.name: layer.bits for layer in LAYERS})
    return Pipeline((prune, share), observe, after="fold").apply(make())


def written(graph: Graph, file: Path, steps: dict[str, float]) -> Mapping[str, Codebook]:
    """The codebooks of a graph that is now in `file`."""
    with timing(steps, "encode"):
        data = pack(graph)
    with timing(steps, "write"):
        file.write_bytes(data)
    return graph.codebooks


def read(file: Path, steps: dict[str, float]) -> Graph:
    """The graph in `file`."""
    with timing(steps, "read"):
        data = file.read_bytes()
    with timing(steps, "decode"):
        return unpack(data, file)


def differences(books: Mapping[str, Codebook], graph: Graph) -> list[str]:
    """The weights that are not the `books`' in 16-bit fixed point, or whose floats are not their own codes'."""
    wrong = []
    for name, book in books.items():
        found = graph.codebooks[name]
        frac = finest_weight_frac(book.values) or 0
        values = np.ldexp(np.floor(np.ldexp(book.values, frac) + 0.5), -frac)
        weights = graph.constants[name]
        for codes, new, floats in zip(book.codes, found.codes, weights, strict=True):
            exact = values[codes].astype(np.float32)
            if not (np.array_equal(exact, found.values[new]) and np.array_equal(exact, floats)):
                wrong.append(name)
                break
    return wrong
