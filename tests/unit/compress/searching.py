"""What the tests of a search share."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from emcc.compress.kmeans import Share
from emcc.compress.magnitude import Prune
from emcc.compress.method import Books
from emcc.compress.problem import Problem
from emcc.compress.search.entries import PRICE
from emcc.compress.search.goal import Goal, Search
from emcc.compress.search.search import Result, Searcher
from emcc.compress.search.store import Store
from emcc.compress.search.worth import Methods
from emcc.compress.state import State
from emcc.compress.trainer import Span, deterministic, import_torch, train
from emcc.driver.encoder import Encoder
from emcc.ir.graph import Graph
from emcc.ops.interpret import run
from emcc.passes.calibrate import Calibrate
from emcc.samples.dataset import Dataset

FAST = {"least_steps": 1, "epochs": 3, "settle": 1, "code_epochs": 1, "shared_epochs": 2, "batch": 32, "every": 3}


def searcher(
    problem: Problem, goal: Goal, options: Search, encoder: Encoder, store: Store, zeros: Prune | None = None
) -> Searcher:
    return Searcher(problem, goal, options, Methods(zeros or Prune(), Share()), encoder, store)


def problem_of(graph: Graph, labels: bool, options: Search, samples: int = 300) -> Problem:
    x = np.random.default_rng(1).standard_normal((samples, *graph.tensors["x"].shape[1:])).astype(np.float32)
    y = run(graph, x).argmax(axis=1) if labels else None
    return Problem(import_torch(), graph, Dataset(x, y), options.aim)


def search(
    graph: Graph,
    goal: Goal,
    labels: bool = True,
    work: Path | None = None,
    samples: int = 300,
    zeros: Prune | None = None,
    **changes,
) -> tuple[Result, bytes]:
    options = Search(**{**FAST, **changes})
    with deterministic(import_torch(), 1):
        problem = problem_of(graph, labels, options, samples)
        encoder = Encoder(Calibrate(data=problem.data.x))
        result = searcher(problem, goal, options, encoder, Store(work, "key"), zeros).run()
        return result, encoder(result.shared)


def kept(graph: Graph) -> int:
    return sum(int(np.count_nonzero(graph.constants[node.inputs[1]])) for node in graph.layers())


def trained(problem: Problem, state: State, route: str, options: Search, rate: float = 1e-2) -> State:
    """An epoch with fixed zeros ("prune"), moving codes ("codes") or codebooks alone ("entries")."""

    def assign(weights: Mapping[str, np.ndarray]) -> Books:
        books = {name: Share().assign(array, (3, PRICE)) for name, array in weights.items()}
        return {name: book[0] for name, book in books.items()}, {name: book[1] for name, book in books.items()}

    torch, every = problem.torch, options.every
    parameters = {
        "prune": lambda: Prune().parameters(torch, state, None, every),
        "codes": lambda: Share().parameters(torch, state, assign, every),
        "entries": lambda: Share().entries(torch, state),
    }
    return train(problem, state, parameters[route](), Span(0.0, 1.0, rate, 0.5))[0]
