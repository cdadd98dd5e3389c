"""What a command aims at where nothing is said, on which samples it is judged, and what it may take."""

import math
from dataclasses import dataclass, replace

from emcc.base.errors import EmccError
from emcc.compress.finetune import Finetune
from emcc.compress.method import Shrinks
from emcc.compress.search.budget import judges_of, steps_of
from emcc.compress.search.goal import Goal, Search
from emcc.driver.recipe import Recipe
from emcc.driver.request import CompileOptions, CompressOptions
from emcc.ir.graph import Graph
from emcc.samples.dataset import Dataset
from emcc.samples.judge import POINT
from emcc.samples.load import load_data
from emcc.samples.split import Sides, split

DEFAULT = Goal(max_drop=POINT, refuses=False)
"""Of `emcc compile` with data."""

MINUTES = 5.0
"""That `emcc compile` may train for where nothing is said."""

PROOF = 400
"""Samples that it takes to be sure of a loss of less than a point, where hardly any changes sides."""


@dataclass(frozen=True)
class Setup:
    """The goal, how a search for it trains, and which samples train and decide (None without data)."""

    goal: Goal | None
    search: Search
    sides: Sides | None


def goal_of(options: CompileOptions, recipe: Recipe) -> Goal | None:
    """Return the goal: the one given, or --max-drop 1; None for a fixed schedule, which a recipe may ask for too."""
    if options.goal is not None or options.data is None or options.keep_weights or options.fixed:
        return options.goal
    fixed = recipe.given & {recipe.zeros.name, recipe.codebooks.name, "finetune"} or not recipe.shares
    fixed = fixed or recipe.named["share"] == "product"
    return None if fixed else DEFAULT


def reachable(goal: Goal | None, options: CompileOptions, original: Graph) -> Goal | None:
    """Return the goal; None where there are no weights, and nobody asked for one. EmccError where somebody did."""
    if goal is None or any(original.layers()):
        return goal
    if options.goal is not None:
        raise weightless(options, "; without a goal the model is compiled as it is")
    return None


def weightless(options: CompressOptions, besides: str = "") -> EmccError:
    """Return the error of a model without weights; `besides` ends its hint."""
    hint = f"Gemm, MatMul and Conv have them{besides}"
    return EmccError("no node has weights to compress", file=options.model, hint=hint)


def channels_of(
    options: CompressOptions, recipe: Recipe, goal: Goal | None, source: Graph, original: Graph
) -> Shrinks | None:
    """Return the method that takes out channels, where one is in use; `original` is `source` folded.

    Raises:
        EmccError: it does not apply to the model, or the methods in use do not go with the goal.
    """
    if goal is not None and not recipe.shares:
        raise EmccError("a goal needs a method that shares weights", hint="add one to --method: +kmeans")
    bare = "prune" not in recipe.named and recipe.codebooks.zeros_stay
    if goal is not None and goal.max_drop is None and bare and not options.keep_weights:
        raise EmccError("this goal needs a method that chooses zeros", hint="add one to --method: +magnitude")
    if recipe.channels is None:
        return None
    if options.keep_weights:
        raise EmccError(f"{recipe.channels.name} takes weights out", hint="leave out --keep-weights, or the method")
    method = recipe.channels.of(source)
    method.check(original, options.data is not None)
    return method


def search_of(options: CompressOptions, recipe: Recipe, original: Graph, minutes: float | None) -> Search:
    """Return the recipe's [search] with the steps of training that are asked for, or that the minutes allow."""
    search = recipe.of(Search)
    if options.steps is not None:
        return replace(search, steps=options.steps)
    if options.minutes is None and search.steps:
        return search
    minutes = options.minutes if options.minutes is not None else minutes
    if not minutes:
        return search
    return replace(search, steps=steps_of(minutes, original, search))


def sides_of(
    options: CompressOptions, recipe: Recipe, goal: Goal | None, search: Search, data: Dataset,
    validation: Dataset | None, original: Graph,
) -> Sides:  # fmt: skip
    """Return which samples train and which decide: of small data more decide, where a loss is to be proven.

    Raises:
        EmccError: the data is too little to hold some out.
    """
    if options.keep_weights:
        return split(data, 0.0, 0, validation)
    if goal is None:
        tuner = recipe.of(Finetune)
        return split(data, tuner.holdout, tuner.seed, validation)
    if len(data) < 2 and validation is None:
        raise EmccError(
            "too little data to hold some out",
            file=options.data,
            hint="give at least two samples, or --keep-weights, which trains nothing",
        )
    wanted = math.ceil(PROOF / max(goal.max_drop, 0.01)) if goal.max_drop is not None else 0
    most = judges_of(search.steps, original, search, goal.max_drop is not None, wanted) if search.steps else None
    return split(data, search.holdout, search.seed, validation, wanted, most)


def set_up(
    options: CompressOptions, recipe: Recipe, goal: Goal | None, data: Dataset | None, source: Graph, original: Graph,
    minutes: float | None,
) -> Setup:  # fmt: skip
    """Return what is aimed at and how; `source` is the model as it came, `minutes` the time where none is given.

    Raises:
        EmccError: the data or the validation data are at fault.
    """
    search = search_of(options, recipe, original, minutes)
    if data is None:
        return Setup(goal, search, None)
    validation = load_data(options.validate, source) if options.validate else None
    places = range(len(source.outputs))
    if validation is not None and any((validation.of(i) is None) != (data.of(i) is None) for i in places):
        raise EmccError("of the data and this file only one has y", file=options.validate, hint="give y in both")
    return Setup(goal, search, sides_of(options, recipe, goal, search, data, validation, original))
