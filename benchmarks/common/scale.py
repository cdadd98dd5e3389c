"""The steps of compressing a VGG-16, each timed: passes, container, disk and back."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from benchmarks.common.vgg16 import LAYERS
from emcc.compress.kmeans import Share
from emcc.compress.magnitude import Prune
from emcc.container import decode, encode
from emcc.ir.graph import Codebook, Graph
from emcc.legal.verify import verify


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

    prune = Prune(layers={layer.name: 1 - layer.density for layer in LAYERS})
    share = Share(layers={layer.name: layer.bits for layer in LAYERS})
    with timing(steps, "prune"):
        graph = prune.apply(make())
        verify(graph, after="prune")
    with timing(steps, "share"):
        graph = share.apply(graph)
        verify(graph, after="share")
    return graph


def written(graph: Graph, file: Path, steps: dict[str, float]) -> Mapping[str, Codebook]:
    """The codebooks of a graph that is now in `file`."""
    with timing(steps, "encode"):
        data = encode(graph)
    with timing(steps, "write"):
        file.write_bytes(data)
    return graph.codebooks


def read(file: Path, steps: dict[str, float]) -> Graph:
    """The graph in `file`."""
    with timing(steps, "read"):
        data = file.read_bytes()
    with timing(steps, "decode"):
        return decode(data, file=file)


def differences(books: Mapping[str, Codebook], graph: Graph) -> list[str]:
    """The weights whose codes, codebook or floats are not exactly those of `books`."""
    wrong = []
    for name, book in books.items():
        stored = graph.codebooks[name]
        values = book.values.astype(np.float32)
        same = np.array_equal(stored.codes, book.codes) and np.array_equal(stored.values, book.values)
        rows = zip(book.codes, graph.constants[name], strict=True)
        if not (same and all(np.array_equal(values[codes], floats) for codes, floats in rows)):
            wrong.append(name)
    return wrong
