"""Which array a Program runs on."""

from emcc.ir.program import Program, Step

CHAIN, GROUPS = "chain", "groups"


def array(program: Program) -> str:
    """Return CHAIN where the array of perceptrons runs the Program, GROUPS where it takes column groups.

    A chain is steps of one position, each a matrix product of what the one before gives, from one input to one output.
    """
    if program.groups > 1 or program.parts or len(program.inputs) != 1 or len(program.outputs) != 1:
        return GROUPS
    before = program.inputs[0].buffer
    for step in program.steps:
        if step.sources != (before,) or not _perceptron(program, step):
            return GROUPS
        before = step.target
    return CHAIN if program.outputs[0].buffer == before else GROUPS


def _perceptron(program: Program, step: Step) -> bool:
    """Tell whether a step is a layer of a perceptron."""
    source, target = program.buffers[step.sources[0]], program.buffers[step.target]
    plain = step.kind == "broadcast" and step.window.taps == 1 and target.positions == 1
    return plain and step.multiplier < 0 <= step.codebook and target.whole < 0 and source.whole < 0
