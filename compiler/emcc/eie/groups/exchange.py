"""What crosses between the array and the host's parts in the middle of an inference.

The host keeps what it has read and what it has written, so that a tensor goes over once at most; one that nothing but
the host reads stays there, and takes no room in the array. Parts one behind the other exchange nothing between them.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from emcc.eie.groups.where import root_of
from emcc.ir.program import HostPart, Port, Program


@dataclass(frozen=True)
class Exchange:
    """What crosses for a host's part.

    Attributes:
        fetched: those of its ports that are read from the array before it, a buffer once.
        answers: whether what it writes goes into the array behind it.
    """

    part: HostPart
    fetched: tuple[Port, ...]
    answers: bool


def exchanges(program: Program) -> Iterator[Exchange]:
    """Yield what crosses for each part, in their order; bit by bit what the host computes is the same as without."""
    kept = {part.target.buffer for part in program.parts} - _seen(program)
    known, begin = {port.buffer for port in program.inputs}, 0
    for part in program.parts:
        for step in program.steps[begin : part.before]:
            known -= _over(program, known, step.target)
        begin = part.before
        fetched = {port.buffer: port for port in part.ports if port.buffer not in known}
        known |= set(fetched)
        known = known - _over(program, known, part.target.buffer) | {part.target.buffer}
        yield Exchange(part, tuple(fetched.values()), part.target.buffer not in kept)


def _seen(program: Program) -> set[int]:
    """Return the buffers whose words anything but a host's part reads or writes: steps, outputs, wholes and parts."""
    ends = {port.buffer for port in (*program.inputs, *program.outputs)}
    touched = ends.union(*({step.target, *step.sources} for step in program.steps))
    shared = {index for index, buffer in enumerate(program.buffers) if buffer.whole >= 0}
    return touched | shared | {program.buffers[index].whole for index in shared}


def _over(program: Program, known: set[int], buffer: int) -> set[int]:
    """Return those of the buffers that lie where one is written."""
    root, _ = root_of(program, buffer)
    return {index for index in known if root_of(program, index)[0] == root}
