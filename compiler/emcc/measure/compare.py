"""`emcc compare`: every tensor of a model in floats against its fixed-point value in an artefact."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from emcc import ops
from emcc.base.errors import EmccError
from emcc.eie.counter import Counter
from emcc.eie.reference import run_ports
from emcc.ir.graph import Array, Format, Graph, Node
from emcc.measure.alone import replaced, rerun, weights_of
from emcc.measure.comparison import EXPONENTS, Comparison, Row
from emcc.ops.interpret import trace
from emcc.runtime.opened import Opened
from emcc.samples.sampling import saturated, scaled

THRESHOLD = 0.05
_ELEMENTS = 1 << 22


def compare(folded: Graph, opened: Opened, x: Array, threshold: float = THRESHOLD) -> Comparison:
    """Compare the folded float model with an artefact of it on samples x, float32 [n, ...].

    Raises:
        EmccError: the artefact is not one of this model, or its files do not belong together.
    """
    held = opened.held
    if folded.inputs != held.inputs or folded.outputs != held.outputs:
        hint = "compile it again: it comes from another version of emcc, or is damaged"
        raise EmccError("the artefact's input and output are not the model's", file=opened.folder, hint=hint)
    made = {node.outputs[0]: node for node in folded.nodes}
    sums = {name: _Sums() for name in (*folded.inputs, *made) if name in held.tensors}
    layers = dict(_layers(folded, held))
    causes = _Causes(folded, held, layers, [name for name in sums if not _selected(made.get(name))])
    counter = Counter(opened.program) if opened.program else None
    rows = max(1, _ELEMENTS // max(tensor.features for tensor in folded.tensors.values()))
    for begin in range(0, len(x), rows):
        batch = x[begin : begin + rows]
        floats = trace(folded, batch.astype(np.float64))
        fixed = _fixed(opened, held, batch, counter)
        for name, own in sums.items():
            own.add(floats[name], fixed[name])
        causes.add(floats, batch)
    weights = {name: _Sums() for name in layers}
    for node in folded.layers():
        if node.name in layers:
            weights[node.name].add(
                folded.constants[node.inputs[1]].astype(np.float64), layers[node.name][node.inputs[1]]
            )
    size = sums[folded.outputs[0]].floats
    table = []
    shares = counter.shares() if counter else {}
    for name in folded.inputs:
        table.append(sums[name].row("tensor", name, "input", causes, size, held.tensors[name].fmt, shares.get(name)))
    for node in folded.nodes:
        name = node.outputs[0]
        if node.name in layers:
            table.append(weights[node.name].row("weights", node.name, node.op, causes, size))
        if name in sums:
            table.append(
                sums[name].row("tensor", name, node.op, causes, size, held.tensors[name].fmt, shares.get(name))
            )
    return Comparison(len(x), threshold, tuple(table))


def _selected(node: Node | None) -> bool:
    """Whether a tensor only has values of others, so that nothing is rounded on the way."""
    return node is not None and "selects" in ops.traits(node.op)


class _Sums:
    """Errors of one tensor, or of one layer's weights, over batches."""

    def __init__(self) -> None:
        self.values, self.most, self.errors, self.floats = 0, 0.0, 0.0, 0.0
        self.magnitudes = np.zeros(len(EXPONENTS), np.int64)

    def add(self, floats: Array, fixed: Array) -> None:
        """Take one batch, both float64 of one shape."""
        difference = np.abs(fixed.reshape(floats.shape) - floats)
        self.values += floats.size
        self.most = max(self.most, float(difference.max(initial=0.0)))
        self.errors += float(np.square(difference).sum())
        self.floats += float(np.square(floats).sum())
        exponents = np.frexp(floats[floats != 0])[1] - 1
        places = np.clip(exponents, EXPONENTS.start, EXPONENTS.stop - 1) - EXPONENTS.start
        self.magnitudes += np.bincount(places, minlength=len(EXPONENTS))

    def row(
        self,
        kind: str,
        name: str,
        op: str,
        causes: "_Causes",
        size: float,
        fmt: Format | None = None,
        saturating: float | None = None,
    ) -> Row:
        """Return the row; `size` is the sum of squares of the float model's outputs."""
        rms = float(np.sqrt(self.errors / max(self.values, 1)))
        squares, total = causes.squares.get((kind, name), 0.0), sum(causes.squares.values())
        return Row(
            kind, name, op, fmt, self.values, self.most, rms, _ratio(self.errors, self.floats), saturating,
            _ratio(squares, size), squares / total if total else 0.0, tuple(self.magnitudes.tolist()),
        )  # fmt: skip


class _Causes:
    """The output's squared error, summed over batches, with one thing replaced at a time: by (kind, name).

    A layer's weights are replaced in the float model. A tensor is rounded in the float model with the artefact's
    weights, for its format was made for that one.
    """

    def __init__(
        self, folded: Graph, held: Graph, layers: Mapping[str, Mapping[str, Array]], tensors: Sequence[str]
    ) -> None:
        self.folded, self.held, self.layers = folded, held, layers
        self.weighted = folded.with_constants({name: value for own in layers.values() for name, value in own.items()})
        self.tensors = [name for name in tensors if held.tensors[name].fmt is not None]
        self.squares: dict[tuple[str, str], float] = {}

    def add(self, floats: Mapping[str, Array], x: Array) -> None:
        """Take one batch: every tensor of the float model, and its samples x."""
        for name, constants in self.layers.items():
            self._add(("weights", name), floats, rerun(self.folded, floats, {}, constants))
        weighted = trace(self.weighted, x.astype(np.float64)) if self.tensors else {}
        for name in self.tensors:
            own = replaced(self.weighted, self.held, name, weighted)
            self._add(("tensor", name), weighted, rerun(self.weighted, weighted, {name: own}, {}))

    def _add(self, key: tuple[str, str], before: Mapping[str, Array], after: Array) -> None:
        squares = float(np.square(after - before[self.folded.outputs[0]]).sum())
        self.squares[key] = self.squares.get(key, 0.0) + squares


def _ratio(errors: float, floats: float) -> float:
    """Return the RMS of errors as a part of the RMS of floats, from sums of squares."""
    return float(np.sqrt(errors / floats)) if floats else float(errors > 0)


def _layers(folded: Graph, held: Graph) -> Iterator[tuple[str, Mapping[str, Array]]]:
    """Yield (name, its float constants as the artefact has them) of each layer."""
    nodes = {node.name: node for node in held.layers()}
    for node in folded.layers():
        if node.name in nodes:
            weight, bias = weights_of(held, nodes[node.name])
            if weight.shape == folded.constants[node.inputs[1]].shape:
                yield node.name, {node.inputs[1]: weight, node.inputs[2]: bias}


def _fixed(opened: Opened, held: Graph, batch: Array, counter: Counter | None) -> Mapping[str, Array]:
    """Return every tensor's value in the artefact, in float64."""
    if opened.program is None or counter is None:
        values: Mapping[str, Array] = trace(held, batch.astype(np.float64))
        return values
    counter.take(rounded := scaled(opened.program, batch))
    integers = saturated(opened.program, rounded)
    values = trace(held, integers)
    (source,), (sink,) = opened.program.inputs, opened.program.outputs
    ran = run_ports(opened.program, {source.name: integers}, counter)[sink.name]
    if not np.array_equal(ran, values[held.outputs[0]].reshape(ran.shape)):
        hint = "compile it again, or fetch the files again"
        raise EmccError("model.emc and program.npz are not of one model", file=opened.folder, hint=hint)
    formats = {name: tensor.fmt for name, tensor in held.tensors.items()}
    return {name: fmt.dequantise(values[name]) for name, fmt in formats.items() if fmt is not None}
