"""`emcc compile` and `emcc compress`: of a model an artefact."""

from pathlib import Path
from typing import Annotated

import typer

from emcc.base.text import for_path, printable
from emcc.cli.parameters import (
    DataFile,
    KeepWeights,
    MaxDrop,
    Method,
    Minutes,
    Output,
    Quiet,
    RecipeFile,
    SearchFor,
    Shape,
    TargetSize,
    TargetSparsity,
    Task,
    Teacher,
    TrainSteps,
    Validate,
    Work,
    taken,
)


def compile_command(
    model: Annotated[Path, typer.Argument(metavar="MODEL.onnx", help="The trained model.")],
    target: Annotated[
        str,
        typer.Option(
            metavar="eie|hls|c", help="What is in it beside the array: C for synthesis, C for firmware, or both: c,hls."
        ),
    ] = "eie",
    weights: Annotated[
        str,
        typer.Option(
            metavar="rom|external",
            help="Where hls/ has its weights: in memories on the chip, or behind an AXI master, from a file.",
        ),
    ] = "rom",
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where to write.", show_default="MODEL_eie, here")
    ] = None,
    data: DataFile = None,
    pes: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=1,
            max=256,
            help="Processing elements; with a board and without this what is fastest there.",
            show_default="the recipe's, 8",
        ),
    ] = None,
    board: Annotated[
        str | None,
        typer.Option(
            metavar="BOARD",
            help="One of `emcc boards`, or a file, MINE.toml: what does not fit it is an error with figures.",
        ),
    ] = None,
    updatable: Annotated[
        bool,
        typer.Option("--updatable", help="With a board: leave room for what `emcc bitstream --updatable` takes."),
    ] = False,
    memory: Annotated[
        str | None,
        typer.Option(
            metavar="AMOUNT",
            help="What the target has; an error where that is too little. Block RAMs: 208xecp5 (ecp5, gowin, ice40); "
            "or a size: 3.7Mbit, 460KB.",
            show_default="the recipe's, no limit",
        ),
    ] = None,
    keep_weights: KeepWeights = False,
    recipe: RecipeFile = None,
    method: Method = None,
    teacher: Teacher = None,
    search: SearchFor = None,
    quiet: Quiet = False,
    max_drop: MaxDrop = None,
    target_size: TargetSize = None,
    target_sparsity: TargetSparsity = None,
    fixed: Annotated[
        bool, typer.Option("--fixed", help="Follow the recipe and no goal: prune to 10 %, fine-tune.")
    ] = False,
    validate: Validate = None,
    task: Task = "auto",
    minutes: Minutes = None,
    steps: TrainSteps = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit with 1 where more is lost than the goal allows, or than a point.")
    ] = False,
    work: Work = None,
    output: Output = None,
    shape: Shape = None,
    dump: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write the graph after every pass, and the program, as text.")
    ] = None,
) -> None:
    """Compile a model into an artefact: compressed model, RTL, ROM images, report.

    With data and no goal: --max-drop 1 --minutes 5. Without data nothing is pruned or trained.
    """
    from emcc.driver.compile import compile_model
    from emcc.driver.request import CompileOptions, goal_of
    from emcc.driver.shapes import parsed
    from emcc.files.artefact import check_folder
    from emcc.report.progress import Progress
    from emcc.report.summary import print_summary

    goal = goal_of(max_drop, target_size, target_sparsity)
    named = for_path(target.replace(",", "_"))
    folder = out or Path(f"{for_path(model.stem)}_{named}")
    check_folder(folder, names=("model.emc", "program.npz", "report.html"))
    options = CompileOptions(
        model, target=target, weights=weights, data=data, pes=pes, memory=memory, board=board, updatable=updatable,
        keep_weights=keep_weights, recipe=recipe, goal=goal, work=work, output=taken(output), dump=dump, fixed=fixed,
        validate=validate, task=task, minutes=minutes, steps=steps, shape=parsed(shape or ()),
        method=method, teacher=teacher, search=search,
    )  # fmt: skip
    with Progress(quiet) as progress:
        artefact = compile_model(options, progress)
    artefact.write(folder)
    if not quiet:
        print_summary(artefact.manifest, printable(str(folder), 1000))
    loss = artefact.manifest["loss"]
    if strict and loss is not None and loss["lost"] > loss["allowed"]:
        raise typer.Exit(1)


def compress(
    model: Annotated[Path, typer.Argument(metavar="MODEL.onnx", help="The trained model.")],
    data: DataFile = None,
    max_drop: MaxDrop = None,
    target_size: TargetSize = None,
    target_sparsity: TargetSparsity = None,
    keep_weights: KeepWeights = False,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where to write.", show_default="MODEL_compressed, here")
    ] = None,
    recipe: RecipeFile = None,
    method: Method = None,
    teacher: Teacher = None,
    search: SearchFor = None,
    validate: Validate = None,
    task: Task = "auto",
    minutes: Minutes = None,
    steps: TrainSteps = None,
    work: Work = None,
    output: Output = None,
    shape: Shape = None,
    quiet: Quiet = False,
    fixed: Annotated[bool, typer.Option("--fixed", help="Follow the recipe's schedule, and no goal.")] = False,
) -> None:
    """Compress a model by itself: model.emc, compressed.onnx, report.html. Without a goal: --max-drop 0.3."""
    from emcc.driver.compress import compress_model
    from emcc.driver.request import CompressOptions, compress_goal, goal_of
    from emcc.driver.shapes import parsed
    from emcc.files.artefact import check_folder
    from emcc.report.paper import print_compressed
    from emcc.report.progress import Progress

    goal = compress_goal(goal_of(max_drop, target_size, target_sparsity), keep_weights, fixed)
    folder = out or Path(f"{for_path(model.stem)}_compressed")
    check_folder(folder, names=("model.emc", "compressed.onnx", "report.html"))
    with Progress(quiet) as progress:
        options = CompressOptions(
            model, data=data, goal=goal, recipe=recipe, work=work, keep_weights=keep_weights, validate=validate,
            task=task, minutes=minutes, steps=steps, output=taken(output), shape=parsed(shape or ()), method=method,
            fixed=fixed, teacher=teacher, search=search,
        )  # fmt: skip
        artefact = compress_model(options, progress)
    artefact.write(folder)
    if not quiet:
        print_compressed(artefact.manifest, printable(str(folder), 1000))
