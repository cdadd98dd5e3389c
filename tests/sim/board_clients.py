"""The C client of an artefact, and terminals that a test stands behind."""

import os
import subprocess
import threading
import tty
from pathlib import Path

import numpy as np

from emcc.base.errors import EmccError
from emcc.link.faults import Bad
from emcc.tools import cxx


def compiled_client(host: Path, program: Path) -> Path:
    """The C client, compiled without a warning."""
    flags = ["-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic", "-O1"]
    compiler = cxx.compiler()[0].replace("g++", "gcc").replace("clang++", "clang").replace("c++", "cc")
    command = [compiler, *flags, "-o", str(program), str(host / "main.c"), str(host / "emcc_board.c"), "-lm"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return program


def answers(client: Path, port: str, folder: Path, *more: str) -> np.ndarray:
    """What the C client prints."""
    done = subprocess.run([client, port, folder / "x.f32", *more], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return np.array([[float(word) for word in line.split()] for line in done.stdout.splitlines()], np.float32)


class Terminal:
    """A pseudo-terminal whose other end is a board's model, by way of a bad line."""

    def __init__(self, line: Bad) -> None:
        self.line, (self.master, slave) = line, os.openpty()
        tty.setraw(slave)
        self.slave, self.port = slave, os.ttyname(slave)
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self) -> None:
        try:
            while True:
                self.line.send(os.read(self.master, 4096))
                os.write(self.master, self.line.receive())
        except (OSError, EmccError):
            return

    def close(self) -> None:
        """End it."""
        os.close(self.slave)
        os.close(self.master)
