"""The command line. One function a command: parse, call, print; what a command needs is imported when it runs."""

import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

from emcc import __version__
from emcc.base.errors import EmccError
from emcc.base.text import for_path, printable
from emcc.runtime.engines import ENGINES, NAMES, engine

MISTAKE = 2
INTERRUPTED = 130
ROM_MARKER = "memories.json"


class Guarded(TyperGroup):
    """Turn a user's mistake into its message and exit code 2, an interrupt into 130; a bug keeps its traceback.

    Every option's help says its default: "off" of a switch and "none" of others, where `show_default` has no words.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        params: Any = [param for command in self.commands.values() for param in command.params]
        for param in params:
            silent = param.param_type_name == "option" and not param.required and param.show_default is True
            if silent and param.default in (None, False):
                param.show_default = "off" if param.is_flag else "none"

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except EmccError as error:
            print(f"emcc: error: {error}", file=sys.stderr)
            raise typer.Exit(MISTAKE) from error
        except KeyboardInterrupt as error:
            print("emcc: interrupted", file=sys.stderr)
            raise typer.Exit(INTERRUPTED) from error


app = typer.Typer(
    cls=Guarded,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Turns a trained ONNX model into a compressed, sparse FPGA accelerator, and proves it bit for bit.",
)

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="A folder that `emcc compile` wrote.")]
KeepWeights = Annotated[
    bool, typer.Option("--keep-weights", help="Neither prune nor fine-tune: the zero pattern stays.")
]
MaxDrop = Annotated[
    float | None,
    typer.Option(
        metavar="POINTS",
        min=0.0,
        max=100.0,
        help="Compress until this much accuracy is lost (held out).",
        show_default="with data and no other goal 1; of `emcc compress` 0.3",
    ),
]
TargetSize = Annotated[str | None, typer.Option(metavar="SIZE", help="Compress until model.emc fits: 20KB, 9000.")]
TargetSparsity = Annotated[
    float | None, typer.Option(metavar="SHARE", min=0.0, max=1.0, help="Compress to this share of zeros, exactly.")
]
DataFile = Annotated[
    Path | None,
    typer.Option(metavar="DATA.npz", help="x (batch first, float32) and, optionally, y: labels, or float targets."),
]
Validate = Annotated[
    Path | None,
    typer.Option(metavar="V.npz", help="Samples that decide, new to the model.", show_default="some of DATA"),
]
Task = Annotated[
    str, typer.Option(metavar="auto|classify|regress", help="What the outputs are for, and so how they are judged.")
]
Minutes = Annotated[
    float | None,
    typer.Option(
        metavar="M",
        min=0.01,
        help="Time to train for; becomes a number of steps beforehand.",
        show_default="5; of `emcc compress` what the passes take",
    ),
]
TrainSteps = Annotated[
    int | None,
    typer.Option(
        "--steps",
        metavar="N",
        min=1,
        help="Steps of training, instead; as emcc.json has them.",
        show_default="as many as the minutes allow",
    ),
]
RecipeFile = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE.toml", help="Options of the passes; see `emcc recipe`.", show_default="all at their defaults"
    ),
]
Output = Annotated[
    list[str] | None,
    typer.Option(
        "--output",
        metavar="NAME",
        help="The tensor to take as the output; once each for several.",
        show_default="the one that emcc can",
    ),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress and no summary.")]
Work = Annotated[Path | None, typer.Option(metavar="DIR", help="Keep every step there; go on after an interruption.")]
HELD = "|".join(name for name, one in ENGINES.items() if one.held)
Count = Annotated[int | None, typer.Option(metavar="N", min=1, help="The first N samples.", show_default="all")]
Json = Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Also write the result as JSON.")]


@app.callback(invoke_without_command=True)
def root(version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False) -> None:
    """Options before the command."""
    if version:
        print(f"emcc {__version__}")
        raise typer.Exit


@app.command("compile")
def compile_command(
    model: Annotated[Path, typer.Argument(metavar="MODEL.onnx", help="The trained model.")],
    target: Annotated[str, typer.Option(help="The accelerator; eie is the one there is.")] = "eie",
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where to write.", show_default="MODEL_eie, here")
    ] = None,
    data: DataFile = None,
    pes: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, max=256, help="Processing elements.", show_default="the recipe's, 8"),
    ] = None,
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
    dump: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write the graph after every pass, and the program, as text.")
    ] = None,
) -> None:
    """Compile a model into an artefact: compressed model, RTL, ROM images, report.

    With data and no goal: --max-drop 1 --minutes 5. Without data nothing is pruned or trained.
    """
    from emcc.driver.compile import compile_model
    from emcc.driver.request import CompileOptions, goal_of
    from emcc.files.artefact import check_folder
    from emcc.report.progress import Progress
    from emcc.report.summary import print_summary

    goal = goal_of(max_drop, target_size, target_sparsity)
    folder = out or Path(f"{for_path(model.stem)}_{target}")
    check_folder(folder, names=("model.emc", "program.npz", "report.html"))
    options = CompileOptions(
        model, target=target, data=data, pes=pes, memory=memory, keep_weights=keep_weights, recipe=recipe, goal=goal,
        work=work, output=_taken(output), dump=dump, fixed=fixed, validate=validate, task=task, minutes=minutes,
        steps=steps,
    )  # fmt: skip
    with Progress(quiet) as progress:
        artefact = compile_model(options, progress)
    artefact.write(folder)
    if not quiet:
        print_summary(artefact.manifest, printable(str(folder), 1000))
    loss = artefact.manifest["loss"]
    if strict and loss is not None and loss["lost"] > loss["allowed"]:
        raise typer.Exit(1)


@app.command()
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
    validate: Validate = None,
    task: Task = "auto",
    minutes: Minutes = None,
    steps: TrainSteps = None,
    work: Work = None,
    output: Output = None,
    quiet: Quiet = False,
) -> None:
    """Compress a model by itself: model.emc, compressed.onnx, and what was done. Without a goal: --max-drop 0.3."""
    from emcc.driver.compress import compress_model
    from emcc.driver.request import CompressOptions, compress_goal, goal_of
    from emcc.files.artefact import check_folder
    from emcc.report.paper import print_compressed
    from emcc.report.progress import Progress

    goal = compress_goal(goal_of(max_drop, target_size, target_sparsity), keep_weights)
    folder = out or Path(f"{for_path(model.stem)}_compressed")
    check_folder(folder, names=("model.emc", "compressed.onnx"))
    with Progress(quiet) as progress:
        taken = _taken(output)
        options = CompressOptions(model, data, goal, recipe, work, keep_weights, validate, task, minutes, steps, taken)
        artefact = compress_model(options, progress)
    artefact.write(folder)
    if not quiet:
        print_compressed(artefact.manifest, printable(str(folder), 1000))


@app.command()
def simulate(
    folder: Folder,
    data: Annotated[Path, typer.Option(metavar="DATA.npz", help="x, and optionally y for the accuracy.")],
    count: Count = None,
    json_file: Json = None,
    trace: Annotated[bool, typer.Option("--trace", help="Write a waveform, emcc.fst, here.")] = False,
    by: Annotated[str, typer.Option("--engine", metavar=HELD, help="What is held against the reference.")] = "rtl",
    outputs: Annotated[
        Path | None, typer.Option(metavar="Y.npz", help="Write the model's answers, as `emcc run` does.")
    ] = None,
) -> None:
    """Run the emitted RTL in Verilator and hold every output integer against the reference model.

    Exits with 0 only if all are equal, otherwise with 1.
    """
    from emcc.files.artefact import check_file, read_manifest, to_json, write_file
    from emcc.report.progress import Progress
    from emcc.report.simulated import print_simulation
    from emcc.runtime.final import to_npz

    device = engine(by)
    read_manifest(folder)
    check_file(outputs)
    check_file(json_file)
    waveform = Path("emcc.fst") if trace else None
    with Progress(quiet=False) as progress:

        def show(done: int, total: int) -> None:
            progress(f"simulating, {done:,} of {total:,} inferences", done, total)

        progress("building the simulator")
        result = device.simulate(folder, data, count=count, trace=waveform, progress=show)
    print_simulation(result)
    if waveform:
        print(f"waveform: {waveform}")
    if json_file:
        write_file(json_file, to_json(result.to_json()))
    if outputs and result.complete:
        write_file(outputs, to_npz(result.final))
    elif outputs:
        print("emcc: no outputs are written: not every inference came to its end", file=sys.stderr)
    if not result.ok:
        raise typer.Exit(1)


@app.command()
def run(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Of `emcc compile` or `emcc compress`.")],
    data: Annotated[Path, typer.Option(metavar="DATA.npz", help="x, and optionally y for the accuracy.")],
    out: Annotated[Path, typer.Option(metavar="Y.npz", help="The answers: y, or several outputs by their names.")],
    by: Annotated[str, typer.Option("--engine", metavar=NAMES, help="What runs it.")] = "reference",
    count: Count = None,
    json_file: Json = None,
    quiet: Quiet = False,
) -> None:
    """Run a compressed model on data and write what it answers, as the ONNX model would.

    Exits with 1, and writes no answers, if an engine does not do what the reference does.
    """
    from emcc.files.artefact import check_file, to_json, write_file
    from emcc.report.answered import print_answers
    from emcc.report.progress import Progress
    from emcc.runtime.final import to_npz
    from emcc.runtime.opened import open_artefact
    from emcc.samples.load import load_data

    chosen = engine(by)
    opened = open_artefact(folder)
    check_file(out)
    check_file(json_file)
    samples = load_data(data, opened.interface).first(count)
    with Progress(quiet) as progress:
        progress(f"running, {by}")
        answers = chosen.answer(opened, samples, lambda done, total: progress(f"running, {by}", done, total))
    if not answers.failure:
        write_file(out, to_npz(answers.final))
    if json_file:
        write_file(json_file, to_json({"engine": by, **answers.to_json()}))
    if answers.failure:
        print(
            f"emcc: the engine {by} is not what the reference is: {printable(answers.failure, None)}", file=sys.stderr
        )
        raise typer.Exit(1)
    if not quiet:
        print_answers(answers, by, printable(str(out), 1000))


@app.command()
def compare(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Of `emcc compile` or `emcc compress`.")],
    model: Annotated[Path, typer.Option(metavar="MODEL.onnx", help="The model that it was made of.")],
    data: Annotated[Path, typer.Option(metavar="DATA.npz", help="x, samples as the model is used on.")],
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE.html", help="Where to write.", show_default="DIR_compare.html, beside DIR"),
    ] = None,
    count: Annotated[int, typer.Option(metavar="N", min=1, help="Samples, spread evenly over the data.")] = 1000,
    threshold: Annotated[
        float, typer.Option(metavar="SHARE", min=0.0, help="Relative error beyond which tensors have parted.")
    ] = 0.05,
    json_file: Json = None,
    quiet: Quiet = False,
) -> None:
    """Show every tensor's float value against its fixed-point one: error, saturation, share of the output's error."""
    from emcc.driver.compare import compare_model
    from emcc.files.artefact import check_file, to_json, write_file
    from emcc.report.compared import print_comparison
    from emcc.report.profile import render_comparison
    from emcc.report.progress import Progress

    here = folder.resolve()
    page = out or folder.parent / f"{for_path(here.name)}_compare.html"
    check_file(page)
    check_file(json_file)
    with Progress(quiet) as progress:
        comparison = compare_model(folder, model, data, count, threshold, progress)
    write_file(page, render_comparison(comparison, model.name))
    if json_file:
        write_file(json_file, to_json(comparison.to_json()))
    if not quiet:
        print_comparison(comparison, printable(str(page), 1000))


@app.command()
def inspect(
    path: Annotated[Path, typer.Argument(metavar="MODEL|DIR", help="An ONNX model, or an artefact.")],
    json_file: Json = None,
    ir: Annotated[
        bool, typer.Option("--ir", help="Print the model's graph, or the artefact's program, as text.")
    ] = False,
    output: Output = None,
) -> None:
    """Say of a model which nodes emcc supports and what to change; of an artefact what is in it.

    Exits with 2 if the model cannot be compiled.
    """
    from emcc.files.artefact import changed, read_manifest, to_json, write_file

    if ir:
        from emcc.driver.dump import text_of

        print(text_of(path, _taken(output)), end="")
        return
    if path.is_dir():
        from emcc.report.paper import print_compressed, print_paper
        from emcc.report.summary import print_summary

        manifest = read_manifest(path)
        if manifest.get("kind") == "compressed":
            print_compressed(manifest, printable(str(path), 1000))
        else:
            print_summary(manifest, printable(str(path), 1000))
            print_paper(manifest)
        for name in changed(path, manifest):
            print(f"changed since it was compiled, or missing: {printable(name)}")
        if json_file:
            write_file(json_file, to_json(manifest))
        return
    from emcc.frontend import survey
    from emcc.report.survey import as_values, print_survey

    answers = survey(path, _taken(output))
    print_survey(answers)
    if json_file:
        write_file(json_file, to_json(as_values(answers)))
    if not answers.supported:
        raise typer.Exit(MISTAKE)


@app.command()
def rom(
    folder: Folder,
    form: Annotated[str, typer.Option("--format", metavar="hex|mem|mif|coe|bin", help="The file format.")],
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where to write.", show_default="DIR_rom_FORMAT, here")
    ] = None,
) -> None:
    """Write the ROM images of an artefact in another format."""
    from emcc.backends.rom import FORMATS, render
    from emcc.driver.emit import emit
    from emcc.eie.store import load_program
    from emcc.files.artefact import Artefact, read_manifest, to_json

    if form not in FORMATS:
        raise EmccError(f"no ROM format {printable(form)!r}", hint=f"there are {', '.join(FORMATS)}")
    read_manifest(folder)
    memories = emit(load_program(folder / "program.npz")).images
    files = {name.removeprefix("rom/"): data for name, data in render(memories, form).items()}
    facts = {name: {"width": image.width, "depth": len(image)} for name, image in memories.items()}
    target = out or Path(f"{for_path(folder.resolve().name)}_rom_{form}")
    Artefact({**files, ROM_MARKER: to_json({"format": form, "files": sorted(files), "memories": facts})}).write(
        target, ROM_MARKER
    )
    print(f"{len(files)} files in {printable(str(target), 1000)}")


@app.command()
def recipe() -> None:
    """Print the default recipe, commented."""
    from emcc.driver.recipe import default_text

    print(default_text(), end="")


def _taken(output: list[str] | None) -> str | tuple[str, ...] | None:
    """One name, several, or none."""
    if not output:
        return None
    return output[0] if len(output) == 1 else tuple(output)


def main() -> None:
    """Run the `emcc` command."""
    signal.signal(signal.SIGTERM, _terminate)
    app()


def _terminate(number: int, frame: FrameType | None) -> NoReturn:
    raise SystemExit(128 + number)
