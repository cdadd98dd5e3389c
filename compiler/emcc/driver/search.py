"""A search for a goal on a folded graph, with the recipe's options."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from emcc.base.errors import EmccError
from emcc.base.events import Event
from emcc.base.version import __version__
from emcc.compress.method import Shrinks, spoken
from emcc.compress.product.product import Product
from emcc.compress.quantisers.quantiser import Quantiser
from emcc.compress.record import Coder
from emcc.compress.search.blocks import Blocker
from emcc.compress.search.goal import Goal
from emcc.compress.search.keep import Keeper
from emcc.compress.search.search import Result, Searcher
from emcc.compress.search.store import Store
from emcc.compress.search.worth import Methods
from emcc.driver.goals import Setup
from emcc.driver.recipe import Recipe
from emcc.driver.request import CompressOptions
from emcc.driver.steps import nonzero
from emcc.ir.graph import Graph
from emcc.measure.values import rounded, source
from emcc.samples.dataset import Dataset

Tell = Callable[[Event | str], None]

LAYOUT = 2
"""Of the steps that a search keeps: a folder that was begun with another is refused."""


def search(
    folded: Graph,
    network: Graph,
    data: Dataset,
    set_up: Setup,
    options: CompressOptions,
    recipe: Recipe,
    coder: Coder,
    tell: Tell,
    channels: Shrinks | None = None,
) -> tuple[Result, dict[str, Any]]:
    """Search: (what was found, "goal", "search", "layer_passes" and "curve" of emcc.json).

    `folded` is what the result is held against, `network` what is compressed: the same, or with layers split, or its
    student.

    Raises EmccError where the goal cannot be reached.
    """
    from emcc.compress.problem import Problem
    from emcc.compress.trainer import deterministic, import_torch

    goal, effort = set_up.goal, set_up.search
    checked(options, goal, recipe, network)
    if goal is None:
        raise ValueError("a search needs a goal")
    torch, store = import_torch(), Store(options.work, _key(options, set_up, recipe))
    with deterministic(torch, effort.threads):
        problem = Problem(torch, folded, data, effort.aim, set_up.sides, options.task, network)
        methods = Methods(recipe.zeros, recipe.codebooks, channels)
        kind = Keeper if options.keep_weights else Blocker if isinstance(recipe.codebooks, Product) else Searcher
        result = kind(problem, goal, effort, methods, coder, store, tell).run()
    measured = {name: value for name, value in result.record.items() if name not in ("steps", "curve", "doubts")}
    measured["steps"] = effort.steps
    aim = {name: value for name, value in asdict(goal).items() if value is not None and name != "refuses"}
    curve = {"curve": result.record["curve"]} if result.record.get("curve") else {}
    return result, rounded({"goal": aim, "search": measured, "layer_passes": result.record["steps"], **curve})


def unpruned(goal: Goal | None, found: Result, network: Graph) -> list[str]:
    """Say why nothing was pruned, where levels were tried and none was sure to lose no more than is allowed."""
    record = found.record
    if goal is None or goal.max_drop is None or "score" not in record or nonzero(found.pruned) != nonzero(network):
        return []
    return [
        f"nothing was pruned: after {record['trained_steps']:,} steps of training no level was sure, on the "
        f"{record['held_out']:,} samples that decide, to lose no more than {goal.max_drop:g} points. Give more "
        "--minutes, more samples (best new ones, with --validate), or allow more with --max-drop"
    ]


def checked(options: CompressOptions, goal: Goal | None, recipe: Recipe, network: Graph) -> None:
    """EmccError where the method that shares weights does not go with the model, or with a goal."""
    if isinstance(recipe.codebooks, Quantiser | Product):
        recipe.codebooks.check(network)
    if goal is not None and isinstance(recipe.codebooks, Quantiser) and (option := recipe.codebooks.fixed_alone):
        raise EmccError(
            f"[{recipe.codebooks.name}] {option} is for the fixed schedule: with a goal the search chooses bits",
            hint=f"leave out {option}; or the goal, with --fixed",
        )
    if not isinstance(recipe.codebooks, Product):
        return
    if options.keep_weights:
        hint = "leave out the goal: --keep-weights applies it as the recipe says"
        raise EmccError("a goal with --keep-weights weighs entries, and product quantisation has blocks", hint=hint)
    if goal is not None and goal.target_sparsity is not None:
        raise EmccError("product quantisation chooses no zeros", hint="give --max-drop or --target-size")
    if "prune" in recipe.named:
        raise EmccError(
            f"with a goal product quantisation goes without {spoken(recipe.named['prune'])}: "
            "in a block pruned weights do not stay zero",
            file=options.recipe,
            hint="--method product; or --fixed, which follows the recipe's schedule",
        )


def _key(options: CompressOptions, set_up: Setup, recipe: Recipe) -> str:
    """A hash of the files and of everything that was chosen; "" where no steps are kept."""
    if options.work is None or set_up.goal is None or options.data is None:
        return ""
    given = (options.model, options.data, options.validate, options.teacher)
    files = [file for file in given if file is not None]
    total = hashlib.sha256("".join(source(file)["sha256"] for file in files).encode())
    chosen = {
        "goal": asdict(set_up.goal),
        "recipe": recipe.effective(options.teacher is not None),
        "emcc": __version__,
        "layout": LAYOUT,
    }
    chosen["judging"] = {"task": options.task, "steps": set_up.search.steps}
    total.update(json.dumps({**chosen, "keep_weights": options.keep_weights}, sort_keys=True, default=str).encode())
    return total.hexdigest()
