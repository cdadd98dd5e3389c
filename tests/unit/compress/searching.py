"""What the tests of a search share."""

from pathlib import Path

import numpy as np

from emcc.compress.problem import Problem
from emcc.compress.search.options import Goal, Search
from emcc.compress.search.search import Found, Searcher
from emcc.compress.search.store import Store
from emcc.compress.training import deterministic, import_torch
from emcc.driver.encoder import Encoder
from emcc.ir.graph import Graph
from emcc.ops.interpret import run
from emcc.passes.calibrate import Calibrate
from emcc.samples.dataset import Dataset

FAST = {"epochs": 3, "settle": 1, "code_epochs": 1, "shared_epochs": 2, "batch": 32, "every": 3}


def problem_of(graph: Graph, labels: bool, options: Search, samples: int = 300) -> Problem:
    x = np.random.default_rng(1).standard_normal((samples, *graph.tensors["x"].shape[1:])).astype(np.float32)
    y = run(graph, x).argmax(axis=1) if labels else None
    return Problem(import_torch(), graph, Dataset(x, y), options)


def search(
    graph: Graph, goal: Goal, labels: bool = True, work: Path | None = None, samples: int = 300, **changes
) -> tuple[Found, bytes]:
    options = Search(**{**FAST, **changes})
    with deterministic(import_torch(), 1):
        problem = problem_of(graph, labels, options, samples)
        encoder = Encoder(Calibrate(data=problem.data.x))
        found = Searcher(problem, goal, encoder, Store(work, "key")).run()
        return found, encoder(found.shared)


def kept(graph: Graph) -> int:
    return sum(int(np.count_nonzero(graph.constants[node.inputs[1]])) for node in graph.layers())
