"""The engine "board": what a model answers on a board at a serial port."""

import time
from collections.abc import Callable

import numpy as np

from emcc.base.errors import EmccError
from emcc.runtime.board.board import BAUD, Board
from emcc.runtime.final import final, worth
from emcc.runtime.opened import Opened
from emcc.runtime.result import Answers, Timing
from emcc.samples.dataset import Dataset


def board(
    opened: Opened, data: Dataset, progress: Callable[[int, int], object], *, port: str = "", baud: int = BAUD
) -> Answers:
    """Run a board. EmccError where there is none, or the line is given up."""
    if not opened.array:
        raise EmccError("there is no RTL in it: `emcc compress` wrote it", file=opened.folder, hint="use emcc compile")
    if not port:
        raise EmccError("a board is at a port", hint="name it with --port /dev/ttyUSB0")
    with Board(opened.folder, port, baud) as one:
        begun = time.perf_counter()
        outputs = one.outputs(data.x, progress)
        seconds = time.perf_counter() - begun
        cycles = np.asarray(one.cycles, np.int64)
        counts = (one.again, one.counts.silences, one.counts.damaged, one.loads * len(one.design.image or b""))
        timing = Timing(cycles, one.clock, seconds, *counts)
    interface = opened.interface
    return Answers(len(data), final(interface, outputs), worth(interface, outputs, data), None, timing=timing)
