"""`emcc compare`: every tensor of a model in floats against its fixed-point value in an artefact."""

from collections.abc import Iterator, Mapping

import numpy as np

from emcc import ops
from emcc.base.errors import EmccError
from emcc.eie.counter import Counter
from emcc.eie.reference import run
from emcc.ir.batch import joined
from emcc.ir.graph import Array, Format, Graph, Node
from emcc.measure.aligned import aligned
from emcc.measure.alone import weights_of
from emcc.measure.comparison import EXPONENTS, Comparison, Row
from emcc.measure.effects import Effects
from emcc.ops.interpret import trace
from emcc.runtime.opened import Opened
from emcc.samples.sampling import saturated, scaled

THRESHOLD = 0.05
_ELEMENTS = 1 << 22


def compare(folded: Graph, opened: Opened, x: Array, threshold: float = THRESHOLD) -> Comparison:
    """Compare the folded float model with an artefact of it on samples x, float32 [n, ...]; see ir.batch.

    Raises:
        EmccError: the artefact is not one of this model, or its files do not belong together.
    """
    held = opened.held
    if folded.inputs != held.inputs or folded.outputs != held.outputs:
        hint = "compile it again: it comes from another version of emcc, or is damaged"
        raise EmccError("the artefact's inputs and outputs are not the model's", file=opened.folder, hint=hint)
    try:
        folded = aligned(folded, held, opened.manifest.get("scales", {}).get("channels", {}))
    except (ValueError, TypeError, AttributeError) as error:
        hint = "compile it again: it comes from another version of emcc, or is damaged"
        raise EmccError(f"the artefact's scales are not the model's: {error}", file=opened.folder, hint=hint) from error
    measured = _Measured(folded, held, opened)
    rows = max(1, _ELEMENTS // max(tensor.features for tensor in folded.tensors.values()))
    for begin in range(0, len(x), rows):
        measured.add(x[begin : begin + rows])
    return Comparison(len(x), threshold, tuple(measured.rows()), folded.outputs)


class _Measured:
    """Every tensor and every layer's weights, over batches."""

    def __init__(self, folded: Graph, held: Graph, opened: Opened) -> None:
        self.folded, self.held, self.opened = folded, held, opened
        made = {node.outputs[0]: node for node in folded.nodes}
        known = [name for name in (*folded.inputs, *made) if name in held.tensors]
        # Where channels went, a tensor has fewer elements, and none that it can be held against.
        same = [name for name in known if held.tensors[name].features == folded.tensors[name].features]
        self.tensors = {name: _Sums() for name in same}
        self.layers = dict(_layers(folded, held))
        rounded = [name for name in self.tensors if not _selected(made.get(name))]
        self.effects = Effects(folded, held, self.layers, rounded)
        self.counter = Counter(opened.program) if opened.program else None

    def add(self, x: Array) -> None:
        """Take one batch of samples."""
        floats = trace(self.folded, x.astype(np.float64))
        fixed = _fixed(self.opened, self.held, x, self.counter)
        for name, own in self.tensors.items():
            own.add(floats[name], fixed[name])
        self.effects.add(floats, x)

    def rows(self) -> Iterator[Row]:
        """Yield the rows in the network's order."""
        for name in self.folded.inputs:
            yield self._tensor(name, "input")
        for node in self.folded.nodes:
            if node.name in self.layers:
                own, name = _Sums(), node.inputs[1]
                own.add(self.folded.constants[name].astype(np.float64), self.layers[node.name][name])
                yield own.row("weights", node.name, node.op, self._effect("weights", node.name))
            if node.outputs[0] in self.tensors:
                yield self._tensor(node.outputs[0], node.op)

    def _tensor(self, name: str, op: str) -> Row:
        saturating = self.counter.shares().get(name) if self.counter else None
        return self.tensors[name].row(
            "tensor", name, op, self._effect("tensor", name), self.held.tensors[name].fmt, saturating
        )

    def _effect(self, kind: str, name: str) -> tuple[float, float]:
        """Return what it does alone to the output that suffers most, and its share of what all do to all outputs."""
        floats = [self.tensors[output].floats for output in self.folded.outputs]
        squares = self.effects.squares.get((kind, name), np.zeros(len(floats)))
        alone = max(ratio(float(own), size) for own, size in zip(squares, floats, strict=True))
        scale = np.array([1.0] if len(floats) == 1 else [1 / size if size else 1.0 for size in floats])
        total = float(sum(np.sum(own * scale) for own in self.effects.squares.values()))
        return alone, float(np.sum(squares * scale)) / total if total else 0.0


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
        effect: tuple[float, float],
        fmt: Format | None = None,
        saturating: float | None = None,
    ) -> Row:
        """Return the row; `effect` is (what it does alone, its share)."""
        rms, relative = float(np.sqrt(self.errors / max(self.values, 1))), ratio(self.errors, self.floats)
        facts = (self.values, self.most, rms, relative, saturating, *effect)
        return Row(kind, name, op, fmt, *facts, tuple(self.magnitudes.tolist()))


def ratio(errors: float, floats: float) -> float:
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
    ran = run(opened.program, integers, counter)
    if not np.array_equal(ran, joined(np, [values[name] for name in held.outputs]).reshape(ran.shape)):
        hint = "compile it again, or fetch the files again"
        raise EmccError("model.emc and program.npz are not of one model", file=opened.folder, hint=hint)
    formats = {name: tensor.fmt for name, tensor in held.tensors.items()}
    return {name: fmt.dequantise(values[name]) for name, fmt in formats.items() if fmt is not None}
