"""One hostile file or situation."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

TESTS = Path(__file__).resolve().parents[3] / "tests"
if str(TESTS) not in sys.path:
    sys.path.insert(0, str(TESTS))

COMPILE = ("compile", "m.onnx", "--keep-weights", "--quiet", "--out", "out")
COMPRESS = ("compress", "m.onnx", "--keep-weights", "--quiet", "--out", "out")
INSPECT = ("inspect", "m.onnx")


@dataclass(frozen=True)
class Row:
    """A situation and the right answer.

    Attributes:
        build: makes it in an empty folder. command: of emcc, there.
        said: a part of the error, or several with "|" of which one is there; "" where the command is to succeed.
        code: how it ends.
        seconds: of processor time beside what an empty command takes. cheap: a test runs it too.
    """

    name: str
    build: Callable[[Path], object]
    command: tuple[str, ...]
    said: str = ""
    code: int = 2
    seconds: float = 2.0
    cheap: bool = True
