"""Inferences over a bad serial line, counted: right, wrong, and given up with an error."""

import random
import zlib
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from emcc.backends.rom import flash
from emcc.base.errors import EmccError
from emcc.eie.lower import lower
from emcc.eie.reference import run
from emcc.link.device import Device
from emcc.link.digest import digest_of
from emcc.link.faults import Bad, Direct
from emcc.link.protocol import CRC_BYTES, IDENTITY, IMAGE_AT
from emcc.link.render import memory
from emcc.link.session import Lost, Session
from emcc.link.stream import Image, Stream
from emcc.lint.grouped import GROUPED
from emcc.runtime.board.board import Board
from emcc.runtime.board.design import BoardDesign
from emcc.runtime.board.virtual import Lockstep, build, started
from emcc.samples.sampling import by_input, limits

BAUD = 115_200
IMAGE = 900
"""Bytes of the model's boot images."""

STRUCTURE = "7e7d" * 4
TURNS = (300, -40, 40, -500)
"""Of the model: activations of an inference with a part of the host in its middle."""


@dataclass
class Outcome:
    """What became of the inferences, and of the faults.

    Attributes:
        right: given the right answer. wrong: given another one. reported: ended with an error, or begun again.
        faults: by kind. noticed: damaged frames, silences and frames sent again, each one a fault or more.
    """

    right: int = 0
    wrong: int = 0
    reported: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    noticed: Counter[str] = field(default_factory=Counter)

    def to_json(self) -> dict[str, Any]:
        """Return JSON values."""
        return {
            **{"right": self.right, "wrong": self.wrong, "reported": self.reported},
            **{"faults": dict(sorted(self.faults.items())), "noticed": dict(sorted(self.noticed.items()))},
        }

    def note(self, session: Session) -> None:
        """Count what a conversation that is over has noticed."""
        counts = session.counts
        self.noticed.update(damaged=counts.damaged, silences=counts.silences, resent=counts.resent)


def on_model(faults: int, rate: float, seed: int = 1) -> Outcome:
    """Run inferences on the model of a board until there were so many faults, outages of its power among them."""
    board = Direct(Device(Stream(TURNS, _hashed), 1, 8 * BAUD, _memory(8, "0" * 64)), rate / 20, seed)
    line, rng, outcome = Bad(board, rate, seed), random.Random(seed), Outcome()
    session: Session | None = None
    while line.faults.total() + board.outages < faults:
        first, second = rng.randbytes(TURNS[0]), rng.randbytes(TURNS[2])
        talk = session or Session(line)
        try:
            if session is None:
                talk.reset(rng.randrange(256))
            session = talk
            talk.write(first)
            middle = talk.read(-TURNS[1])
            talk.write(second)
            last = talk.read(-TURNS[3])
            right = [*middle] == _hashed([*first]) and [*last] == _hashed([*first, *second])
            outcome.right, outcome.wrong = outcome.right + right, outcome.wrong + (not right)
        except (Lost, EmccError):
            outcome.reported += 1
            outcome.note(talk)
            session = None
    if session:
        outcome.note(session)
    outcome.faults = line.faults + Counter(outage=board.outages)
    return outcome


def loads_on_model(faults: int, rate: float, seed: int = 1) -> Outcome:
    """The same on the model of a board that takes weights: before each inference others, or those that it has."""
    loader = Image(IMAGE)
    stream = Stream((40, -60), lambda taken: _hashed([*loader.taken, *taken], 60))
    board = Direct(Device(stream, 1, 8 * BAUD, _memory(8, "0" * 64, STRUCTURE), loader), rate / 40, seed)
    line, rng, outcome = Bad(board, rate, seed), random.Random(seed), Outcome()
    images = [_imaged(rng.randbytes(IMAGE - CRC_BYTES)) for _ in range(3)]
    while line.faults.total() + board.outages < faults:
        talk, image, into = Session(line), rng.choice(images), rng.randbytes(40)
        try:
            about = talk.reset(rng.randrange(256))
            if about.empty or about.digest != STRUCTURE + image[IMAGE_AT : IMAGE_AT + IDENTITY].hex():
                talk.load(image, rng.randrange(256))
            talk.write(into)
            right = [*talk.read(60)] == _hashed([*image, *into], 60)
            outcome.right, outcome.wrong = outcome.right + right, outcome.wrong + (not right)
        except (Lost, EmccError):
            outcome.reported += 1
        outcome.note(talk)
    outcome.faults = line.faults + Counter(outage=board.outages)
    return outcome


def loads_on_rtl(faults: int, rate: float, seed: int = 1) -> Outcome:
    """The same on the RTL, from pin to pin: a design that is given its weights anew before each inference."""
    return on_rtl(faults, rate, seed, "booted")


def on_rtl(faults: int, rate: float, seed: int = 1, name: str = "groups") -> Outcome:
    """The same on the RTL, from pin to pin: a design with a part of the host in its middle."""
    specimen = GROUPED[name]
    program = lower(specimen.graph(), specimen.lower)
    files = specimen.files()
    design, outcome = BoardDesign.of(program, digest_of(files), files.get(flash.FILE)), Outcome()
    rng = np.random.default_rng(seed)
    with started(build(files, BAUD), files, "--lockstep") as process:
        line = Bad(Lockstep(process), rate, seed)
        board: Board | None = None
        while line.faults.total() < faults:
            low, high = limits(program)
            x = rng.integers(low, high, (1, low.size), endpoint=True)
            try:
                if board is None:
                    board = Board(design, line)
                elif design.image:
                    board.forget()
                right = (board.inference(by_input(program, x)) == run(program, x)).all()
                outcome.right, outcome.wrong = outcome.right + bool(right), outcome.wrong + (not right)
            except EmccError:
                outcome.reported += 1
                if board:
                    outcome.note(board.session)
                board = None
        if board:
            outcome.note(board.session)
    outcome.faults = line.faults
    return outcome


def _hashed(taken: list[int], count: int = 0) -> list[int]:
    """What the model answers to what it took; `count` of them, or as many as TURNS wants."""
    count = count or (-TURNS[1] if len(taken) == TURNS[0] else -TURNS[3])
    state, answers = zlib.crc32(bytes(taken)), []
    for index in range(count):
        state = zlib.crc32(bytes([index & 255]), state)
        answers.append(state & 255)
    return answers


def _imaged(body: bytes) -> bytes:
    return body + zlib.crc32(body).to_bytes(CRC_BYTES, "little")


def _memory(act_w: int, digest: str, structure: str = "") -> bytes:
    return bytes.fromhex(memory(act_w, digest, structure).decode().replace("\n", ""))
