"""Which steps of a Program the array has no hardware for yet, in the words of `legal.hardware`."""

from collections.abc import Iterator
from pathlib import Path

from emcc.base.errors import EmccError
from emcc.base.text import printable
from emcc.ir.program import Program, Step
from emcc.legal.hardware import ALONE, BETWEEN, CODELESS, JOIN, PORTS, SCALES, hint


def missing(program: Program, step: Step) -> str:
    """What the step needs and the array has not, or ""."""
    source, target = program.buffers[step.sources[0]], program.buffers[step.target]
    if len(step.sources) > 1 or target.whole >= 0 or source.whole >= 0:
        return JOIN
    if step.combine == "max" or (step.kind == "local" and step.codes < 0):
        return "pooling"
    if step.kind == "local" and step.window.taps == 1 and step.bias < 0:
        return ALONE
    if step.kind == "local" or step.window.taps > 1 or target.positions > 1:
        return "convolution"
    return SCALES if step.multiplier >= 0 else CODELESS if step.codebook < 0 else ""


def lacking(program: Program) -> Iterator[tuple[str, str]]:
    """Yield (which step, part or port, what it needs) for all that the array cannot run."""
    if len(program.inputs) != 1 or len(program.outputs) != 1:
        yield "the program", PORTS
    for part in program.parts:
        yield f"{printable(part.name, 40)!r} ({printable(part.op, 40)})", BETWEEN
    before = program.inputs[0].buffer
    for i, step in enumerate(program.steps, 1):
        wanted = missing(program, step) or (JOIN if step.sources != (before,) else "")
        before = step.target
        if wanted:
            yield f"step {i} ({printable(step.name, 40)!r})", wanted
    if not any(port.buffer == before for port in program.outputs):
        yield "the output", JOIN


def require_array(program: Program, file: Path | None = None) -> None:
    """Raise EmccError that lists what of a program the array cannot run yet."""
    refused = list(lacking(program))
    if refused:
        raise EmccError(
            "--target eie has no hardware yet for it",
            file=file,
            details=[f"{where}: {wanted}" for where, wanted in refused[:20]],
            hint=hint(wanted for _, wanted in refused),
        )
