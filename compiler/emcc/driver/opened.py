"""What `emcc compile` is asked for, read and checked. It imports nothing that an error of the user's does not need."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from emcc.base.errors import EmccError
from emcc.driver import goals
from emcc.driver.dump import Dump
from emcc.driver.places import check_weights, targets_of
from emcc.driver.recipe import Recipe
from emcc.driver.request import CompileOptions, CompressOptions
from emcc.driver.teachers import Teacher
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
    """A model that can be compiled as the options say, as far as reading it tells.

    Attributes:
        targets: what there will be beside the array. board: None where none was named.
        source: the model as it was read. checked: a sentence on how it was held against onnxruntime.
        goal: of the options, or by default; None where the recipe's schedule is followed.
    """

    targets: tuple[str, ...]
    recipe: Recipe
    board: "Target | None"
    source: Graph
    teacher: Teacher | None
    data: Dataset | None
    goal: "Goal | None"
    dump: Dump | None
    checked: str


def opened(options: CompileOptions, progress: Callable[[Any], None]) -> Opened:
    """Read the model, its data and the recipe, and check that they and the options go together.

    Raises:
        EmccError: one of them is at fault.
    """
    targets = targets_of(options.target)
    check_weights(options.weights, targets)
    progress("reading")
    recipe = (Recipe.read(options.recipe) if options.recipe else Recipe()).naming(options.method)
    board = _board(options, recipe)
    source = load(options.model, "emcc compile", options.output, options.shapes)
    require_array(source, options.model)
    teacher = Teacher.of(options, source, "emcc compile")
    data = load_data(options.data, source) if options.data else None
    goal = goals.goal_of(options, recipe)
    check_goal(options, goal)
    check_factors(options, recipe)
    dump = Dump(options.dump) if options.dump else None
    checked = truth.check(source, options.model, sample(source, data, CHECKED).x, options.shapes)
    return Opened(targets, recipe, board, source, teacher, data, goal, dump, checked)


def _board(options: CompileOptions, recipe: Recipe) -> "Target | None":
    if options.board is None and not options.updatable:
        return None
    from emcc.driver.board import target

    return target(options, recipe)


def check_factors(options: CompressOptions, recipe: Any) -> None:
    """EmccError where layers are to be split, and weights to be kept or channels to be taken out."""
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
