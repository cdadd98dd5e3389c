"""What a model's C takes of a microcontroller: bytes, which are counted, and instructions, which are estimated."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from emcc.backends.hls.context import KERNELS, Call, Context
from emcc.backends.hls.fields import PORT, STEP, Row, typed
from emcc.backends.hls.numbers import BITS, numbers, tables, types
from emcc.backends.hls.segments import elements

TEXT: Mapping[str, int] = dict.fromkeys(("", "call", *KERNELS), 0)
"""Bytes of code on a Cortex-M4, -Os: of what every model has, of a call, and of each kernel."""

WIDE_TEXT = 1.0
"""The same of kernels whose sums are of 64 bits, against 32."""


@dataclass(frozen=True)
class Instructions:
    """A Cortex-M4's, of a kernel: a product that it computes, a value that it looks at or writes, a run of products."""

    product: float
    value: float
    run: float


INSTRUCTIONS: Mapping[str, Instructions] = {kernel: Instructions(1, 1, 1) for kernel in KERNELS}
MOVE = 1.0
"""Instructions of an element that goes in or out."""


@dataclass(frozen=True)
class Cost:
    """What it takes.

    Attributes:
        scratch, io: bytes of RAM: of the scratch, and of the largest segment's x and y, which are the caller's.
        constants: bytes of flash: tables and structs. text: of code, estimated.
        instructions: of an inference, estimated, where `active` is known the share of values that are not zero.
    """

    scratch: int
    io: int
    constants: int
    text: int
    instructions: int

    def to_json(self) -> dict[str, Any]:
        """Return JSON values."""
        return {**vars(self), "flash": self.constants + self.text}


def cost(context: Context, products: Sequence[float]) -> Cost:
    """Return what a model takes. `products`: of each step, useful ones on average; what a zero has no part in."""
    act, acc = (BITS[types(context)[name]] // 8 for name in ("act", "acc"))
    scratch = -(-(numbers(context)["ROWS"] * acc + context.layout.depth * act) // acc) * acc
    sides = [elements(part.into) + elements(part.out) for part in context.segments]
    held = sum(table.bytes for table in tables(context))
    rows = ((STEP, [call.row for call in context.calls]), (PORT, context.ports))
    structs = sum(struct_size(fields, of) * len(of) for fields, of in rows)
    moved = MOVE * sum(sides)
    work = sum(_instructions(call, useful) for call, useful in zip(context.calls, products, strict=True))
    return Cost(scratch, max(sides) * act, held + structs, _text(context, acc), round(moved + work))


def struct_size(fields: Mapping[str, str], rows: Sequence[Row]) -> int:
    """Return the bytes of one struct, aligned as compilers do."""
    sizes = [BITS[field.type] // 8 for field in typed(fields, rows)]
    at = 0
    for size in sizes:
        at = -(-at // size) * size + size
    return -(-at // max(sizes)) * max(sizes)


def _text(context: Context, acc: int) -> int:
    kernels = {call.kernel for call in context.calls}
    calls = len(context.calls) + len(context.ports)
    size = TEXT[""] + TEXT["call"] * calls + sum(TEXT[kernel] for kernel in kernels)
    return round(size * (WIDE_TEXT if acc == 8 else 1))


def _instructions(call: Call, useful: float) -> float:
    """Return the instructions of a step; `useful` products, which is what a sparse one computes."""
    row, one = call.row, INSTRUCTIONS[call.kernel]
    positions, taps = row["out_h"] * row["out_w"], row["kernel_y"] * row["kernel_x"]
    written = positions * row["rows"]
    if call.kernel == "sparse":
        return useful * one.product + (2 * written + positions * taps * row["slots"]) * one.value
    runs = row["kernel_y"] * (1 if row["joined"] else row["kernel_x"])
    return call.macs * one.product + written * one.value + (written * runs * one.run if call.kernel == "dense" else 0)
