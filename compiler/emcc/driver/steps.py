"""What each pass did, in a sentence made from the graphs before and after it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from emcc.base.text import printable
from emcc.compress.factors.factoriser import ranks_of
from emcc.driver.signs import facts
from emcc.ir.graph import Graph
from emcc.legal.verify import verify
from emcc.passes.base import Pass


class Steps:
    """Runs passes, and keeps a sentence about each: `sentences` is a list of (pass, sentence).

    `before` has the graph that each role's first pass was given.

    `dump` is called with each stage's name and graph; `watch`, where it is set, with each pass's name and the graphs
    before and after it.
    """

    def __init__(self, progress: Callable[[str], None], dump: Callable[[str, Graph], None] | None = None) -> None:
        self._progress, self._dump = progress, dump or (lambda stage, graph: None)
        self._stage = "frontend"
        self.watch: Callable[[str, Graph, Graph], None] | None = None
        self.sentences: list[tuple[str, str]] = []
        self.before: dict[str, Graph] = {}

    def say(self, name: str, sentence: str) -> None:
        """Adds a sentence, if it says anything."""
        self.sentences += [(name, sentence)] if sentence else []

    def searched(self, shared: Graph, record: Mapping[str, Any], by_default: bool = False) -> None:
        """Automatic compression stood for the passes up to "finetune", and gave `shared`."""
        verify(shared, after="finetune")
        self._stage, search = "finetune", record["search"]
        self._dump("search", shared)
        kept, size = nonzero(shared)
        goal = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in record["goal"].items())
        before, after = search["quality_before"], search["quality"]
        self.say(
            "search",
            f"{goal}{' (the default; --fixed follows the recipe)' if by_default else ''}: "
            f"{kept:,} of {size:,} weights kept ({kept / size:.2%}), trained for {search['trained_steps']:,} steps; "
            f"{search['measure']} on the {search['held_out']:,} samples that decide "
            f"{after:.2f} %, {before:.2f} % before{_fewer(search.get('channels', ()))}",
        )

    def run(self, passes: Sequence[Pass], graph: Graph) -> Graph:
        """The graph after the passes; it is what the last `run` gave, or comes from the front end."""
        verify(graph, after=self._stage)
        if self._stage == "frontend":
            self._dump("frontend", graph)
        for step in passes:
            self._progress(step.name)
            before, graph = graph, step.apply(graph)
            self._stage = getattr(step, "role", step.name)
            self.before.setdefault(self._stage, before)
            verify(graph, after=self._stage)
            self._dump(step.name, graph)
            self.say(step.name, describe(step, before, graph))
            if self.watch:
                self.watch(step.name, before, graph)
        return graph


def describe(step: Any, before: Graph, after: Graph) -> str:
    """The sentence for one pass; `step` is the pass."""
    return _SENTENCES[getattr(step, "role", step.name)](step, before, after)


def nonzero(graph: Graph) -> tuple[int, int]:
    """Weights that are not zero, and weights, of a folded graph."""
    weights = [graph.constants[node.inputs[1]] for node in graph.layers()]
    return sum(int(np.count_nonzero(array)) for array in weights), sum(array.size for array in weights)


def _fold(_step: Any, before: Graph, after: Graph) -> str:
    layers = sum(1 for _ in after.layers())
    norms = [affine.norm for affine in after.affines.values() if affine.norm]
    host = f"; the host divides samples by their {norms[0]} norm" if norms else ""
    return f"{_count(len(before.nodes), 'node')} to {_count(layers, 'layer')}{host}"


def _fewer(rows: Sequence[Mapping[str, Any]]) -> str:
    """Which layers of a search's record lost channels; "" where none did."""
    less = [row for row in rows if row["channels"] < row["before"]]
    said = ", ".join(f"{row['channels']} of {row['before']} in {printable(row['layer'], 40)}" for row in less)
    return f"; channels: {said or 'all kept, since too much was lost without'}" if rows else ""


def _shrink(step: Any, before: Graph, after: Graph) -> str:
    pairs = zip(before.layers(), after.layers(), strict=True)
    rows = [(old.name, len(before.constants[old.inputs[1]]), len(after.constants[new.inputs[1]])) for old, new in pairs]
    less = [f"{now} of {had} in {printable(name, 40)}" for name, had, now in rows if now < had]
    return f"channels kept: {', '.join(less) or 'all'}{_tuned(step)}"


def _tuned(step: Any) -> str:
    if step.finetune.data is None or step.channels.epochs == 0:
        return ""
    return f"; what is left trained for {_count(step.channels.epochs, 'epoch')}, {_aim(step.finetune)}"


def _factor(_step: Any, before: Graph, after: Graph) -> str:
    names, parts = {node.name for node in after.nodes}, {node.name: node.inputs[1] for node in after.layers()}
    split, whole = [], []
    for node in before.layers():
        name = printable(node.name, 40)
        if node.name in names:
            whole.append(repr(name))
            continue
        own = [after.constants[parts[part]] for part in (f"{node.name}/{i}" for i in range(1, 5)) if part in parts]
        size = before.constants[node.inputs[1]].size
        split.append(
            f"{name!r} at rank {ranks_of(own)} ({sum(weights.size for weights in own):,} weights for {size:,})"
        )
    did = f"split {', '.join(split)}" if split else "nothing split"
    why = "; as they are, for no rank saves weights or the form is another: "
    return did + (why + ", ".join(whole) if whole else "")


def _binarise(step: Any, before: Graph, after: Graph) -> str:
    made = facts(before, after)
    names = ", ".join(printable(name, 40) for name in made["layers"])
    trained = f"; trained with them for {_count(step.epochs, 'epoch')}, {_aim(step.finetune)}" if step.epochs else ""
    return f"signs behind {names}: {_count(made['activations'], 'activation')} a sample, of 1 bit each{trained}"


def _prune(step: Any, before: Graph, after: Graph) -> str:
    (had, size), (kept, _) = nonzero(before), nonzero(after)
    if not size:
        return "no weights"
    return f"{kept:,} of {size:,} weights kept ({kept / size:.2%}), {had:,} before{_trained(step)}"


def _trained(step: Any) -> str:
    tuner = getattr(step, "finetune", None)
    if tuner is None or tuner.data is None or tuner.epochs == 0:
        return ""
    return f"; those left fine-tuned for {_count(tuner.epochs, 'epoch')}, {_aim(tuner)}"


def _finetune(step: Any, before: Graph, _after: Graph) -> str:
    what, epochs = ("codebooks", step.shared_epochs) if before.codebooks else ("weights", step.epochs)
    return f"{what} trained for {_count(epochs, 'epoch')}, {_aim(step)}"


def _aim(tuner: Any) -> str:
    return "by the labels" if tuner.problem.labelled else "by the original model's outputs (no labels of its classes)"


def _share(step: Any, before: Graph, after: Graph) -> str:
    books = [after.codebooks[node.inputs[1]] for node in after.layers()]
    exact = [
        bool(np.array_equal(before.constants[node.inputs[1]], after.constants[node.inputs[1]]))
        for node in after.layers()
    ]
    sizes = ", ".join(str(book.values.size) if book.values.size else f"({book.code_w}-bit codes)" for book in books)
    how = "all kept exactly" if all(exact) else f"kept exactly in {sum(exact)} of {_count(len(exact), 'layer')}"
    return f"codebooks of {sizes} entries; weights {how}{_through(step)}"


def _through(step: Any) -> str:
    tuner = getattr(step, "finetune", None)
    if tuner is None or tuner.data is None or tuner.shared_epochs == 0:
        return ""
    if hasattr(step, "product"):
        return f"; trained layer by layer for {_count(tuner.shared_epochs, 'epoch')}, {_aim(tuner)}"
    return f"; trained straight through for {_count(tuner.shared_epochs, 'epoch')}, {_aim(tuner)}"


def _calibrate(step: Any, before: Graph, after: Graph) -> str:
    source = after.tensors[after.inputs[0]].fmt
    assert source is not None
    return f"{source.width}-bit activations, formats {step.source(before)}"


def _quantise(_step: Any, _before: Graph, after: Graph) -> str:
    fracs = ", ".join(str(node.attrs["weight_frac"]) for node in after.layers())
    return f"codebook entries of 16 bits with {fracs} fraction bits"


def _noted(step: Any, _before: Graph, _after: Graph) -> str:
    return str(step.notes.did)


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


_SENTENCES = {
    "fold": _fold,
    "scale": _noted,
    "equalise": _noted,
    "shrink": _shrink,
    "factor": _factor,
    "binarise": _binarise,
    "prune": _prune,
    "finetune": _finetune,
    "share": _share,
    "calibrate": _calibrate,
    "quantise": _quantise,
}
