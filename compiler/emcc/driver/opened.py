"""What is asked for, read and checked. It imports nothing that the report of a mistake does not need."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from emcc.base.errors import EmccError
from emcc.driver import goals
from emcc.driver.dump import Dump
from emcc.driver.places import check_weights, targets_of
from emcc.driver.recipe import Recipe
from emcc.driver.request import CompileOptions, CompressOptions
from emcc.driver.teachers import Teacher
from emcc.eie.budget import budget
from emcc.eie.options import LowerOptions
from emcc.frontend import load
from emcc.ir.graph import Graph
from emcc.legal.array import require_array
from emcc.measure import truth
from emcc.samples.dataset import Dataset
from emcc.samples.load import load_data
from emcc.samples.sampling import sample

if TYPE_CHECKING:
    from emcc.compress.search.goal import Goal
    from emcc.driver.board import Target

CHECKED = 64
"""Samples on which the import is held against onnxruntime."""


@dataclass(frozen=True)
class Opened:
    """A model that can be compressed as the options say, as far as reading it tells.

    Attributes:
        source: the model as it was read. checked: a sentence on how it was held against onnxruntime.
    """

    recipe: Recipe
    source: Graph
    teacher: Teacher | None
    data: Dataset | None
    checked: str


@dataclass(frozen=True)
class OpenedToCompile(Opened):
    """A model that can be compiled as the options say, likewise.

    Attributes:
        targets: what there will be beside the array. board: None where none was named.
        goal: of the options, or by default; None where the recipe's schedule is followed.
    """

    targets: tuple[str, ...]
    board: "Target | None"
    goal: "Goal | None"
    dump: Dump | None


def to_compress(options: CompressOptions, tell: Callable[[Any], None]) -> Opened:
    """Read the model, its data and the recipe for `emcc compress`, and check that they and the options go together.

    Raises:
        EmccError: one of them is at fault.
    """
    tell("reading")
    recipe = (Recipe.read(options.recipe) if options.recipe else Recipe()).naming(options.method)
    check_methods(options, recipe)
    source = load(options.model, "emcc compress", options.output, options.shapes)
    teacher = Teacher.of(options, source, "emcc compress")
    data = load_data(options.data, source) if options.data else None
    opened = Opened(recipe, source, teacher, data, _checked(options, source, data))
    if data is None and options.fixed:
        raise EmccError("--fixed trains by the recipe", hint="give data with --data, or --keep-weights")
    if data is None and (options.goal or options.validate):
        raise EmccError("a goal needs data to hold the model against", hint="give --data, or --keep-weights")
    return opened


def to_compile(options: CompileOptions, progress: Callable[[Any], None]) -> OpenedToCompile:
    """Read the model, its data and the recipe for `emcc compile`, likewise."""
    targets = targets_of(options.target)
    check_weights(options.weights, targets)
    progress("reading")
    recipe = (Recipe.read(options.recipe) if options.recipe else Recipe()).naming(options.method)
    lower_options(options, recipe)
    board = _board(options, recipe)
    source = load(options.model, "emcc compile", options.output, options.shapes)
    require_array(source, options.model)
    teacher = Teacher.of(options, source, "emcc compile")
    data = load_data(options.data, source) if options.data else None
    goal = goals.goal_of(options, recipe)
    check_goal(options, goal)
    check_methods(options, recipe)
    dump = Dump(options.dump) if options.dump else None
    checked = _checked(options, source, data)
    return OpenedToCompile(recipe, source, teacher, data, checked, targets, board, goal, dump)


def lower_options(options: CompileOptions, recipe: Recipe) -> LowerOptions:
    """Return how the model is lowered: as the recipe says, and the command line in its place; EmccError where not."""
    lower = recipe.of(LowerOptions)
    lower = lower if options.pes is None else replace(lower, pes=options.pes)
    lower = lower if options.memory is None else replace(lower, memory=options.memory)
    lower.require_groups()
    budget(lower.memory)
    return lower


def _checked(options: CompressOptions, source: Graph, data: Dataset | None) -> str:
    return truth.check(source, options.model, sample(source, data, CHECKED).x, options.shapes)


def _board(options: CompileOptions, recipe: Recipe) -> "Target | None":
    if options.board is None and not options.updatable:
        return None
    from emcc.driver.board import target

    return target(options, recipe)


def check_methods(options: CompressOptions, recipe: Any) -> None:
    """EmccError where methods in use do not go together, or with --keep-weights, or without data."""
    if recipe.factors and recipe.channels:
        raise EmccError(
            f"{recipe.factors[0].name} and {recipe.channels.name} each change what layers there are",
            file=options.recipe,
            hint="use one of them; then compress compressed.onnx with the other",
        )
    if options.keep_weights and recipe.factors:
        raise EmccError(
            f"--keep-weights keeps every weight, and {recipe.factors[0].name} splits layers into others",
            file=options.recipe,
            hint="leave out --keep-weights, or [compress] factors",
        )
    if recipe.activations and recipe.factors:
        raise EmccError(
            f"{recipe.activations.name} would part the layers that {recipe.factors[0].name} splits by signs",
            file=options.recipe,
            hint=f"leave {recipe.factors[0].name} out; then compress compressed.onnx with it",
        )
    if recipe.activations and options.keep_weights:
        raise EmccError(
            f"--keep-weights keeps every weight, and {recipe.activations.name} trains them with signs between",
            file=options.recipe,
            hint="leave out one of them",
        )
    if recipe.activations and options.data is None:
        raise EmccError(
            f"{recipe.activations.name} chooses thresholds on data, and trains on it what is lost by them",
            file=options.recipe,
            hint="give it with --data",
        )


def check_goal(options: CompileOptions, goal: Any) -> None:
    """EmccError where a goal cannot be had, or an option has no use."""
    if options.goal is not None and options.data is None:
        raise EmccError("automatic compression needs data to judge by", hint="give it with --data")
    if options.validate is not None and options.data is None:
        raise EmccError("--validate gives samples that decide, beside those of --data", hint="give --data too")
    if options.goal is not None and options.fixed:
        raise EmccError("--fixed follows no goal", hint="leave out --fixed, or the goal")
    if options.goal is not None:
        options.goal.check(options.keep_weights)
    if goal is None and options.work is not None:
        raise EmccError("--work keeps the steps of automatic compression", hint="give a goal: --max-drop 0.3")
    if goal is None and (options.steps is not None or options.minutes is not None):
        raise EmccError("--steps and --minutes are of automatic compression", hint="give a goal: --max-drop 1")
