"""A Program as a caller runs it: segments, and what goes in before each and comes out after it."""

from dataclasses import dataclass

from emcc.ir.program import Port, Program


@dataclass(frozen=True)
class Segment:
    """Steps that run without the host.

    Attributes:
        into: written before its steps: the inputs, or what a host's part answers.
        steps: indices into Program.steps.
        out: read after them: what the host's parts read, or the outputs.
        part: the host's part whose answer is the next segment's input; -1 of the last segment.
    """

    into: tuple[Port, ...]
    steps: range
    out: tuple[Port, ...]
    part: int = -1


def segments(program: Program) -> list[Segment]:
    """Return them in order: one more than the program has host's parts."""
    found, into, begin = [], program.inputs, 0
    for index, part in enumerate(program.parts):
        end = max(begin, min(part.before, len(program.steps)))
        found.append(Segment(into, range(begin, end), part.ports, index))
        into, begin = (part.target,), end
    found.append(Segment(into, range(begin, len(program.steps)), program.outputs))
    return found


def elements(ports: tuple[Port, ...]) -> int:
    """Return the elements of some tensors."""
    return sum(size_of(port) for port in ports)


def size_of(port: Port) -> int:
    """Return the elements of a tensor."""
    count = 1
    for size in port.shape:
        count *= size
    return count
