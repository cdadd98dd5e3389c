"""The command line: a file a family of commands, a function a command: parse, call, print.

What a command needs is imported when it runs.
"""

import io
import signal
import sys
import warnings
from types import FrameType
from typing import Annotated, NoReturn

import typer

from emcc import __version__
from emcc.cli import board, look, make, use, virtual
from emcc.cli.guard import Guarded, give_up_stdout

app = typer.Typer(
    cls=Guarded,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Turns a trained ONNX model into a compressed, sparse FPGA accelerator, and proves it bit for bit.",
)


@app.callback(invoke_without_command=True)
def root(version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False) -> None:
    """Options before the command."""
    if version:
        print(f"emcc {__version__}")
        raise typer.Exit


app.command("compile")(make.compile_command)
for command in (make.compress, use.simulate, use.run, use.compare, look.inspect, look.rom, look.recipe, virtual.board):
    app.command()(command)
app.command()(board.boards)
app.command()(board.bitstream)
app.command()(board.flash)


def main() -> None:
    """Run the `emcc` command."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) != signal.SIG_IGN:  # as `nohup` leaves it
            signal.signal(number, _terminate)
    warnings.simplefilter("ignore", RuntimeWarning)  # NumPy's: what is not finite is an error of its own
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # names of files and models are of any alphabet, a terminal is not
            stream.reconfigure(errors="backslashreplace")
    try:
        app()
    finally:
        give_up_stdout()


def _terminate(number: int, frame: FrameType | None) -> NoReturn:
    raise SystemExit(128 + number)
