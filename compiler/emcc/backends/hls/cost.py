"""What a model's C takes of a Cortex-M4, -O2: bytes, which are counted, code and instructions, which are estimated.

The constants of the estimates are from small programs under arm-none-eabi-gcc 12 and QEMU; docs/hls.md has what whole
models take beside what is said of them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from emcc.backends.hls.calls import Call
from emcc.backends.hls.context import Context
from emcc.backends.hls.fields import PORT, STEP, Row, typed
from emcc.backends.hls.numbers import BITS, numbers, tables, types
from emcc.backends.hls.segments import elements
from emcc.backends.hls.weights import BOOK, BYTE, NIBBLE, WORD

TEXT: Mapping[str, int] = {
    **{"": 150, "call": 50, "dense": 1100, "full": 170, "sparse": 350, "local": 900, "largest": 450, "product": 250}
}
"""Bytes of code: of what every model has, of a call, of each kernel that it has; "full" is written out at each call."""

ONCE = 8
"""Calls of "full" beyond which there is one function of it, of twice the size: emcc_kernels.h."""

WIDE, SCALED, TABLED = 1.35, 1.4, 1.6
"""So much more of it where sums are of 64 bits, where rows have multipliers, where functions are tables."""


@dataclass(frozen=True)
class Instructions:
    """Of a kernel: a value that it writes, one that it looks at, a run of those, a product by the form of weights.

    wider: of a product more where sums are of 64 bits.
    """

    value: float
    seen: float
    run: float
    product: Mapping[int, float]
    wider: float = 0.0


TAP: Mapping[int, float] = {0: 7.0, BYTE: 7.0, WORD: 7.0, BOOK: 9.0, NIBBLE: 14.0}
INSTRUCTIONS: Mapping[str, Instructions] = {
    "dense": Instructions(45, 6, 20, {BYTE: 2.75, WORD: 2.75, BOOK: 5.5, NIBBLE: 11.0}, 0.4),
    "full": Instructions(45, 0, 0, {BYTE: 2.75, WORD: 2.75, BOOK: 5.5, NIBBLE: 11.0}, 0.4),
    "sparse": Instructions(40, 8, 0, {BYTE: 8.5, WORD: 8.5, BOOK: 9.5, NIBBLE: 16.0}, 3.0),
    "local": Instructions(52, 0, 0, TAP),
    "largest": Instructions(48, 0, 0, TAP),
    "product": Instructions(55, 0, 0, TAP),
}
MOVE = 8.0
"""Of an element that goes in or out."""


@dataclass(frozen=True)
class Cost:
    """What it takes.

    Attributes:
        scratch, io: bytes of RAM: of the scratch, and of the largest segment's x and y, which are the caller's.
        constants: bytes of flash: tables and structs. text: of code, estimated.
        instructions: of an inference, estimated, with the products that zeros leave.
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
    kept = numbers(context)["ROWS"] * acc + context.window * 2 + context.layout.depth * act
    scratch = -(-kept // acc) * acc
    sides = [elements(part.into) + elements(part.out) for part in context.segments]
    held = sum(table.bytes for table in tables(context))
    rows = ((STEP, [call.row for call in context.calls]), (PORT, context.ports))
    structs = sum(struct_size(fields, of) * len(of) for fields, of in rows)
    moved = MOVE * sum(sides)
    work = sum(_instructions(call, useful, acc) for call, useful in zip(context.calls, products, strict=True))
    return Cost(scratch, max(sides) * act, held + structs, _text(context, acc), round(moved + work))


def struct_size(fields: Mapping[str, str], rows: Sequence[Row]) -> int:
    """Return the bytes of one struct, aligned as compilers do."""
    sizes = [BITS[field.type] // 8 for field in typed(fields, rows)]
    at = 0
    for size in sizes:
        at = -(-at // size) * size + size
    return -(-at // max(sizes)) * max(sizes)


def _text(context: Context, acc: int) -> int:
    kernels = [*{call.kernel for call in context.calls if call.kernel != "full"}]
    full = sum(call.kernel == "full" for call in context.calls)
    kernels += ["full"] * (full if full <= ONCE else 2)
    calls = len(context.calls) + len(context.ports)
    more = (WIDE if acc == 8 else 1.0) * (SCALED if context.program.multipliers else 1.0)
    more *= TABLED if context.program.tables else 1.0
    return round(TEXT[""] + TEXT["call"] * calls + more * sum(TEXT[kernel] for kernel in kernels))


def _instructions(call: Call, useful: float, acc: int) -> float:
    """Return the instructions of a step; `useful` products, which is what a sparse one computes."""
    row, one = call.row, INSTRUCTIONS[call.kernel]
    product = one.product[row["form"]] + (one.wider if acc == 8 else 0)
    positions, taps = row["out_h"] * row["out_w"], row["kernel_y"] * row["kernel_x"]
    written = positions * row["rows"]
    if call.kernel == "sparse":
        return useful * product + written * one.value + positions * taps * row["slots"] * one.seen
    runs = row["kernel_y"] * (1 if row["joined"] else row["kernel_x"])
    window = positions * (call.columns * one.seen + runs * one.run)
    return call.macs * product + written * one.value + window
