"""The host's end of the link: frames until they have arrived, questions until they are answered.

Writes go out without waiting; a read or a poll asks how far the board has come, and what is missing goes out again. A
board takes a frame only where its number is the next one, so that nothing is taken twice, and nothing out of turn.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from emcc.base.errors import EmccError
from emcc.base.text import printable
from emcc.link.frames import Answer, Decoder, answer, frame, info
from emcc.link.protocol import (
    DIGEST_BYTES,
    FLAG,
    MAGIC,
    PAUSE,
    PAYLOAD,
    TAKES_WEIGHTS,
    VERSION,
    WINDOW,
    reply,
)  # fmt: skip

SILENCES = 20
"""So often in turn nothing comes before a board is given up."""

IDLE = 2000
"""So many answers in turn say that nothing happens before a board is given up."""

SETTLED = 8
"""So many answers behind a boot image say whether it was good: all of it was decoded before the first one."""

STATE, INFO, DATA = (reply(name) for name in ("state", "info", "data"))
EVEN = PAYLOAD // 2 * 2


class Transport(Protocol):
    """A line to a board."""

    @property
    def name(self) -> str:
        """What the line is called (a port), to be told."""
        ...

    def send(self, data: bytes) -> None:
        """Send bytes. EmccError where the line is gone."""
        ...

    def receive(self) -> bytes:
        """Return what has come; wait a little for it, and return nothing where nothing comes. EmccError as above."""
        ...

    def close(self) -> None:
        """Leave the line."""
        ...


class Lost(Exception):
    """The board is not where the host believes it to be: an inference has to begin again, after a reset."""


@dataclass(frozen=True)
class About:
    """What a board says that it is.

    Attributes:
        version: of the protocol. size: bytes of an activation. clock: in Hz.
        digest: the first half of the design's, in hex; see protocol.INFO for one that takes weights.
        loads: it takes weights. empty: it has none.
    """

    version: int
    size: int
    clock: int
    digest: str
    loads: bool = False
    empty: bool = False


@dataclass
class Counts:
    """What went wrong on the line and was mended.

    Attributes:
        silences: questions that were asked again because nothing came.
        resent: frames that were sent again. damaged: what came and was no frame.
    """

    silences: int = 0
    resent: int = 0
    damaged: int = 0


@dataclass
class Session:
    """A conversation with a board, from a reset on."""

    line: Transport
    counts: Counts = field(default_factory=Counts)
    cycles: int = 0
    _number: int = 0
    _pending: list[tuple[str, bytes]] = field(default_factory=list)
    _come: list[Answer] = field(default_factory=list)
    _decoder: Decoder = field(default_factory=Decoder)

    def reset(self, number: int, command: str = "reset") -> About:
        """Reset the board; `number` (0 to 255) is the conversation's first one. EmccError where no board answers."""
        self._pending.clear()
        about = self._about(frame(command, number), number)
        self._number = number
        return about

    def load(self, image: bytes, number: int) -> None:
        """Reset the board, and give it a boot image. Lost where it has to be begun again.

        Raises:
            EmccError: it refuses the image, or is given up.
        """
        self.reset(number, "clear")
        # In pieces of a size: each is decoded before the next one has come.
        pieces = -(-len(image) // PAYLOAD)
        size = -(-len(image) // pieces)
        for at in range(0, len(image), size):
            self._pending.append(("load", image[at : at + size]))
            if len(self._pending) == WINDOW:
                self._deliver(0)
        self._deliver(0)
        for _ in range(SETTLED):
            one = self.poll()
            self._check(one)
            if one.has("refused"):
                raise EmccError(f"the board at {self._where} refuses the boot image")
            if not one.has("empty"):
                return
        raise Lost("waits for more of the boot image")

    def info(self) -> About:
        """Ask the board what it is, and change nothing."""
        return self._about(frame("info", 0), None)

    def poll(self) -> Answer:
        """Ask for the board's state."""
        return self._asked(frame("poll", 0), lambda one: one.reply == STATE)

    def write(self, data: bytes) -> None:
        """Give activations to the board. Some may be on their way, or here, until something is read."""
        for at in range(0, len(data), EVEN):
            self._pending.append(("write", data[at : at + EVEN]))
            if len(self._pending) == WINDOW:
                self._deliver(0)

    def read(self, size: int) -> bytes:
        """Return so many bytes of results. Lost where the board waits for something else."""
        return b"".join(self._deliver(min(EVEN, size - at)) for at in range(0, size, EVEN))

    def _about(self, question: bytes, number: int | None) -> About:
        """Ask what the board is, until it answers with `number` as the last one, if there is one."""
        one = self._asked(question, lambda one: one.reply == INFO and number in (None, one.last))
        fields = info(one.payload)
        if fields is None or fields["magic"] != MAGIC:
            raise EmccError(f"what answers at {self._where} is no board of emcc")
        digest = fields["digest"][:DIGEST_BYTES].hex()
        loads = bool(fields["features"][0] & TAKES_WEIGHTS)
        return About(fields["version"][0], fields["bytes"][0], one.value, digest, loads, one.has("empty"))

    def _asked(self, question: bytes, wanted: Callable[[Answer], bool]) -> Answer:
        self.line.send(question)
        for _ in range(IDLE):
            one = self._answer(question)
            if wanted(one):
                return one
        raise EmccError(f"the board at {self._where} answers, and not what it is asked")

    def _deliver(self, size: int) -> bytes:
        """Send what is pending until the board has taken it all; then take `size` bytes of results, if any are wanted.

        A reply may be old: one to a question that was believed to be lost. Numbers tell, since all that is under way
        is less than 128 frames.
        """
        self._send(0, size)
        idle, seen = 0, (-1, -1)
        while True:
            one = self._answer(self._question(size))
            self._check(one)
            taken = (one.last - self._number) & 255
            if size and one.reply == DATA and taken == len(self._pending) + 1 and len(one.payload) == size:
                self._advance(taken)
                self.cycles = one.value
                return one.payload
            if one.reply != STATE or taken > len(self._pending):
                idle = self._idle(idle)
                continue
            idle = 0 if (one.last, one.value) != seen else self._idle(idle)
            seen = (one.last, one.value)
            missing = len(self._pending) - taken
            self._advance(taken)
            if not missing and not size:
                return b""
            if not missing and one.has("wants"):
                raise Lost("waits for more than was to be written")
            self.counts.resent += missing
            self._send(0, size)

    def _check(self, one: Answer) -> None:
        """Raise Lost where the board was reset by another, or lost its power, or a frame came too early."""
        if not one.has("open"):
            raise Lost("was reset")
        if one.has("late"):
            raise Lost("was given a frame too early")

    def _idle(self, idle: int) -> int:
        if idle >= IDLE:
            raise Lost("comes to no end")
        return idle + 1

    def _advance(self, taken: int) -> None:
        """Forget frames that were taken; the read behind them may be one."""
        del self._pending[:taken]
        self._number = (self._number + taken) & 255

    def _question(self, size: int) -> bytes:
        """Return the frame behind those that are pending."""
        if size:
            return frame("read", self._number + 1 + len(self._pending), bytes([size]))
        return frame("poll", 0)

    def _send(self, first: int, size: int) -> None:
        frames = [frame(name, self._number + 1 + at, data) for at, (name, data) in enumerate(self._pending)]
        if self._pending and self._pending[-1][0] == "load":
            frames.append(bytes([FLAG]) * PAUSE)
        self.line.send(b"".join([*frames, self._question(size)]))

    def _answer(self, question: bytes) -> Answer:
        """Return the next answer; ask the question again where nothing comes."""
        for _ in range(SILENCES):
            while not self._come:
                data = self.line.receive()
                if not data:
                    break
                self._come += [one for one in map(answer, self._decoder.feed(data)) if one is not None]
                self.counts.damaged = self._decoder.damaged
            if self._come:
                one = self._come.pop(0)
                if one.version != VERSION:
                    raise EmccError(
                        f"the board at {self._where} speaks version {one.version} of the link, this emcc {VERSION}",
                        hint="load a bitstream of this emcc, or use the emcc that made the board's",
                    )
                return one
            self.counts.silences += 1
            self.line.send(question)
        raise EmccError(
            f"no board answers at {self._where}",
            hint="is it the right port, is the bitstream loaded, and is the board's baud rate given with --baud?",
        )

    @property
    def _where(self) -> str:
        return printable(self.line.name, 200)
