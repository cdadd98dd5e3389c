"""Whether the next inference's inputs may be received while this one runs; docs/adr/0039 says what that is.

Inputs lie apart from all that is not theirs, for the whole of a run, and are free when the last pass that reads them is
walked.
"""

from emcc.base.errors import EmccError
from emcc.base.text import printable
from emcc.eie.groups.where import root_of
from emcc.ir.program import Program


def require(program: Program) -> None:
    """Raise EmccError where the next input is to come while this one runs, and cannot."""
    why = why_not(program) if program.next_input else ""
    if why:
        raise EmccError(
            f"the next input cannot come while this one runs: {why}",
            hint="leave next_input out of the recipe's [lower]: inferences then follow each other",
        )


def why_not(program: Program) -> str:
    """Say why that is not possible for a Program; "" where it is."""
    if program.parts:
        name = printable(program.parts[0].name, 40)
        return f"the host has a part in its middle ({name!r}), whose answer would stand behind that input on the stream"
    roots = {root_of(program, port.buffer)[0] for port in program.inputs}
    for port in program.outputs:
        if root_of(program, port.buffer)[0] in roots:
            return f"output {printable(port.name, 40)!r} lies in the words of an input"
    read = {root_of(program, source)[0] for step in program.steps for source in step.sources}
    for port in program.inputs:
        if root_of(program, port.buffer)[0] not in read:
            return f"no step reads input {printable(port.name, 40)!r}"
    if sum(port.order.size for port in program.inputs) < LEAST:
        return f"it has fewer than {LEAST} activations"
    return ""


LEAST = 2
"""Activations of an input: one is there before the table's rows are read, and there is nothing to hide."""
