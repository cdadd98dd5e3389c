"""A search for a goal on a folded graph, with the recipe's options."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from emcc import __version__
from emcc.base.errors import EmccError
from emcc.base.events import Event
from emcc.compress.record import Coder
from emcc.compress.search.goal import Search
from emcc.compress.search.keep import Keeper
from emcc.compress.search.search import Searcher
from emcc.compress.search.stages import Methods
from emcc.compress.search.store import Store
from emcc.driver.recipe import Recipe
from emcc.driver.request import CompressOptions
from emcc.ir.graph import Graph
from emcc.measure.values import rounded, source
from emcc.samples.dataset import Dataset

Tell = Callable[[Event | str], None]


def search(
    folded: Graph, data: Dataset, options: CompressOptions, recipe: Recipe, coder: Coder, tell: Tell
) -> tuple[Graph, dict[str, Any]]:
    """Search: (the graph with shared weights, "goal", "search" and "layer_passes" of emcc.json).

    Raises EmccError where the goal cannot be reached, or the data is too little to hold some out.
    """
    from emcc.compress.problem import Problem
    from emcc.compress.trainer import deterministic, import_torch

    goal = options.goal
    if goal is None or options.data is None:
        raise ValueError("a search needs a goal and data")
    if len(data) < 2:
        raise EmccError("too little data to hold some out", file=options.data, hint="give at least two samples")
    effort, torch, store = recipe.of(Search), import_torch(), Store(options.work, _key(options, recipe))
    with deterministic(torch, effort.threads):
        problem = Problem(torch, folded, data, effort.aim)
        methods = Methods(recipe.zeros, recipe.codebooks)
        kind = Keeper if options.keep_weights else Searcher
        result = kind(problem, goal, effort, methods, coder, store, tell).run()
    measured = {name: value for name, value in result.record.items() if name != "steps"}
    aim = {name: value for name, value in asdict(goal).items() if value is not None}
    return result.shared, rounded({"goal": aim, "search": measured, "layer_passes": result.record["steps"]})


def _key(options: CompressOptions, recipe: Recipe) -> str:
    """A hash of the files and of everything that was chosen; "" where no steps are kept."""
    if options.work is None or options.goal is None or options.data is None:
        return ""
    total = hashlib.sha256(source(options.model)["sha256"].encode() + source(options.data)["sha256"].encode())
    chosen = {"goal": asdict(options.goal), "recipe": recipe.effective(), "emcc": __version__}
    total.update(json.dumps({**chosen, "keep_weights": options.keep_weights}, sort_keys=True, default=str).encode())
    return total.hexdigest()
