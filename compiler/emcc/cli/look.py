"""`emcc inspect`, `emcc rom` and `emcc recipe`: what is in a model, an artefact or this package, in another form."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from emcc.base.errors import EmccError
from emcc.base.text import for_path, printable
from emcc.cli.guard import MISTAKE
from emcc.cli.parameters import Folder, Json, Output, Shape, taken

if TYPE_CHECKING:
    from emcc.frontend import Shapes

ROM_MARKER = "memories.json"
FLASH = "flash"


def inspect(
    path: Annotated[Path, typer.Argument(metavar="MODEL|DIR", help="An ONNX model, or an artefact.")],
    json_file: Json = None,
    ir: Annotated[
        bool, typer.Option("--ir", help="Print the model's graph, or the artefact's program, as text.")
    ] = False,
    output: Output = None,
    shape: Shape = None,
) -> None:
    """Say of a model which nodes emcc supports and what to change; of an artefact what is in it.

    Exits with 2 if the model cannot be compiled, though `emcc compress` may take it: the last line says so.
    """
    from emcc.files.artefact import changed, read_manifest, to_json, write_file

    if ir:
        from emcc.driver.dump import text_of

        print(text_of(path, taken(output), _said(shape)), end="")
        return
    if path.is_dir():
        from emcc.measure.coders import coders_in
        from emcc.report.paper import print_coders, print_compressed, print_paper
        from emcc.report.summary import print_summary

        manifest = read_manifest(path)
        if manifest.get("kind") == "compressed":
            print_compressed(manifest, printable(str(path), 1000))
        else:
            print_summary(manifest, printable(str(path), 1000))
            print_paper(manifest)
        compared = coders_in(path)
        if compared:
            print_coders(compared)
        for name in changed(path, manifest):
            print(f"changed since it was compiled, or missing: {printable(name)}")
        if json_file:
            write_file(json_file, to_json({**manifest, "coders": compared}))
        return
    from emcc.driver.survey import survey
    from emcc.report.survey import as_values, print_survey

    answers = survey(path, taken(output), _said(shape))
    print_survey(answers)
    if json_file:
        write_file(json_file, to_json(as_values(answers)))
    if not answers.supported or answers.facts.later:
        raise typer.Exit(MISTAKE)


def _said(shape: list[str] | None) -> "Shapes":
    """Return the sizes that --shape says."""
    from emcc.driver.shapes import parsed, shapes_of

    return shapes_of(parsed(shape or ()), None)


def rom(
    folder: Folder,
    form: Annotated[
        str,
        typer.Option(
            "--format",
            metavar="hex|mem|mif|coe|bin|flash",
            help="The file format. flash is one file: what a design whose weights are streamed is booted with.",
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR|FILE",
            help="Where to write: a folder, or the file.",
            show_default="DIR_rom_FORMAT or DIR_flash.bin, here",
        ),
    ] = None,
) -> None:
    """Write the ROM images of an artefact in another format."""
    from emcc.backends.rom import FORMATS, render
    from emcc.driver.emit import emit
    from emcc.eie.store import load_program
    from emcc.files.artefact import Artefact, read_manifest, to_json

    if form not in (*FORMATS, FLASH):
        raise EmccError(f"no ROM format {printable(form)!r}", hint=f"there are {', '.join((*FORMATS, FLASH))}")
    manifest = read_manifest(folder)
    if form == FLASH:
        _flash(folder, manifest, out or Path(f"{for_path(folder.resolve().name)}_{FLASH}.bin"))
        return
    memories = emit(load_program(folder / "program.npz")).images
    files = {name.removeprefix("rom/"): data for name, data in render(memories, form).items()}
    facts = {name: {"width": image.width, "depth": len(image)} for name, image in memories.items()}
    target = out or Path(f"{for_path(folder.resolve().name)}_rom_{form}")
    Artefact({**files, ROM_MARKER: to_json({"format": form, "files": sorted(files), "memories": facts})}).write(
        target, ROM_MARKER
    )
    print(f"{len(files)} files in {printable(str(target), 1000)}")


def _flash(folder: Path, manifest: Mapping[str, Any], target: Path) -> None:
    """Write the boot image of an artefact. EmccError where its design takes none, or another one."""
    from emcc.driver.emit import BOOT, emit
    from emcc.eie.store import load_program
    from emcc.files.artefact import write_file

    wanted = manifest.get("design", {}).get("boot_structure")
    if wanted is None:
        hint = 'compile with weights = "boot" in the recipe\'s [emit]'
        raise EmccError("no design that is booted from an image", file=folder, hint=hint)
    made = emit(load_program(folder / "program.npz"), weights="boot")
    if made.design["boot_structure"] != wanted:
        raise EmccError("its program is not what its design was made for", file=folder, hint="compile the model again")
    write_file(target, made.files[BOOT])
    print(f"{len(made.files[BOOT]):,} bytes in {printable(str(target), 1000)}")


def recipe() -> None:
    """Print the default recipe, commented."""
    from emcc.driver.recipe import default_text

    print(default_text(), end="")
