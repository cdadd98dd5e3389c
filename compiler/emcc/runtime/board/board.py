"""A board that runs an artefact's design: floats in, the model's answers out."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import numpy as np

from emcc.base.errors import EmccError
from emcc.base.text import printable
from emcc.eie.reference import Memory
from emcc.ir.batch import joined
from emcc.ir.graph import Array
from emcc.ir.program import Program
from emcc.link.protocol import IDENTITY
from emcc.link.session import About, Counts, Lost, Session, Transport
from emcc.runtime.board.design import BoardDesign, open_design
from emcc.runtime.final import ONE, final
from emcc.runtime.opened import interface
from emcc.samples.sampling import by_input, dequantised, quantised

BAUD = 115_200
ATTEMPTS = 4
"""So often an inference is begun before it is given up."""


@dataclass(frozen=True)
class Status:
    """What a board does: it `wants` activations, `has` results, `runs`; cycles that it ran since power came."""

    wants: bool
    has: bool
    runs: bool
    cycles: int


class Board:
    """A board at a serial port, or at any other line to it.

    Args:
        artefact: the folder that `emcc compile` wrote and whose design is on the board, or that opened.
        port: the port's name, or a transport (emcc.link.session.Transport).
        baud: of a port.

    Raises:
        EmccError: no such port, or no permission; no board answers; it runs another design, or another version of the
            link; the artefact is none, or was changed.

    A board that takes weights and has none, or others, is given the artefact's: `loads` counts that.
    A faulty line is retried until it is given up: what it returns is what the design computes.
    """

    def __init__(self, artefact: Path | str | BoardDesign, port: str | Transport, baud: int = BAUD) -> None:
        self.design = artefact if isinstance(artefact, BoardDesign) else open_design(Path(artefact))
        self.cycles: list[int] = []
        self.again = self.loads = 0
        self._line = _line(port, baud)
        self.session = Session(self._line)
        self._number = 0
        try:
            self._about = self._ready()
        except BaseException:
            self._line.close()
            raise

    def __enter__(self) -> "Board":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Leave the port to others."""
        self._line.close()

    @property
    def digest(self) -> str:
        """The first half of the digest of the design on the board, in hex."""
        return self._about.digest

    @property
    def clock(self) -> int:
        """The design's clock in Hz."""
        return self._about.clock

    @property
    def counts(self) -> Counts:
        """What went wrong on the line and was mended."""
        return self.session.counts

    @property
    def status(self) -> Status:
        """Ask the board what it does."""
        with self._reported():
            one = self.session.poll()
        return Status(one.has("wants"), one.has("has"), one.has("runs"), one.value)

    def predict(self, x: Array) -> Array | dict[str, Array]:
        """Return what the ONNX model would answer: [n, ...]; of several outputs by their names.

        Args:
            x: float samples [n, ...] in the shape of the model's input.

        Raises:
            EmccError: x is not what the model takes, or the line is given up.
        """
        program = self.design.program
        answers = final(interface(program), self.outputs(np.asarray(x, np.float32)))
        return answers.get(ONE, answers)

    def outputs(self, x: Array, progress: Callable[[int, int], object] = lambda done, total: None) -> Array:
        """Return the outputs before the host's last operators: float64 [n, ...]; several side by side, see ir.batch.

        `cycles` has those that each inference ran, and `again` counts the inferences that were begun again.
        """
        program = self.design.program
        inputs = by_input(program, quantised(program, x))
        self.cycles, integers = [], []
        for row in range(len(x)):
            one = {name: values[row : row + 1] for name, values in inputs.items()}
            integers.append(self.inference(one))
            progress(row + 1, len(x))
        return dequantised(program, np.concatenate(integers))

    def inference(self, inputs: Mapping[str, Array]) -> Array:
        """Run one inference: integers [1, elements] by input's name to int64 [1, outputs], several side by side."""
        with self._reported():
            for _ in range(ATTEMPTS):
                try:
                    before = self.session.poll().value if not self.cycles else self.session.cycles
                    result = _crossed(self.session, self.design, inputs)
                    self.cycles.append((self.session.cycles - before) % (1 << 32))
                    return result
                except Lost as error:
                    cause = str(error)
                    self.again += 1
                    self._restart()
        raise EmccError(f"the board {cause}, {ATTEMPTS} times in turn", hint="is another program at the same board?")

    def forget(self) -> None:
        """Take the board's weights from it, and give it the artefact's again."""
        with self._reported():
            self.session.reset(self._next(), "clear")
            self._restart()

    def _restart(self) -> None:
        """Reset the board, which may be another one by now."""
        self._about = self._ready()
        self.session.cycles = self.session.poll().value

    def _ready(self) -> About:
        """Reset the board, and give it its weights where it has none or others. EmccError for another design."""
        about = self._reset()
        self._check(about)
        if not self.design.image or (about.digest == self.design.known and not about.empty):
            return about
        for _ in range(ATTEMPTS):
            try:
                self.session.load(self.design.image, self._next())
            except Lost as error:
                cause = str(error)
                continue
            self.loads += 1
            about = self._reset()
            if about.digest == self.design.known and not about.empty:
                return about
            cause = "has other weights than it was given"
        raise EmccError(f"the board {cause}, {ATTEMPTS} times in turn", hint="is another program at the same board?")

    def _reset(self) -> About:
        return self.session.reset(self._next())

    def _next(self) -> int:
        """Return a number for a reset, far from those that were in use."""
        self._number = (self._number + 101) % 256
        return self._number

    def _check(self, about: About) -> None:
        expected = self.design.known
        fixed = 2 * IDENTITY if self.design.image else len(about.digest)
        if about.loads != bool(self.design.image) or about.digest[:fixed] != expected[:fixed]:
            raise EmccError(
                f"the board at {printable(self._line.name, 200)} runs another design than this artefact's",
                details=[f"the board has {about.digest[:fixed]}", f"the artefact {expected[:fixed]}"],
                hint="load this artefact's bitstream, or name the artefact of the board's",
            )

    @contextmanager
    def _reported(self) -> Iterator[None]:
        """Leave the port where it is of no more use."""
        try:
            yield
        except EmccError:
            self._line.close()
            raise


def _line(port: str | Transport, baud: int) -> Transport:
    if not isinstance(port, str):
        return port
    from emcc.runtime.board.port import Port

    return Port(port, baud)


def _crossed(session: Session, design: BoardDesign, inputs: Mapping[str, Array]) -> Array:
    """Do what the host's table says, with the board in the array's place and the host's parts here."""
    program, memory = design.program, Memory(design.program, 1)
    for port in program.inputs:
        memory.write(port, inputs[port.name])
    ran = 0
    for row, crossing in design.rows:
        for part in program.parts[ran : crossing.parts]:
            memory.part(part)
        ran = crossing.parts
        held = memory.values[crossing.port.buffer]
        if crossing.into:
            wide = np.zeros((row.positions, row.slots), _dtype(program))
            wide[:, : held.shape[2]] = held[0]
            session.write(wide.tobytes())
        else:
            size = row.positions * row.slots * _dtype(program).itemsize
            words = np.frombuffer(session.read(size), _dtype(program)).reshape(row.positions, row.slots)
            held[:] = words[:, : held.shape[2]]
    return np.asarray(joined(np, [memory.read(port) for port in program.outputs]))


def _dtype(program: Program) -> np.dtype[np.signedinteger]:
    return np.dtype(f"<i{program.act_w // 8}")
