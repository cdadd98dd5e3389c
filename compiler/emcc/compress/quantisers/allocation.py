"""Bits a layer within a sum: bits go where they take the most error away."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from emcc.compress.importance.use import miss
from emcc.ir.graph import Array, Graph
from emcc.passes.layers import Layer, finite_weights
from emcc.samples.split import spread

SAMPLES = 64
"""That errors at the outputs are measured on."""

NODES, NEARLY = 20_000, 1e-3
"""Of branch and bound: the most, and the share of the error that is not worth looking for."""


@dataclass(frozen=True)
class Curve:
    """What a layer errs at each number of bits a weight; errors of layers add up. weights: those that bits are for."""

    weights: int
    errors: Mapping[int, float]

    def rate(self, now: int, more: int) -> int:
        """Bits of all weights between two numbers of bits a weight."""
        return (more - now) * self.weights

    def steps(self) -> list[tuple[float, int, int]]:
        """(error that a bit takes away, from what bits, to what) along the lower convex hull, the steepest first."""
        found: list[tuple[float, int, int]] = []
        now = min(self.errors)
        while better := [bits for bits in self.errors if bits > now and self.errors[bits] < self.errors[now]]:
            gain, more = max(((self.errors[now] - self.errors[b]) / max(1, self.rate(now, b)), b) for b in better)
            found.append((gain, now, more))
            now = more
        return found

    def to_json(self, layer: str, bits: int) -> dict[str, Any]:
        """The row of a layer that got so many bits."""
        errors = {str(width): error for width, error in self.errors.items()}
        return {"layer": layer, "weights": self.weights, "bits": bits, "errors": errors}


def measured(
    graph: Graph, layers: Iterable[Layer], rounded: Callable[[Array], Mapping[int, Array]], x: Array | None
) -> dict[str, Curve]:
    """Curves of layers by weight constant; `rounded` has weights at every number of bits.

    On samples x, float32 [n, ...]: what a layer alone does to the outputs, squared error over variance. Without: its
    weights' squared error over their square.
    """
    missed, found = None if x is None else miss(graph, x[spread(len(x), SAMPLES)]), {}
    for layer in layers:
        weights, errors = finite_weights(graph, layer), {}
        square = max(float(np.square(weights, dtype=np.float64).sum()), np.finfo(np.float64).tiny)
        for bits, levels in rounded(weights).items():
            away = float(np.square(levels - weights, dtype=np.float64).sum()) / square
            errors[bits] = missed(graph.with_constants({layer.weight: levels})) if missed else away
        found[layer.weight] = Curve(int(np.count_nonzero(weights)), errors)
    return found


def allocated(curves: Mapping[str, Curve], room: float, nodes: int = NODES) -> dict[str, int]:
    """Bits a weight by layer, of least error, of all weights no more than `room` bits; the least of each in any case.

    First by a price of a bit (`priced`); then, where layers are few and large, and much of the room may be left, by
    branch and bound from there, the largest layers first, with the error of the hulls as the bound. It ends after so
    many nodes, with the best so far.
    """
    bits = priced(curves, room)
    names = sorted(curves, key=lambda name: -curves[name].weights)
    best = sum(curves[name].errors[bits[name]] for name in names)
    hulls = [_hull([curves[name] for name in names[place:]]) for place in range(len(names) + 1)]
    stack: list[tuple[tuple[int, ...], float, float]] = [((), 0.0, room)]
    while stack and nodes > 0:
        chosen, error, left = stack.pop()
        nodes -= 1
        if error + _least(hulls[len(chosen)], left) >= best * (1 - NEARLY):
            continue
        if len(chosen) == len(names):
            best, bits = error, dict(zip(names, chosen, strict=True))
            continue
        curve = curves[names[len(chosen)]]
        stack += [((*chosen, more), error + curve.errors[more], left - curve.rate(0, more)) for more in curve.errors]
    return bits


def priced(curves: Mapping[str, Curve], room: float) -> dict[str, int]:
    """Bits a weight by layer: steps along the curves' convex hulls, the steepest first, while they fit.

    After each nothing that takes as few bits errs less (Everett 1963; Shoham and Gersho, IEEE TASSP 1988). Where the
    next is too large, single layers get what still fits: the error is above the least there is by no more than the
    slope of that step times the room in front of it.
    """
    bits = {name: min(curve.errors) for name, curve in curves.items()}
    room -= sum(curve.rate(0, bits[name]) for name, curve in curves.items())
    steps = [(name, *step) for name, curve in curves.items() for step in curve.steps()]
    for name, _, now, more in sorted(steps, key=lambda step: -step[1]):
        needed = curves[name].rate(now, more)
        if needed > room:
            break
        bits[name], room = more, room - needed
    while True:
        fitting = [
            (curve.errors[bits[name]] - curve.errors[more], name, more)
            for name, curve in curves.items()
            for more in curve.errors
            if more > bits[name] and curve.rate(bits[name], more) <= room
        ]
        less, name, more = max(fitting, default=(0.0, "", 0))
        if less <= 0:
            return bits
        room -= curves[name].rate(bits[name], more)
        bits[name] = more


def _hull(curves: Sequence[Curve]) -> tuple[float, int, list[tuple[float, int]]]:
    """(error, bits) where each has the least bits, and the steps of the hulls, (error a bit, bits), steepest first."""
    steps = [(gain, curve.rate(now, more)) for curve in curves for gain, now, more in curve.steps()]
    error = sum(curve.errors[min(curve.errors)] for curve in curves)
    return error, sum(curve.rate(0, min(curve.errors)) for curve in curves), sorted(steps, reverse=True)


def _least(hull: tuple[float, int, list[tuple[float, int]]], room: float) -> float:
    """The least error that curves could have in that room if steps of their hulls could be cut; infinite where none."""
    error, bits, steps = hull
    room -= bits
    if room < 0:
        return float("inf")
    for gain, needed in steps:
        error -= gain * min(needed, room)
        if needed >= room:
            break
        room -= needed
    return error
