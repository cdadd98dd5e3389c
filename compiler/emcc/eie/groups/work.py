"""A pass in the making: where it reads and writes is known by buffer, and addresses when all buffers have theirs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from emcc.eie.groups.plan import Pass, Source, Tap
from emcc.eie.groups.rectangles import Rectangle
from emcc.eie.groups.stock import Shelves
from emcc.eie.groups.where import Where
from emcc.ir.program import Program, Window, words


@dataclass(frozen=True)
class Read:
    """A tap, and where it reads: its offset is beside the output position's place there."""

    tap: Tap
    at: Where


@dataclass(frozen=True)
class Work:
    """A pass before it has addresses.

    Attributes:
        row: the pass; addresses in it are relative to the roots of `a`, `b` and `target`.
        reads: its taps. a, b: what its sources are of; `b` is None where no tap reads it.
        target: what it writes.
        bias, multiplier: of the Program, or -1; plus: what each row's bias has beside.
        codebook: index, -1 where no code is read.
    """

    row: Pass
    reads: tuple[Read, ...]
    a: Where
    b: Where | None
    target: Where
    bias: int
    plus: int
    multiplier: int
    codebook: int

    def waits(self, before: "Work", second: bool) -> bool:
        """Whether source A, or B, is what the work before writes."""
        return any(read.at.meets(before.target) for read in self.reads if read.tap.sel == second)

    def placed(self, bases: Mapping[int, int], shelves: Shelves) -> Pass:
        """Return the pass with addresses."""
        row, b = self.row, self.b or self.a
        taps = []
        for read in self.reads:
            own = b if read.tap.sel else self.a
            beside = bases[read.at.root] + read.at.first - bases[own.root] - own.first
            taps.append(replace(read.tap, offset=read.tap.offset + beside))
        return replace(
            row,
            taps=tuple(taps),
            a=replace(row.a, base=row.a.base + bases[self.a.root]),
            b=replace(row.b, base=row.b.base + bases[b.root]) if self.b else Source(0, 0, 0),
            dst=row.dst + bases[self.target.root],
            bias=shelves.biases[self.bias, self.plus].first + row.first,
            scale=shelves.scales[self.multiplier].first + row.first if self.multiplier >= 0 else -1,
            book=shelves.books[self.codebook, row.code_w].first if self.codebook >= 0 else 0,
        )


@dataclass(frozen=True)
class Shape:
    """What a pass goes over: a rectangle of the target's positions, with `window` over the map of source A, or none."""

    at: Rectangle
    a: Where
    b: Where | None
    target: Where
    window: Window | None = None

    def source(self, at: Where) -> Source:
        """Return how a source moves; one of a single position stays, where there is no window over it."""
        if self.window is None and at.height * at.width == 1:
            return Source(at.first, 0, 0)
        y, x = self.start
        down, right = self.window.stride if self.window else (1, 1)
        return Source(at.at(y, x), right * at.pitch, down * at.width * at.pitch)

    @property
    def start(self) -> tuple[int, int]:
        """Map coordinates of the rectangle's first position."""
        window = self.window or Window()
        return (self.at.y * window.stride[0] - window.before[0], self.at.x * window.stride[1] - window.before[1])


def work(program: Program, step: int, shape: Shape, reads: Sequence[Read], **how: Any) -> Work:
    """Return a pass of a step. `how`: fields of Pass that are not the defaults here, and `codebook`."""
    own, at, a, target = program.steps[step], shape.at, shape.a, shape.target
    codebook, plain = how.pop("codebook", -1), how.get("plain", False)
    rows = words(target.slots, program.lanes)
    if target.part:
        rows = words(rows, program.groups) * program.groups
    map_height, map_width = (a.height, a.width) if shape.window else (target.height, target.width)
    stride = shape.window.stride if shape.window else (1, 1)
    row = Pass(
        step=step,
        **{"local": False, "direct": False, "largest": False, "columns": 0, **how},
        height=at.height,
        width=at.width,
        a=shape.source(a),
        b=shape.source(shape.b) if shape.b else Source(0, 0, 0),
        y0=shape.start[0],
        x0=shape.start[1],
        step_y=stride[0] if at.height > 1 else 0,
        step_x=stride[1] if at.width > 1 else 0,
        map_height=map_height,
        map_width=map_width,
        taps=(),
        words=a.words,
        lanes=a.slots - (a.words - 1) * program.pes,
        tile=1,
        rows=rows,
        slots=target.slots,
        depends_a=False,
        depends_b=False,
        stop=False,
        dst=target.at(at.y, at.x),
        dst_x=target.pitch,
        dst_row=target.width * target.pitch,
        bias=0,
    )
    bias, multiplier = (-1, -1) if plain else (own.bias, own.multiplier)
    half = 0 if plain or multiplier >= 0 else (1 << own.shift) >> 1
    return Work(row, tuple(reads), a, shape.b, target, bias, half, multiplier, codebook)
