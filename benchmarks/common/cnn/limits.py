"""What holds a step of the array back: bounds of its cycles, and in a few words which one it is."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from emcc.eie.groups.plan import Plan
from emcc.eie.reference import Memory, tapped
from emcc.ir.program import Program, Step
from emcc.samples.sampling import by_input, quantised

BOUND = 0.8
"""A bound of so many of the cycles says why."""
SHORT = 400
"""Cycles of a step that its fixed delays fill a good part of."""


@dataclass(frozen=True)
class Limits:
    """Cycles that a step takes at least, by what does them.

    Attributes:
        walk: a word of a position of the source a cycle, looked at for each tap, zero or not.
        drain: a row of a group's accumulators a cycle.
        broadcast: a non-zero activation a cycle and group, the group that has most.
        load: an entry a cycle and PE, the PE that has most, padding zeros included.
    """

    walk: int
    drain: int
    broadcast: int
    load: int


def limits(program: Program, plan: Plan, x: np.ndarray) -> list[Limits]:
    """Return the bounds of every step for one sample [1, ...] in the model's units."""
    memory = Memory(program, 1)
    for port in program.inputs:
        memory.write(port, by_input(program, quantised(program, x))[port.name])
    for _ in memory.steps():
        pass
    return [_limits(program, plan, index, memory) for index in range(len(program.steps))]


def _limits(program: Program, plan: Plan, index: int, memory: Memory) -> Limits:
    passes = [row for row in plan.passes if row.step == index]
    walk = sum(row.positions * len(row.taps) * row.words for row in passes)
    drain = sum(row.positions * row.rows for row in passes)
    step = program.steps[index]
    emitted, load = _broadcast(program, plan, step, memory) if step.kind == "broadcast" else (0, 0)
    return Limits(walk, drain, emitted, load)


def _broadcast(program: Program, plan: Plan, step: Step, memory: Memory) -> tuple[int, int]:
    """Return the most activations of a group, and the most entries of a PE."""
    source, target = program.buffers[step.sources[0]], program.buffers[step.target]
    held = memory.values[step.sources[0]][0] != 0
    taps = tapped(step.window, (source.height, source.width), (target.height, target.width))
    seen = np.stack([held[at[inside]].sum(axis=0, dtype=np.int64) for at, inside in taps])
    slot = np.arange(seen.shape[1])
    group = (slot // plan.lanes + slot % plan.lanes) % plan.groups
    entries = program.slices[step.slices].count.reshape(plan.lanes, *seen.shape)
    emitted = (seen * entries.any(axis=0)).sum(axis=0)
    loads = (seen * entries).sum(axis=1)
    in_group = group == np.arange(plan.groups)[:, None]
    return int((in_group @ emitted).max()), int((in_group @ loads.T).max())


def reason(step: Step, cycles: float, bounds: Limits) -> str:
    """Say what most of a step's cycles are."""
    share = {name: value / cycles for name, value in vars(bounds).items()}
    if cycles < SHORT and max(share.values()) < BOUND:
        return "few products: fixed delays of a pass"
    if share["drain"] >= max(BOUND, share["walk"] * 0.999):
        return "drain: a row a cycle"
    if share["walk"] >= BOUND:
        pool = step.combine == "max" or (step.kind == "local" and step.codes < 0 and step.window.taps > 1)
        return "pool: a word a cycle, zero or not" if pool else "walk: a word a cycle, zero or not"
    if share["broadcast"] >= BOUND and share["broadcast"] >= share["load"]:
        return "broadcast: an activation a cycle and group"
    if share["load"] >= BOUND:
        return "balance: the PE with most entries"
    highest = max(share, key=lambda name: share[name])
    return f"nothing alone: {highest} {share[highest]:.0%} of it"


def chain(count: int) -> Sequence[None]:
    """Return no bounds for the steps of a chain, which has no plan."""
    return [None] * count
