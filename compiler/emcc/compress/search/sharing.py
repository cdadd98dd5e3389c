"""The stages in which weights become codes: the entries of each layer, codes that move, codebooks that learn."""

import math
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from emcc.compress.importance.saliency import saliency
from emcc.compress.method import Books, Make, Parameters
from emcc.compress.parameters import decoded
from emcc.compress.rounding import biases_rounded, biases_to_step
from emcc.compress.search import entries
from emcc.compress.search.entries import Trials
from emcc.compress.search.stages import Stages
from emcc.compress.state import State, graph_of
from emcc.ir.graph import Array

ALMOST = 0.995
"""Of a wanted size, what is aimed at while codes move. They take about 2 % more than before they moved."""


class Sharing(Stages):
    """Gives the weights of a State codebooks, of any size or within a file of one."""

    def share(self, state: State, room: tuple[int, int] | None = None, price: float = 1.0) -> State:
        """Codebooks: their sizes picked, weights moved between codes, then codebooks trained, biases rounded.

        room: the bytes that there are, and those of the file without any weight. What does not fit goes as codes move.
        price: of a bit, relative to what pruning pays, where there is no room to fill.
        """
        options, problem = self.options, self.problem
        begun = state.weights
        sizes = self.entries(state, room, price)
        moving = self.moving(sizes)
        values, codes = self.assigned(state.weights, sizes)
        state = replace(state.fresh(), values=values, codes=codes)
        if room:
            state = self.store.state(partial(self.fitted, state, *room))
        for epoch in range(options.code_epochs):
            state = self.epoch(
                "moving codes", state, epoch, options.code_epochs, moving, rate=options.learning_rate / 4
            )
            if room:
                state = self.store.state(partial(self.fitted, state, *room))
        state = replace(state, weights=decoded((dict(state.values), dict(state.codes)))).fresh()
        first = options.shared_epochs // 2
        for epoch in range(first):
            state = self.trained_entries(state, epoch, first, biases=True)
        state = self.store.state(partial(biases_rounded, problem, state, options.bias_bits)).fresh()
        for epoch in range(options.shared_epochs - first):
            state = self.trained_entries(state, epoch, options.shared_epochs - first)
        self.note("shared", state, begun)
        return state

    def trained_entries(self, state: State, epoch: int, epochs: int, biases: bool = False) -> State:
        """An epoch in which only codebooks learn, and biases where asked to."""
        rate = self.options.shared_learning_rate
        make = partial(self.codebooks.entries, biases=biases)
        return self.epoch("training codebooks", state, epoch, epochs, make, rate=rate)

    def moving(self, sizes: Mapping[str, int]) -> Make:
        """The parameters of a stage in which weights move between codes, of so many entries a layer."""

        def assign(weights: Mapping[str, Array]) -> Books:
            return self.assigned(weights, sizes)

        def make(torch: Any, state: State) -> Parameters:
            return self.codebooks.parameters(torch, state, assign, self.options.every)

        return make

    def entries(self, state: State, room: tuple[int, int] | None, price: float) -> dict[str, int]:
        """Entries a layer: what a price of a bit says, or what does best in `room` (see `share`)."""
        position_bits = self.zeros.bits_of(state.kept(), state.size())
        slope, trials = self.store.value(
            lambda: entries.trials(self.problem, state, self.codebooks, self.options.entries, position_bits)
        )
        names = {node.inputs[1]: node.name for node in self.problem.network.layers()}
        for name, tried in trials.items():
            self.rows += [
                {"pass": "codes", "layer": names[name], "entries": count, "bits": bits, "loss": rise}
                for count, bits, rise in tried
            ]
        if room is None:
            return entries.pick(trials, slope * price)
        return dict(self.store.value(partial(self.within, state, trials, slope, room)))

    def within(self, state: State, trials: Trials, slope: float, room: tuple[int, int]) -> Mapping[str, int]:
        """Entries a layer by the price of a bit at which the held-out loss is least, in files of one size.

        Richer codebooks cost weights: of every price's codebooks what does not fit goes, and then all is judged.
        """
        losses: dict[str, float] = {}

        def chosen(place: int) -> Mapping[str, int]:
            return self.filled(state, trials, entries.pick(trials, slope * entries.PRICES[place]), room[0])

        def loss(place: int) -> float:
            sizes = chosen(place)
            if str(sizes) not in losses:
                values, codes = self.assigned(state.weights, sizes)
                tried = self.fitted(replace(state, values=values, codes=codes), *room)
                losses[str(sizes)] = self.problem.judge(graph_of(self.problem.network, tried))[0]
                self.say("choosing codebooks", len(losses), len(entries.PRICES), tried, losses[str(sizes)])
            return losses[str(sizes)]

        return chosen(entries.cheapest(loss, len(entries.PRICES), entries.BEGIN))

    def filled(self, state: State, trials: Trials, chosen: dict[str, int], target: int) -> Mapping[str, int]:
        """More entries, a layer and a step at a time, while there is room for them."""
        while True:
            for tried in entries.richer(trials, chosen):
                if self.bytes(self.quick(state, tried)) <= ALMOST * target:
                    chosen = tried
                    break
            else:
                return chosen

    def fitted(self, state: State, target: int, floor: int) -> State:
        """About as many of the weights as fit, biases rounded to a few bits; at the end nothing but the file counts."""
        worth: dict[str, Array] = {}
        for _ in range(9):
            size = self.bytes(biases_to_step(state, 4))
            if size <= ALMOST * target:
                break
            worth = worth or saliency(self.problem, state)
            state = self.fewer(state, size, ALMOST * target, floor, worth)
        return state

    def fewer(self, state: State, size: int, target: float, floor: int, worth: Mapping[str, Array]) -> State:
        """A shared state of `size` bytes without the weights of least worth, about as many as `target` asks for."""
        per_weight = max(0.2, (size - floor) / max(1, state.kept()))
        less = max(1, math.ceil((size - target) / per_weight))
        masks = self.zeros.choose(self.problem.network, state.weights, max(0, state.kept() - less), worth)
        codes = {name: np.where(masks[name], old, 0).astype(np.uint8) for name, old in state.codes.items()}
        weights = {name: np.where(masks[name], old, np.float32(0)) for name, old in state.weights.items()}
        return replace(state, codes=codes, weights=weights)
