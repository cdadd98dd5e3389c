"""emcc.compile, emcc.compress and emcc.load. Defaults are the command line's: `emcc compile --help`."""

import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from emcc.api.artefact import Artefact
from emcc.api.inputs import Data, EmccWarning, Inputs, Named, Recipe, in_python
from emcc.api.limits import number, path_of
from emcc.api.shapes import Shape, sizes_of
from emcc.base.text import printable
from emcc.driver.request import CompileOptions, CompressOptions, compress_goal, goal_of
from emcc.files.artefact import read_manifest
from emcc.report.lines import loss_line, lost_line

Progress = Callable[[Any], None]


def compile(
    model: Any,
    *,
    data: Data | None = None,
    max_drop: float | None = None,
    target_size: str | int | None = None,
    target_sparsity: float | None = None,
    pes: int | None = None,
    memory: str | None = None,
    board: Named | None = None,
    updatable: bool = False,
    keep_weights: bool = False,
    fixed: bool = False,
    validate: Data | None = None,
    task: str = "auto",
    minutes: float | None = None,
    steps: int | None = None,
    output: str | Sequence[str] | None = None,
    shape: Shape | None = None,
    recipe: Recipe | None = None,
    method: str | None = None,
    teacher: Any = None,
    search: str | None = None,
    example_input: Any = None,
    target: str = "eie",
    weights: str = "rom",
    work: Named | None = None,
    dump: Named | None = None,
    progress: Progress | None = None,
) -> Artefact:
    """Compile a model into an artefact: compressed model, RTL, ROM images, report.

    With data and no goal (max_drop, target_size, target_sparsity; at most one): max_drop=1 and minutes=5. Without data
    nothing is pruned or trained. The same inputs give the same bytes, and the same as the command line's.

    Args:
        model: an ONNX file, an onnx.ModelProto, or a torch module, which is exported in eval mode.
        data: an .npz file, x alone, (x, y), or {"x": x, "y": y}: float32 samples, labels or targets.
        max_drop: points of quality that may be lost. target_size: bytes of model.emc, or "20KB".
        target_sparsity: share of zeros, exactly.
        pes: processing elements; by default the recipe's, 8; with a board what is fastest there.
        memory: what the target has: block RAMs, as "208xecp5", or a size, as "3.7Mbit".
        board: one of `emcc boards`, or a file, "mine.toml": what does not fit it is an error.
        updatable: leave room on the board for what `emcc bitstream --updatable` takes.
        keep_weights: neither prune nor fine-tune.
        fixed: follow the recipe, and no goal: prune to 10 %, fine-tune.
        validate: samples that decide, new to the model, as `data` is given.
        task: "auto", "classify" or "regress".
        minutes: to train, turned into a number of steps beforehand. steps: of training, instead.
        output: the tensor to take as the output, where the model has several; or several of them.
        shape: sizes of an input that the file leaves open: (1, 3, 224, 224), or {"name": (1, 3, 224, 224)}.
        recipe: a TOML file, or its sections: {"prune": {"sparsity": 0.8}}. method: "filters+magnitude+kmeans".
        teacher: a larger model, as `model` is given, of which `model` learns first, and which it is held against.
        search: "methods" tries combinations of methods in `minutes` (10) or `steps`, and takes the best.
        example_input: for a torch module: an input with the batch first; by default the data's first sample.
        target: what is in it beside the array: "hls" or "c", C for synthesis or for firmware; or "c,hls".
        weights: where "hls" has them: "rom", or "external", behind an AXI master, from a file.
        work: a folder in which a search keeps its steps. dump: one for the graph after every pass, as text.
        progress: called with the name of every step as it begins, and with every emcc.base.events.Event.

    Raises:
        EmccError: the model, the data, the recipe or the options are at fault.

    Warns EmccWarning where more is lost than the goal allows, or than a point; see manifest["loss"].
    """
    from emcc.driver.compile import compile_model

    with Inputs() as inputs:
        options = CompileOptions(
            inputs.model(model, example_input, data),
            data=inputs.data(data),
            goal=goal_of(
                number("max_drop", max_drop),
                None if target_size is None else str(target_size),
                number("target_sparsity", target_sparsity),
            ),
            recipe=inputs.recipe(recipe),
            method=method,
            teacher=None if teacher is None else inputs.model(teacher, None, data, "the teacher"),
            search=search,
            work=path_of(work),
            keep_weights=keep_weights,
            validate=inputs.data(validate, "validate"),
            task=task,
            minutes=number("minutes", minutes),
            steps=number("steps", steps),
            output=output if output is None or isinstance(output, str) else tuple(output),
            shape=sizes_of(shape),
            target=target,
            weights=weights,
            pes=number("pes", pes),
            memory=None if memory is None else str(memory),
            board=None if board is None else str(board),
            updatable=updatable,
            fixed=fixed,
            dump=path_of(dump),
        )
        files = compile_model(options, progress or _silent)
    loss = files.manifest["loss"]
    over = loss is not None and loss["lost"] > loss["allowed"]
    _warn([loss_line(files.manifest) if over else None, *files.manifest["warnings"]])
    return Artefact(files)


def compress(
    model: Any,
    *,
    data: Data | None = None,
    max_drop: float | None = None,
    target_size: str | int | None = None,
    target_sparsity: float | None = None,
    keep_weights: bool = False,
    fixed: bool = False,
    validate: Data | None = None,
    task: str = "auto",
    minutes: float | None = None,
    steps: int | None = None,
    output: str | Sequence[str] | None = None,
    shape: Shape | None = None,
    recipe: Recipe | None = None,
    method: str | None = None,
    teacher: Any = None,
    search: str | None = None,
    example_input: Any = None,
    work: Named | None = None,
    progress: Progress | None = None,
) -> Artefact:
    """Compress a model by itself: model.emc, compressed.onnx, report.html; convolutional models too.

    Without a goal, keep_weights and fixed: max_drop=0.3. By default training takes what its passes take.
    Other arguments and errors are those of `compile`.
    """
    from emcc.driver.compress import compress_model

    with Inputs() as inputs:
        goal = goal_of(
            number("max_drop", max_drop),
            None if target_size is None else str(target_size),
            number("target_sparsity", target_sparsity),
        )
        options = CompressOptions(
            inputs.model(model, example_input, data),
            data=inputs.data(data),
            goal=compress_goal(goal, keep_weights, fixed),
            recipe=inputs.recipe(recipe),
            method=method,
            teacher=None if teacher is None else inputs.model(teacher, None, data, "the teacher"),
            search=search,
            work=path_of(work),
            keep_weights=keep_weights,
            validate=inputs.data(validate, "validate"),
            task=task,
            minutes=number("minutes", minutes),
            steps=number("steps", steps),
            output=output if output is None or isinstance(output, str) else tuple(output),
            shape=sizes_of(shape),
            fixed=fixed,
        )
        files = compress_model(options, progress or _silent)
    _warn([lost_line(files.manifest), *files.manifest["warnings"]])
    return Artefact(files)


def load(folder: Named) -> Artefact:
    """Load a folder that `emcc compile`, `emcc compress` or `Artefact.write` wrote; it is read when it is used.

    Raises:
        EmccError: it is none, is damaged, or another version of emcc wrote it.
    """
    read_manifest(Path(folder))
    return Artefact(None, Path(folder))


def _warn(told: list[str | None]) -> None:
    """Warn the caller's caller of what the command line says in colour."""
    for sentence in told:
        if sentence:
            warnings.warn(in_python(printable(sentence, None)), EmccWarning, stacklevel=3)


def _silent(step: Any) -> None:
    pass
