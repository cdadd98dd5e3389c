"""What crosses between the host and the array in an inference, and whose it is."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from emcc.base.text import printable
from emcc.eie.groups.exchange import exchanges
from emcc.eie.groups.where import root_of
from emcc.eie.reference import elements
from emcc.ir.graph import Array
from emcc.ir.program import HOLE, Port, Program


@dataclass(frozen=True)
class Crossing:
    """A tensor that crosses.

    Attributes:
        into: whether into the array.
        port: how it lies there.
        says: what it is (untrusted names made printable).
        output: whether it is one of the model's outputs.
        parts: how many of the host's parts have run when it crosses.
    """

    into: bool
    port: Port
    says: str
    output: bool = False
    parts: int = 0


def crossings(program: Program) -> Iterator[Crossing]:
    """Yield the inputs, what crosses for each of the host's parts, and the outputs, in that order."""
    for port in program.inputs:
        yield Crossing(True, port, f"input {_name(port.name)}")
    for ran, own in enumerate(exchanges(program)):
        name = _name(own.part.name)
        for port in own.fetched:
            yield Crossing(False, port, f"what the host reads for {name}", parts=ran)
        if own.answers:
            yield Crossing(True, own.part.target, f"what the host answers for {name}", parts=ran + 1)
    for port in program.outputs:
        says = "the output" if len(program.outputs) == 1 else f"output {_name(port.name)}"
        yield Crossing(False, port, says, output=True, parts=len(program.parts))


@dataclass(frozen=True)
class Span:
    """A tensor on the stream that comes out: position after position, `slots` integers each, from `first` on.

    Slots beyond the buffer's are lanes that nothing uses, and hold 0.
    """

    crossing: Crossing
    first: int
    slots: int

    @property
    def index(self) -> Array:
        """Where the slots of each position are: int64 [positions, slots of the buffer]."""
        positions, slots = self.crossing.port.order.shape
        return np.asarray(self.first + np.arange(positions)[:, None] * self.slots + np.arange(slots), np.int64)

    @property
    def size(self) -> int:
        """Integers."""
        return len(self.crossing.port.order) * self.slots

    def taken(self, words: Array) -> Array:
        """Take the tensor out of all that came, int64 [n, ...]: int64 [n, elements] in the model's order."""
        return elements(self.crossing.port, words[:, self.index])


@dataclass(frozen=True)
class Place:
    """Whose an integer on the stream is: an element of a tensor, or -1 and a lane that holds none."""

    element: int
    says: str


def place(program: Program, span: Span, index: int) -> Place:
    """Return whose integer `index` of a span is."""
    port = span.crossing.port
    buffer = program.buffers[port.buffer]
    position, slot = divmod(index - span.first, span.slots)
    if slot >= buffer.slots:
        return Place(-1, f"an unused lane of {span.crossing.says}")
    element, facts = int(port.order[position, slot]), []
    if buffer.positions > 1:
        facts.append(f"position ({position // buffer.width}, {position % buffer.width})")
        channel = int(buffer.order[slot])
        facts.append(f"channel {channel}" if channel != HOLE else f"slot {slot}")
    facts.append(f"written by {writer(program, port.buffer, slot)}")
    held = f"element {element}" if element != HOLE else "a slot that holds no element"
    return Place(element, f"{held} of {span.crossing.says} ({', '.join(facts)})")


def writer(program: Program, buffer: int, slot: int) -> str:
    """Return what writes a slot of a buffer, which may be part of a whole."""
    root, first = root_of(program, buffer)
    at = first + slot
    made = [(port.buffer, f"input {_name(port.name)}") for port in program.inputs]
    made += [(part.target.buffer, f"the host, {_name(part.name)}") for part in program.parts]
    made += [(step.target, f"step {i} {_name(step.name)}") for i, step in enumerate(program.steps, 1)]
    for target, says in made:
        whole, first = root_of(program, target)
        if whole == root and first <= at < first + program.buffers[target].slots:
            return says
    return "nothing"


def _name(name: str) -> str:
    return repr(printable(name, 40))
