"""`emcc board`: a board made of software."""

import signal
from typing import Annotated

import typer

from emcc.base.errors import EmccError
from emcc.base.text import printable
from emcc.cli.parameters import BAUD, Baud, Folder, Quiet, TrustRtl


def board(
    folder: Folder,
    virtual: Annotated[
        bool, typer.Option("--virtual", help="A board made of software; there is no other kind.")
    ] = False,
    baud: Baud = BAUD,
    trust_rtl: TrustRtl = False,
    quiet: Quiet = False,
) -> None:
    """Be a board: simulate the artefact's design with its UART, behind a pseudo-terminal, until Ctrl-C or SIGTERM.

    Prints the terminal's name, for `emcc run --port` and the C client. Its clock is ten times the baud rate.
    """
    from emcc.report.progress import Progress
    from emcc.runtime.board.virtual import build, files_of, running, said

    if not virtual:
        raise EmccError("a real board needs no command to be one", hint="say --virtual, or use `emcc run --port`")
    with Progress(quiet) as progress:
        progress("building the simulator")
        build(files_of(folder, trust_rtl), baud)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with running(folder, baud, trust_rtl=trust_rtl) as (name, process):
        print(f"port: {name}", flush=True)
        if not quiet:
            print(f"try: emcc run {printable(str(folder), 1000)} --port {name} --data DATA.npz", flush=True)
        try:
            code = process.wait()
        except KeyboardInterrupt:
            return
        raise EmccError(f"the virtual board ended with {code}: {printable(said(process), None)}")
