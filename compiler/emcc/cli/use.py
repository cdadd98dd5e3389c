"""`emcc simulate`, `emcc run` and `emcc compare`: an artefact and data, and what becomes of them."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from emcc.base.errors import EmccError
from emcc.base.text import for_path, printable
from emcc.cli.parameters import BAUD, Baud, Count, Folder, Json, Quiet, TrustRtl
from emcc.runtime.engines import BOARD, ENGINES, NAMES, RTL, engine

TRACE = "emcc.fst"
HELD = "|".join(name for name, one in ENGINES.items() if one.held)


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
    trust_rtl: TrustRtl = False,
) -> None:
    """Run the emitted RTL in Verilator, or the emitted C, and hold every output integer against the reference model.

    Exits with 0 only if all are equal, otherwise with 1. RTL that is not what emcc makes of the folder's program is not
    run.
    """
    from emcc.files.artefact import check_file, fresh, read_manifest, to_json, write_file
    from emcc.report.held import print_held
    from emcc.report.progress import Progress
    from emcc.report.simulated import print_simulation
    from emcc.runtime.final import to_npz
    from emcc.runtime.result import SimulationResult

    device = engine(by)
    read_manifest(folder)
    check_file(outputs)
    check_file(json_file)
    waveform = fresh(Path(TRACE)) if trace else None
    with Progress(quiet=False) as progress:

        def show(done: int, total: int) -> None:
            progress(f"simulating, {done:,} of {total:,} inferences", done, total)

        progress(f"building the engine {by}")
        result = device.simulate(folder, data, count=count, trace=waveform, progress=show, **trusting(by, trust_rtl))
    if isinstance(result, SimulationResult):
        print_simulation(result)
    else:
        print_held(result)
    if waveform and not waveform.is_file():
        raise EmccError("the waveform was not written", file=waveform, hint="is there room on the disk?")
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


def run(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Of `emcc compile` or `emcc compress`.")],
    data: Annotated[Path, typer.Option(metavar="DATA.npz", help="x, and optionally y for the accuracy.")],
    out: Annotated[
        Path | None, typer.Option(metavar="Y.npz", help="Write the answers: y, or several outputs by their names.")
    ] = None,
    by: Annotated[
        str | None,
        typer.Option("--engine", metavar=NAMES, help="What runs it.", show_default="reference; at a port, board"),
    ] = None,
    count: Count = None,
    json_file: Json = None,
    quiet: Quiet = False,
    port: Annotated[
        str | None,
        typer.Option(metavar="PORT", help="The board's serial port: /dev/ttyUSB0, or what `emcc board` says."),
    ] = None,
    baud: Baud = BAUD,
    trust_rtl: TrustRtl = False,
) -> None:
    """Run a compressed model on data, here or on a board, and write what it answers, as the ONNX model would.

    Exits with 1, and writes no answers, if an engine does not do what the reference does.
    """
    from emcc.files.artefact import check_file, to_json, write_file
    from emcc.report.answered import print_answers
    from emcc.report.progress import Progress
    from emcc.runtime.final import to_npz
    from emcc.runtime.opened import open_artefact
    from emcc.samples.load import load_data

    by = by or (BOARD if port else "reference")
    chosen, where = engine(by), trusting(by, trust_rtl)
    if by == BOARD:
        where = {"port": port or "", "baud": baud}
    if port and by != BOARD:
        raise EmccError(f"the engine {by} is at no port", hint="leave out --engine, or --port")
    opened = open_artefact(folder)
    check_file(out)
    check_file(json_file)
    samples = load_data(data, opened.interface).first(count)
    with Progress(quiet) as progress:
        progress(f"running, {by}")
        answers = chosen.answer(opened, samples, lambda done, total: progress(f"running, {by}", done, total), **where)
    if out and not answers.failure:
        write_file(out, to_npz(answers.final))
    if json_file:
        write_file(json_file, to_json({"engine": by, **answers.to_json()}))
    if answers.failure:
        print(
            f"emcc: the engine {by} is not what the reference is: {printable(answers.failure, None)}", file=sys.stderr
        )
        raise typer.Exit(1)
    if not quiet:
        print_answers(answers, by, printable(str(out), 1000) if out else "the answers")


def trusting(by: str, trust_rtl: bool) -> dict[str, Any]:
    """Return the engine's option. EmccError where it runs no RTL."""
    if trust_rtl and by != RTL:
        raise EmccError(f"the engine {by} runs no RTL", hint="leave out --trust-rtl")
    return {"trust_rtl": True} if trust_rtl else {}


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
