"""What emitted C cannot hold, said before anything is written."""

from collections.abc import Iterator

import numpy as np

from emcc.backends.hls.context import Context
from emcc.base.errors import EmccError
from emcc.eie.reference import tapped
from emcc.ir.program import Program

LARGEST = 1 << 27
"""Elements of an array in C: offsets into it are of 32 bits, with room for what windows add."""
SYNTHESISED = 1 << 24
"""Elements of an array that a tool for high-level synthesis is given: no part holds more on the chip."""


def validate(context: Context, synthesised: bool) -> None:
    """EmccError where a Program does not fit C, or, `synthesised`, a chip."""
    most = SYNTHESISED if synthesised else LARGEST
    if context.external and len(context.external.words) > LARGEST:
        raise EmccError("the weights are more than an array in C holds", hint="prune more (--target-sparsity)")
    sizes = {"activations": context.layout.depth} | {name: len(values) for name, values in context.arrays.all.items()}
    outside = context.external
    sizes |= {f"{name} on the chip": size for name, size in outside.sizes.items()} if outside else {}
    wrong = [f"{name}: {size:,} elements, at most {most:,}" for name, size in sizes.items() if size > most]
    if wrong:
        what = "a chip that C is synthesised for" if synthesised else "an array in C"
        hint = (
            "prune more (--target-sparsity), or take --weights external, or --target eie"
            if synthesised
            else "prune more (--target-sparsity)"
        )
        raise EmccError(f"the model is larger than {what}", hint=hint, details=wrong)
    for name in _blind(context.program):
        raise EmccError("a maximum of nothing cannot be rescaled", node=name, hint="use narrower pads")


def _blind(program: Program) -> Iterator[str]:
    """Yield the maxima that are rescaled and have an output position without a tap on the map."""
    for step in program.steps:
        if step.combine == "max" and step.shift:
            source, target = program.buffers[step.sources[0]], program.buffers[step.target]
            taps = tapped(step.window, (source.height, source.width), (target.height, target.width))
            if not np.any([inside for _, inside in taps], axis=0).all():
                yield step.name
