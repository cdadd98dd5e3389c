"""The passes of a step: what docs/array.md calls broadcast, local, direct and largest."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from typing import Any

import numpy as np

from emcc.base.errors import EmccError
from emcc.eie.groups.plan import Tap
from emcc.eie.groups.rectangles import Rectangle, by_count, covered, seen, whole
from emcc.eie.groups.stock import Stock
from emcc.eie.groups.where import Where, where
from emcc.eie.groups.work import Read, Shape, Work, work
from emcc.eie.reference import book_of
from emcc.ir.codebook import looked_up_in
from emcc.ir.graph import Array
from emcc.ir.program import Program, Step

DIRECT: dict[str, Any] = {"local": True, "direct": True}


class Steps:
    """Makes the passes of a Program's steps. What they need of constants goes into `stock`."""

    def __init__(self, program: Program) -> None:
        self.program, self.stock = program, Stock(program)
        self._copies = count(len(program.buffers))

    def works(self, index: int, before: Work | None) -> Iterator[Work]:
        """Yield a step's passes. `before`: the pass that comes before them, if nothing is between."""
        step = self.program.steps[index]
        sources = [where(self.program, source) for source in step.sources]
        self._require_apart(step, sources)
        if step.combine == "mul":
            made = self._product(index, sources)
        elif step.combine == "max":
            made = self._largest(index, sources[0])
        elif step.kind == "local" and step.codes < 0:
            made = self._average(index, sources[0])
        elif len(sources) > 1:
            made = self._sum(index, sources, before)
        else:
            made = self._matrix(index, sources[0])
        for item in made:
            self.stock.rows(item.bias, item.plus, item.multiplier, item.row.first + item.row.rows)
            yield item

    def _require_apart(self, step: Step, sources: list[Where]) -> None:
        """Raise EmccError where a step writes what it still reads."""
        target = where(self.program, step.target)
        for source in sources:
            if source.meets(target) and (source != target or step.kind == "broadcast" or step.window.taps > 1):
                raise EmccError("it writes words that it still reads", node=step.name)

    def _matrix(self, index: int, source: Where) -> Iterator[Work]:
        """Yield the pass of a matrix, or of a window of codes by slot: direct where each tap has one weight."""
        program, step = self.program, self.program.steps[index]
        at = whole(program, step)
        taps = seen(program, step, at)
        if step.kind == "broadcast":
            code_w, first = program.slices[step.slices].code_w, self.stock.column(step, taps).first
            made = self._window(index, source, at, taps, columns=first, **_coded(step, code_w))
            yield from self._halves(step, made, taps) if step.early else (made,)
        elif (weights := self._weights(step)) is not None:
            yield self._window(index, source, at, taps, weights, **DIRECT)
        else:
            yield self._window(index, source, at, taps, **self._dense(step, taps))

    def _halves(self, step: Step, made: Work, taps: tuple[int, ...]) -> Iterator[Work]:
        """Yield a matrix's pass as two: all rows, of which the early ones are drained, and the others' last columns."""
        row, lanes = made.row, self.program.lanes
        yield replace(
            made, row=replace(row, rows=step.early, slots=min(row.slots, step.early * lanes), split=step.early)
        )
        several = len(taps) > 1
        skipped = 0 if several else row.words - step.again
        rest = replace(
            row,
            rows=row.rows - step.early,
            slots=row.slots - step.early * lanes,
            first=step.early,
            dst=row.dst + step.early // self.program.groups,
            a=replace(row.a, base=row.a.base + skipped),
            words=row.words - skipped,
            columns=self.stock.column(step, taps, late=True).first,
        )
        reads = made.reads[-(step.again // row.words) :] if several else made.reads
        yield replace(made, row=rest, reads=reads)

    def _weights(self, step: Step) -> Array | None:
        """Return the weight of each tap where it is one for all slots."""
        weights = looked_up_in(self.program.codes[step.codes], book_of(self.program, step))
        return weights[:, 0] if (weights == weights[:, :1]).all() else None

    def _dense(self, step: Step, taps: tuple[int, ...]) -> dict[str, Any]:
        """Return what a pass says of dense codes."""
        codes = self.stock.code(step, taps)
        return {"local": True, "columns": codes.first, **_coded(step, codes.code_w)}

    def _average(self, index: int, source: Where) -> Iterator[Work]:
        program, step = self.program, self.program.steps[index]
        for at, number in by_count(program, step):
            weights = np.full(step.window.taps, program.codebooks[step.codebook][number])
            yield self._window(index, source, at, seen(program, step, at), weights, **DIRECT)

    def _largest(self, index: int, source: Where) -> Iterator[Work]:
        """Yield the pass of a pool. EmccError where a window is wholly beyond the map, which no model has."""
        program, step = self.program, self.program.steps[index]
        at = whole(program, step)
        if not covered(program, step):
            raise EmccError("a window of the pool is beyond the map", node=step.name)
        weights = np.ones(step.window.taps, np.int64)
        yield self._window(index, source, at, seen(program, step, at), weights, largest=True, **DIRECT)

    def _sum(self, index: int, sources: list[Where], before: Work | None) -> Iterator[Work]:
        """Yield the pass of a sum of tensors, after copies of those that neither source reaches."""
        program, step = self.program, self.program.steps[index]
        at = whole(program, step)
        for i in _beyond(sources):
            copy = sources[i].copy(next(self._copies))
            reads = [Read(Tap(0, 0, 0, weight=1), sources[i])]
            yield work(program, index, Shape(at, sources[i], None, copy), reads, plain=True, **DIRECT)
            sources[i] = copy
        weights = self._weights(step)
        second = _second(sources, before)
        reads = [
            Read(Tap(0, 0, 0, sel, weight=0 if weights is None else int(weights[i])), source)
            for i, (source, sel) in enumerate(zip(sources, second, strict=True))
        ]
        b = sources[second.index(True)] if True in second else None
        shape = Shape(at, sources[second.index(False)], b, where(program, step.target))
        how = self._dense(step, tuple(range(len(sources)))) if weights is None else DIRECT
        yield work(program, index, shape, reads, **how)

    def _product(self, index: int, sources: list[Where]) -> Iterator[Work]:
        """Yield a pass a word: what a tap loads is kept for one word."""
        program, step = self.program, self.program.steps[index]
        target, pes = where(program, step.target), program.pes
        for i in range(target.words):
            a, b = (source.word(i, pes) for source in sources)
            reads = [Read(Tap(0, 0, 0, sel=True, load=True), b), Read(Tap(0, 0, 0), a)]
            yield work(program, index, Shape(whole(program, step), a, b, target.word(i, pes)), reads, **DIRECT)

    def _window(
        self, index: int, source: Where, at: Rectangle, taps: tuple[int, ...], weights: Array | None = None, **how: Any
    ) -> Work:
        """Return the pass of a window's `taps`, with a weight each where they are direct."""
        step = self.program.steps[index]
        reads = []
        for tap in taps:
            i, j = divmod(tap, step.window.kernel[1])
            dy, dx = i * step.window.dilation[0], j * step.window.dilation[1]
            weight = 0 if weights is None else int(weights[tap])
            reads.append(Read(Tap(dy, dx, (dy * source.width + dx) * source.pitch, weight=weight), source))
        shape = Shape(at, source, None, where(self.program, step.target), step.window)
        return work(self.program, index, shape, reads, **how)


def _coded(step: Step, code_w: int) -> dict[str, Any]:
    """Return what a pass says of its codes: they are looked up, or are the weights."""
    return {"code_w": code_w, "codebook": step.codebook, "ident": step.codebook < 0}


def _beyond(sources: list[Where]) -> list[int]:
    """Return which sources have to be copied, so that two pitches are left: that of copies, and the commonest other."""
    pitches = {source.pitch for source in sources}
    others = Counter(source.pitch for source in sources if source.pitch != source.words)
    kept = [pitch for pitch, _ in others.most_common(1)]
    beyond = [i for i, source in enumerate(sources) if source.pitch not in (*kept, source.words)]
    return beyond if len(pitches) > 2 else []


def _second(sources: list[Where], before: Work | None) -> list[bool]:
    """Return which sources are read through source B: those of another pitch, or those just written."""
    second = [source.pitch != sources[0].pitch for source in sources]
    if not any(second) and before is not None:
        second = [source.meets(before.target) for source in sources]
    return second if not all(second) else [False] * len(sources)
