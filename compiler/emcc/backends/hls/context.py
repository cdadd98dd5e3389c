"""A Program as the kernels read it: rows of fields, and read-only arrays of numbers."""

from dataclasses import replace

import numpy as np
from scipy.sparse import csr_array

from emcc.backends.hls.calls import SUMMING, Arrays, Call
from emcc.backends.hls.columns import columns, is_sparse
from emcc.backends.hls.external import External
from emcc.backends.hls.fields import Row
from emcc.backends.hls.layout import Layout, layout
from emcc.backends.hls.segments import Segment, segments, size_of
from emcc.backends.hls.tiles import tiles
from emcc.backends.hls.weights import WORD, forms_for
from emcc.eie.reference import book_of, weights
from emcc.ir.codebook import looked_up_in
from emcc.ir.graph import Array
from emcc.ir.program import FUNCTIONS, HOLE, Port, Program, Step

FORMED = ("dense", "full", "sparse", "local")
"""The kernels that read weights."""


class Context:
    """All that the templates need of a Program.

    Attributes:
        segments, layout: see there. arrays: what is read only.
        external: weights that are not among those, or None.
        calls: a Call a step, or several where `external`, in their order.
        ports: a row each, segment after segment, what goes in before what comes out.
        acc_rows: sums that kernels of SUMMING keep. window: values that "dense" keeps.
    """

    def __init__(self, program: Program, external: bool = False) -> None:
        self.program = program
        self.external = External() if external else None
        self.segments = segments(program)
        self.layout: Layout = layout(program, self.segments)
        self.arrays = Arrays()
        self._matrices: dict[tuple[int, int], tuple[csr_array | None, Array]] = {}
        calls = _settled([replace(self._call(step), step=index) for index, step in enumerate(program.steps)])
        self.calls = self._stored(calls)
        self.ports = [row for segment in self.segments for row in self._ports(segment)]
        rows = [-(-call.row["rows"] // 4) * 4 if call.kernel == "dense" else call.row["rows"]
                for call in self.calls if call.kernel in SUMMING]  # fmt: skip
        self.acc_rows = max(rows, default=0)
        self.window = max((call.columns for call in self.calls if call.kernel == "dense"), default=0)

    def _ports(self, segment: Segment) -> list[Row]:
        rows: list[Row] = []
        for side in (segment.into, segment.out):
            first = 0
            for port in side:
                rows.append(self._port(port, first))
                first += size_of(port)
        return rows

    def _port(self, port: Port, first: int) -> Row:
        positions, slots = port.order.shape
        by = _affine(port.order)
        return {
            **{"base": self.layout.at(port.buffer), "pitch": self.layout.pitch(port.buffer)},
            **{"positions": positions, "slots": slots, "first": first},
            "order": -1 if by else self.arrays.put("orders", port.order.ravel()),
            **{"by_position": by[0] if by else 0, "by_slot": by[1] if by else 0},
        }

    def _call(self, step: Step) -> Call:
        program = self.program
        source, target = program.buffers[step.sources[0]], program.buffers[step.target]
        row = {
            **self._where(step),
            **{"in_h": source.height, "in_w": source.width, "out_h": target.height, "out_w": target.width},
            **{"slots": source.slots, "rows": target.slots},
            **_window(step),
            **{"joined": 0, "by_slot": 0, "by_count": 0, "form": 0, "weights": 0, "book": 0, "starts": 0, "runs": 0},
            **{"bias": self._rows("biases", program.biases, step.bias)},
            **{"scale": self._rows("scales", program.multipliers, step.multiplier)},
            **{"shift": step.shift, "function": FUNCTIONS.index(step.function), **self._table(step)},
        }
        if step.combine != "mac":
            kernel = "largest" if step.combine == "max" else "product"
            return Call(kernel, row, target.positions * target.slots * step.window.taps)
        if step.kind == "local":
            more, taken = self._local(step)
            macs = target.positions * target.slots * step.window.taps * len(step.sources)
            return Call("local", {**row, **more}, macs, taken)
        matrix, dense = self._matrix(step)
        if matrix is None:
            joined = step.window.dilation[1] == 1 and self.layout.pitch(step.sources[0]) == source.slots
            return Call("dense", {**row, "joined": int(joined)}, target.positions * dense.size, dense)
        found = columns(matrix)
        macs = target.positions * found.runs.size
        return Call("sparse", row, macs, found.weights, found=found, matrix=matrix)

    def _stored(self, calls: list[Call]) -> list[Call]:
        """Return the calls, in tiles where weights are external, with their weights in the arrays."""
        forms: dict[int, int] = {}
        for kernel in FORMED:
            own = [(i, call.weights) for i, call in enumerate(calls) if call.kernel == kernel and call.formed]
            held = [(i, weights) for i, weights in own if weights is not None]
            forms |= zip([i for i, _ in held], forms_for([weights for _, weights in held]), strict=True)
        stored = []
        for i, call in enumerate(calls):
            parts, form = [call] if self.external is None else tiles(call), forms.get(i, WORD)
            stored += [self._kept(part, form, call.weights) for part in parts]
        return stored

    def _kept(self, call: Call, form: int, whole: Array | None) -> Call:
        """Return a call with its weights in the arrays, in a form; `whole`: those of all its tiles."""
        if call.weights is None or whole is None:
            return call
        arrays = self.arrays if self.external is None else Arrays(self.arrays.pool.beside())
        stored = arrays.pool.put(call.weights, form, whole)
        row = {**call.row, "form": stored.form, "weights": stored.at, "book": stored.book}
        if call.found is not None:
            row |= {"starts": arrays.put("starts", call.found.starts), "runs": arrays.put("runs", call.found.runs)}
        return replace(call, row=row, fetches=self.external.put(arrays.all) if self.external else ())

    def _where(self, step: Step) -> Row:
        """Return where sources and target are; a source of one position stands for all of a product."""
        program, positions = self.program, self.program.buffers[step.target].positions

        def pair(buffer: int) -> tuple[int, int]:
            stands = step.combine == "mul" and program.buffers[buffer].positions < positions
            return self.layout.at(buffer), 0 if stands else self.layout.pitch(buffer)

        (base, pitch), *more = [pair(buffer) for buffer in step.sources]
        return {
            **{"source": base, "pitch": pitch, "sources": len(step.sources)},
            **{"target": self.layout.at(step.target), "target_pitch": self.layout.pitch(step.target)},
            "more": self.arrays.put("places", np.array(more, np.int64).ravel()) if more else 0,
        }

    def _rows(self, name: str, values: tuple[Array, ...], index: int) -> int:
        return self.arrays.put(name, values[index]) if index >= 0 else -1

    def _table(self, step: Step) -> Row:
        if step.function != "table":
            return {"coarse": 0, "fine": 0}
        table = self.program.tables[step.table]
        return {"coarse": self.arrays.put("coarse", table.coarse), "fine": self.arrays.put("fine", table.fine)}

    def _local(self, step: Step) -> tuple[Row, Array]:
        """Return fields of a local sum, and its weights, int64 [n]: one a tap where that is all there is."""
        by_count, by_slot = step.codes < 0, False
        book = book_of(self.program, step)
        if by_count:
            assert book is not None
            taken = book
        else:
            taken = looked_up_in(self.program.codes[step.codes], book)
            by_slot = bool((taken != taken[:, :1]).any())
            taken = taken if by_slot else taken[:, 0]
        return {"by_slot": int(by_slot), "by_count": int(by_count)}, np.asarray(taken, np.int64).ravel()

    def _matrix(self, step: Step) -> tuple[csr_array | None, Array]:
        """Return a matrix, or None where columns of it take more; and then all of it, int64 [rows * columns]."""
        key = step.slices, step.codebook
        if key not in self._matrices:
            matrix = weights(self.program.slices[step.slices], book_of(self.program, step), self.program.lanes)
            dense = np.asarray(matrix.toarray(), np.int64).ravel()
            sparse = is_sparse(columns(matrix), dense)
            self._matrices[key] = (matrix, np.zeros(0, np.int64)) if sparse else (None, dense)
        return self._matrices[key]


def _settled(calls: list[Call]) -> list[Call]:
    """Return the calls, where memory has the only window side by side already, with the kernel that copies none.

    Not where another layer's window has to be copied, and is as large: a second kernel would be more code then.
    """
    dense = [call for call in calls if call.kernel == "dense"]
    copied = max((call.columns for call in dense if not call.whole), default=0)
    return [
        replace(call, kernel="full") if call.kernel == "dense" and call.whole and call.columns > copied else call
        for call in calls
    ]


def _window(step: Step) -> Row:
    window, names = step.window, ("kernel", "stride", "step", "before")
    pairs = zip(names, (window.kernel, window.stride, window.dilation, window.before), strict=True)
    sides = dict(zip(("top", "left", "bottom", "right"), step.margins, strict=True))
    return {
        **{f"{name}_{axis}": value for name, pair in pairs for axis, value in zip("yx", pair, strict=True)},
        **sides,
    }


def _affine(order: Array) -> tuple[int, int] | None:
    """Return (a, b) where element a * p + b * s is in slot s of position p, all over; else None."""
    positions, slots = order.shape
    if order[0, 0] != 0 or (order == HOLE).any():
        return None
    a = int(order[1, 0]) if positions > 1 else 0
    b = int(order[0, 1]) if slots > 1 else 0
    same = np.array_equal(order, np.arange(positions)[:, None] * a + np.arange(slots) * b)
    return (a, b) if same else None
