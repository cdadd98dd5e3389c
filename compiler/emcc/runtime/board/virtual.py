"""A board made of software: emcc_uart_top in Verilator, a pseudo-terminal at its pins (sim/verilator/board)."""

import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from emcc.base.errors import EmccError
from emcc.runtime.board.design import LISTING, board_files
from emcc.runtime.genuine import of_folder
from emcc.tools import verilator
from emcc.tools.process import ToolError

CLOCKS_A_BIT = 10
"""As few as let the link give the accelerator the longest frame, three clocks a byte, while the shortest one comes: a
simulated clock costs time."""


def build(files: Mapping[str, bytes], baud: int) -> Path:
    """Build the program of a virtual board from an artefact's files. EmccError and ToolError as verilator.build."""
    parameters = (("ClkHz", CLOCKS_A_BIT * baud), ("Baud", baud))
    target = verilator.Target("emcc_uart_top", LISTING, "board", "emcc_board", parameters)
    return verilator.build({name: files[name] for name in files if name.startswith("rtl/")}, target=target)


def files_of(folder: Path, trust_rtl: bool = False) -> dict[str, bytes]:
    """Return what an artefact has of a board. EmccError as board_files and, but for `trust_rtl`, genuine.of_folder."""
    files = board_files(folder)
    return files if trust_rtl else {**files, **of_folder(folder)}


@contextmanager
def running(folder: Path, baud: int, *, trust_rtl: bool = False) -> Iterator[tuple[str, "subprocess.Popen[bytes]"]]:
    """Run a virtual board of an artefact: the name of its port, and its process, which ends with the context.

    EmccError as `files_of`.
    """
    files = files_of(folder, trust_rtl)
    with started(build(files, baud), files) as process:
        assert process.stdout is not None
        line = process.stdout.readline().decode("utf-8", "replace").split()
        if len(line) != 2 or line[0] != "port":
            raise ToolError("the virtual board", process.wait(), said(process))
        yield line[1], process


@contextmanager
def started(program: Path, files: Mapping[str, bytes], *options: str) -> Iterator["subprocess.Popen[bytes]"]:
    """Start a virtual board beside its ROM images, as they are in `files`; end it with the context."""
    with tempfile.TemporaryDirectory(prefix="emcc-board-") as scratch:
        for name, content in files.items():
            if name.startswith("rom/"):
                path = Path(scratch, name)
                path.parent.mkdir(exist_ok=True)
                path.write_bytes(content)
        command = [str(program), "--div", str(CLOCKS_A_BIT), *options]
        pipe = subprocess.PIPE
        # A group of its own: Ctrl-C is for emcc, which ends the board then.
        process = subprocess.Popen(command, cwd=scratch, start_new_session=True, stdin=pipe, stdout=pipe, stderr=pipe)
        try:
            yield process
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            process.communicate()


class Lockstep:
    """A virtual board as a transport without time: a question goes in, and what comes of it comes out.

    Args:
        process: started with --lockstep.
    """

    name = "a virtual board"

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self._process, self._out = process, bytearray()

    def send(self, data: bytes) -> None:
        """Send bytes, and let the board run until its line is quiet."""
        into, out = self._process.stdin, self._process.stdout
        assert into is not None
        assert out is not None
        try:
            into.write(len(data).to_bytes(4, "little") + data)
            into.flush()
        except OSError:
            raise self._gone() from None
        head = out.read(4)
        if len(head) < 4:
            raise self._gone()
        self._out += out.read(int.from_bytes(head, "little"))

    def receive(self) -> bytes:
        """Return what has come."""
        data = bytes(self._out)
        self._out.clear()
        return data

    def close(self) -> None:
        """Nothing is left open."""

    def _gone(self) -> EmccError:
        return EmccError(f"the virtual board ended: {said(self._process)}")


def said(process: "subprocess.Popen[bytes]") -> str:
    """Return what a board that ended says of that."""
    return process.stderr.read().decode("utf-8", "replace").strip() if process.stderr else ""
