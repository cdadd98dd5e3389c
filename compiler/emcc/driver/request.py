"""What the user may say on the command line; the recipe says the rest."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from emcc.base.errors import EmccError
from emcc.compress.search.goal import Goal, parse_size
from emcc.driver.shapes import as_values, shapes_of
from emcc.frontend.report import Shapes, Sizes
from emcc.samples.judge import check_task


@dataclass(frozen=True)
class CompressOptions:
    """What `emcc compress` is asked for.

    Attributes:
        model: an ONNX file; data: an .npz with x and, optionally, y; recipe: a TOML file.
        goal: what a search aims at; without one `compress` only shares weights, and `compile` follows the recipe.
        keep_weights: neither prune nor fine-tune; codebooks as wide as the weights need, at most 8 bits, or as the
            recipe or the goal says.
        validate: an .npz whose samples decide, in the place of some of the data's.
        task: what outputs are for, one of samples.judge.TASKS.
        minutes: how long training may take, about; steps: of training, instead.
        method: methods joined by "+", in the place of the recipe's [compress].
        teacher: an ONNX file whose outputs `model`, its student, learns before it is compressed, and is held against.
        search: "methods": combinations of them are tried, see driver.audition.
        work: where a search keeps its steps, so that it goes on after an interruption.
        output: the tensor, or tensors, to take as outputs; None where there is one that can be taken.
        shape: sizes of inputs whose axes the file leaves open, by their names; see frontend.report.Shapes.
        fixed: follow the recipe's fixed schedule, and no goal.
    """

    model: Path
    data: Path | None = None
    goal: Goal | None = None
    recipe: Path | None = None
    work: Path | None = None
    keep_weights: bool = False
    validate: Path | None = None
    task: str = "auto"
    minutes: float | None = None
    steps: int | None = None
    output: str | tuple[str, ...] | None = None
    shape: Mapping[str, Sizes] = field(default_factory=dict)
    method: str | None = None
    fixed: bool = False
    teacher: Path | None = None
    search: str | None = None

    def __post_init__(self) -> None:
        """Raise EmccError where an option names nothing."""
        check_task(self.task)

    @property
    def shapes(self) -> Shapes:
        """The sizes that are said, and those of the data."""
        return shapes_of(self.shape, self.data)

    @property
    def interface(self) -> dict[str, Any]:
        """What emcc.json says of inputs and outputs that were named: "taken", a name or names, and "shape"."""
        named: dict[str, Any] = {}
        if self.output is not None:
            named["taken"] = self.output if isinstance(self.output, str) else list(self.output)
        return named | ({"shape": as_values(self.shape)} if self.shape else {})


@dataclass(frozen=True)
class CompileOptions(CompressOptions):
    """What `emcc compile` is asked for, beside that.

    Attributes:
        target: of driver.places.TARGETS, several with commas. weights: of driver.places.WEIGHTS.
        pes: processing elements; None leaves it to the recipe.
        memory: how much the target has, as eie.budget reads it; None leaves it to the recipe.
        board: a board's name, or its file: what does not fit it is refused; without `pes` what is fastest there.
        updatable: leave room on the board for what `emcc bitstream --updatable` takes.
        dump: a folder for the graph after every pass, and the program, as text.
    """

    target: str = "eie"
    weights: str = "rom"
    pes: int | None = None
    memory: str | None = None
    board: str | None = None
    updatable: bool = False
    dump: Path | None = None


def goal_of(max_drop: float | None, target_size: str | None, target_sparsity: float | None) -> Goal | None:
    """Return the goal that the options name, or None; EmccError where they name more than one."""
    size = None if target_size is None else parse_size(target_size)
    given = [value for value in (max_drop, size, target_sparsity) if value is not None]
    if len(given) > 1:
        raise EmccError("more than one goal", hint="give one of --max-drop, --target-size and --target-sparsity")
    return Goal(max_drop, size, target_sparsity) if given else None


def compress_goal(goal: Goal | None, keep_weights: bool, fixed: bool = False) -> Goal | None:
    """Return what `emcc compress` aims at: the goal given, or --max-drop 0.3; nothing where weights are kept, or fixed.

    EmccError where a schedule is fixed and something else asked for.
    """
    if fixed and keep_weights:
        raise EmccError("--fixed prunes and trains by the recipe, and --keep-weights does not", hint="give one of them")
    if fixed and goal is not None:
        raise EmccError("--fixed follows no goal", hint="leave out --fixed, or the goal")
    if goal is None:
        return None if keep_weights or fixed else Goal(max_drop=0.3)
    goal.check(keep_weights)
    return goal
