"""The stages in which weights go: channels, then single weights, along a schedule or to an exact count."""

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from emcc.compress.importance.choice import grown
from emcc.compress.importance.scan import scan
from emcc.compress.method import Chooser, Make, Zeros
from emcc.compress.search.stages import Stages
from emcc.compress.state import State, graph_of, state_of
from emcc.compress.trainer import Span, train
from emcc.ir.graph import Array, Graph, Node

FIRST = 0.4
"""Density at which pruning begins: what goes before hardly matters."""

AUDITION, STEPS = 0.03, 120
"""The share of the weights that forms of a method are compared at, and the steps of training that each gets."""

PARTS = (1.0, 0.5, 0.25)
"""Of the channels that are to go, those that --max-drop tries to take out, one after another."""


class Pruning(Stages):
    """Takes weights out of a State, and trains those that are left."""

    def scan(self, start: State) -> dict[str, Any]:
        """The sensitivity scan, and which form of the method ranks weights best between layers.

        Each grows a network of a share AUDITION of the weights in a few steps, and the least held-out loss wins.
        """
        self.say("sensitivity scan", 0, 1, start, 0.0)
        sensitivity = scan(self.problem, start)
        forms = self.zeros.forms({row["weight"]: row["curvature"] for row in sensitivity})
        losses = {}
        for kind, form in forms.items() if self.options.score not in forms and len(forms) > 1 else ():
            choose = self.chooser(round(start.size() * FIRST), max(1, round(start.size() * AUDITION)), 1, form)
            span = Span(0.0, 1.0, self.options.learning_rate, 0.7, STEPS)
            parameters = form.parameters(self.problem.torch, start, choose, self.options.every)
            trained, _ = train(self.problem, start, parameters, span)
            losses[kind] = self.problem.judge(graph_of(self.problem.network, trained))[0]
        best = self.options.score if self.options.score in forms else min(forms, key=lambda kind: losses.get(kind, 0.0))
        return {"rows": sensitivity, "scores": losses, "score": best}

    def shrink(self) -> list[dict[str, Any]]:
        """Take channels out: from here on the problem is of what is left. A row a layer: what it keeps.

        As many as asked for, or a part of that, counted in logarithms, where the goal is a drop that is exceeded.
        """
        whole, rows_before = self.problem, list(self.rows)
        if self.channels is None:
            return []
        for part in PARTS:
            self.problem, self.rows = whole, list(rows_before)
            graph = self.channels.on(whole).partly(part).stagewise(whole.network, self.tuned)
            self.problem = whole.of(graph)
            if self.goal.max_drop is None or self.fits(state_of(graph)):
                break
        else:
            self.problem, self.rows = whole, rows_before
        layers = zip(whole.network.layers(), self.problem.network.layers(), strict=True)
        return [
            {"layer": old.name, "before": _rows(whole.network, old), "channels": _rows(self.problem.network, new)}
            for old, new in layers
        ]

    def tuned(self, graph: Graph, epochs: int) -> Graph:
        """A graph without some channels after so many epochs with the zeros as they are."""
        self.problem, state = self.problem.of(graph), state_of(graph)
        for epoch in range(epochs):
            state = self.epoch(
                "settling", state, epoch, epochs, self.weights(None), rate=self.options.learning_rate / 2
            )
        return graph_of(graph, state)

    def grow(self, state: State, count: int, epochs: int, end: Callable[[State, int], int] | None = None) -> State:
        """Sparsity grows until `count` weights are left, over so many epochs; `end(state, count)` may correct it.

        The logarithm of the density falls along a parabola: fast first, slowly in the end. Each choice is of the
        weights that are left.
        """
        state = state.fresh()
        begun = min(state.kept(), max(count, round(state.size() * FIRST)))
        for epoch in range(epochs):
            choose = self.chooser(begun, count, epochs)
            state = self.epoch("pruning", state, epoch, epochs, self.weights(choose), hold=0.7)
            if end and epoch + 1 < epochs:
                count = min(self.store.value(partial(end, state, count)), state.kept())
        return self.exactly(state, count)

    def chooser(self, begun: int, wanted: int, epochs: int, zeros: Zeros | None = None) -> Chooser:
        """Masks at a time `at` (0 to 1) of growing sparsity from `begun` weights to `wanted`; see `grow`."""
        method = zeros or self.zeros

        def choose(weights: Mapping[str, Array], gradients: Mapping[str, Array], at: float) -> dict[str, Array]:
            part = min(1.0, at / (1 - 0.5 / epochs))
            least = max(1, wanted)
            above = math.log(max(begun, least) / least)
            now = wanted if part >= 1 else round(least * math.exp(above * (1 - part) ** 2))
            new = int(now * self.options.regrow * (1 - part)) if gradients else 0
            worth = method.worth(self.problem, State(weights, {}))
            masks = method.choose(self.problem.network, weights, now - new, worth)
            return grown(masks, gradients, new) if new else masks

        return choose

    def exactly(self, state: State, count: int) -> State:
        """Exactly `count` weights (fewer where fewer are left)."""
        worth = self.zeros.worth(self.problem, state)
        masks = self.zeros.choose(self.problem.network, state.weights, count, worth)
        return replace(state, weights={n: np.where(masks[n], w, np.float32(0)) for n, w in state.weights.items()})

    def settled(self, state: State, epochs: int) -> State:
        """So many epochs with the zeros as they are."""
        state = state.fresh()
        begun = state_of(self.problem.network).weights
        for epoch in range(epochs):
            state = self.epoch(
                "settling", state, epoch, epochs, self.weights(None), rate=self.options.learning_rate / 2
            )
        self.note("pruned", state, begun)
        return state

    def weights(self, choose: Chooser | None) -> Make:
        """The parameters of a stage in which zeros move as `choose` says, or stay."""
        return lambda torch, state: self.zeros.parameters(torch, state, choose, self.options.every)


def _rows(graph: Graph, node: Node) -> int:
    """Channels that a layer makes."""
    return int(graph.constants[node.inputs[1]].shape[0])
