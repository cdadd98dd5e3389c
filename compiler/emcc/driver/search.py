"""A search for a goal on a folded graph, with the recipe's options."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from emcc import __version__
from emcc.base.errors import EmccError
from emcc.base.events import Event
from emcc.compress.record import Coder
from emcc.compress.search.goal import Goal
from emcc.compress.search.keep import Keeper
from emcc.compress.search.search import Result, Searcher
from emcc.compress.search.stages import Methods
from emcc.compress.search.store import Store
from emcc.driver.recipe import Recipe
from emcc.ir.graph import Graph
from emcc.measure.values import rounded
from emcc.samples.dataset import Dataset

Tell = Callable[[Event | str], None]


@dataclass(frozen=True)
class SearchRequest:
    """What a search is asked for, and the files that it depends on."""

    model: Path
    data: Path
    goal: Goal
    recipe: Recipe
    work: Path | None = None
    keep_weights: bool = False

    @property
    def key(self) -> str:
        """A hash of the files and of everything that was chosen; "" where no steps are kept."""
        if self.work is None:
            return ""
        total = hashlib.sha256()
        for path in (self.model, self.data):
            with path.open("rb") as file:
                total.update(hashlib.file_digest(file, "sha256").digest())
        chosen = {
            "goal": asdict(self.goal),
            "recipe": self.recipe.effective(),
            "emcc": __version__,
            "keep_weights": self.keep_weights,
        }
        total.update(json.dumps(chosen, sort_keys=True, default=str).encode())
        return total.hexdigest()


def search(folded: Graph, data: Dataset, request: SearchRequest, coder: Coder, tell: Tell) -> Result:
    """Search. Raises EmccError where the goal cannot be reached, or the data is too little to hold some out."""
    from emcc.compress.problem import Problem
    from emcc.compress.trainer import deterministic, import_torch

    if len(data) < 2:
        raise EmccError("too little data to hold some out", file=request.data, hint="give at least two samples")
    torch, recipe = import_torch(), request.recipe
    store = Store(request.work, request.key)
    with deterministic(torch, recipe.search.threads):
        problem = Problem(torch, folded, data, recipe.search.aim)
        methods = Methods(recipe.zeros, recipe.codebooks)
        kind = Keeper if request.keep_weights else Searcher
        return kind(problem, request.goal, recipe.search, methods, coder, store, tell).run()


def record(goal: Goal, result: Result) -> dict[str, Any]:
    """The goal, what was measured, and a row a layer and pass: "goal", "search" and "layer_passes" of emcc.json."""
    measured = {name: value for name, value in result.record.items() if name != "steps"}
    aim = {name: value for name, value in asdict(goal).items() if value is not None}
    return dict(rounded({"goal": aim, "search": measured, "layer_passes": result.record["steps"]}))
