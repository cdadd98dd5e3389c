"""`emcc boards`, `emcc bitstream` and `emcc flash`: from an artefact to a board."""

from typing import Annotated

import typer

from emcc.base.text import printable
from emcc.cli.parameters import Folder, Quiet

BoardName = Annotated[
    str | None,
    typer.Option(
        "--board",
        metavar="BOARD",
        help="One of `emcc boards`, or a file, MINE.toml.",
        show_default="the one that DIR was compiled for",
    ),
]


def boards() -> None:
    """List the boards that emcc makes bitstreams or projects for."""
    from emcc.boards import catalogue
    from emcc.report.boards import print_boards

    print_boards({name: catalogue.board(name) for name in catalogue.names()})


def bitstream(
    folder: Folder,
    board: BoardName = None,
    seed: Annotated[int, typer.Option(metavar="N", min=1, max=1 << 30, help="Of the placer.")] = 1,
    seeds: Annotated[
        int, typer.Option(metavar="K", min=1, max=64, help="Try so many seeds, and keep the fastest design.")
    ] = 1,
    freq: Annotated[
        float | None,
        typer.Option(
            metavar="MHZ", min=1.0, max=1000.0, help="The clock.", show_default="the board's, of `emcc boards`"
        ),
    ] = None,
    updatable: Annotated[
        bool, typer.Option("--updatable", help="Keep what an update needs; takes a few more block RAMs.")
    ] = False,
    renew: Annotated[
        bool,
        typer.Option("--update", help="Put the artefact's memories into the bitstream there, without place and route."),
    ] = False,
    quiet: Quiet = False,
) -> None:
    """Make the file that a board loads: Yosys, nextpnr, packer. Needs no vendor's tools.

    Writes DIR/boards/BOARD: project, logs, bitstream. For Xilinx boards: a project for Vivado, and an estimate.
    """
    from emcc.base.errors import EmccError
    from emcc.boards.build import build
    from emcc.boards.catalogue import label
    from emcc.boards.design import board_of
    from emcc.boards.options import BuildOptions
    from emcc.boards.project import FOLDER
    from emcc.boards.update import update
    from emcc.report.boards import print_outcome

    board = board or board_of(folder)
    options = BuildOptions(board, seed, seeds, None if freq is None else round(freq * 1e6), updatable)
    report = (lambda line: None) if quiet else _say
    if renew:
        if (seed, seeds, updatable) != (1, 1, False):
            raise EmccError("--update places nothing", hint="leave out --seed, --seeds and --updatable")
        update(folder, options, report)
        return
    outcome = build(folder, options, report)
    if not quiet:
        print_outcome(outcome, folder / FOLDER / label(board))


def flash(
    folder: Folder,
    board: BoardName = None,
    permanent: Annotated[
        bool, typer.Option("--permanent", help="Write the board's flash; else it lasts until the power goes.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the command, and run nothing.")] = False,
) -> None:
    """Load a bitstream of `emcc bitstream` onto the board that is plugged in, with openFPGALoader."""
    import shlex

    from emcc.boards.design import board_of
    from emcc.boards.flash import arguments
    from emcc.tools.loader import PROGRAM, load

    words = arguments(folder, board or board_of(folder), permanent)
    print(printable(shlex.join([PROGRAM, *words]), None))
    if not dry_run:
        load(words, _say)


def _say(line: str) -> None:
    print(printable(line, 500), flush=True)
