"""What a compile was worth: the one figure of quality, and where too much was lost, why and what to try."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from emcc.compress.search.goal import Goal
from emcc.driver.request import CompileOptions
from emcc.ir.graph import Graph
from emcc.ir.program import Program
from emcc.measure.causes import CODEBOOKS, PRUNING, ROUNDING, SATURATION, causes
from emcc.measure.quality import Quality, fixed_error, floats, integers
from emcc.samples.judge import POINT
from emcc.samples.sampling import sample
from emcc.samples.split import Sides, split

SYNTHETIC = "synthetic inputs"

TRY = {
    PRUNING: "keep more weights (--max-drop, --keep-weights), or give more data or more time (--minutes)",
    CODEBOOKS: "give --data and a goal, such as --max-drop 1, so that codebooks are trained; or smaller layers",
    ROUNDING: "scale the model's inputs to a common range, or take 16-bit activations ([calibrate] bits = 16)",
    SATURATION: "give data of the whole range with --data, or more [calibrate] headroom in the recipe",
}
"""What to try, by cause."""


@dataclass(frozen=True)
class Stages:
    """The model on its way: folded, pruned, with shared weights, with formats (floats all), and in integers.

    `teacher`: what it is held against, where that is another model, folded.
    """

    original: Graph
    pruned: Graph
    shared: Graph
    calibrated: Graph
    program: Program
    teacher: Graph | None = None


def worth(stages: Stages, sides: Sides | None, options: CompileOptions, goal: Goal | None) -> dict[str, Any]:
    """Return "quality", "loss" and more "warnings" of emcc.json.

    quality: see measure.quality; without data "measure" is None, and only the error of fixed point is there.
    loss: None, or lost and allowed (points by the worst output), measure, source, rounded (layers whose weights were
    clustered, with --keep-weights), by_rounding (what that alone lost), causes (see measure.causes) and advice.
    """
    errors = fixed_error(stages.shared, stages.program, None if sides is None else sides.judges)
    rounded = _rounded(stages) if options.keep_weights else []
    if sides is None:
        loss = None
        if rounded:
            noise = _synthetic(stages, options)
            loss = _of(noise, stages, rounded, noise.score(integers(stages.program)).lost(noise.before), POINT)
        return {"quality": {**_missing(), **errors}, "loss": loss, "warnings": []}
    quality = Quality(stages.teacher or stages.original, sides, options.task)
    allowed = goal.max_drop if goal is not None and goal.max_drop is not None else POINT
    facts = quality.facts(integers(stages.program))
    loss = _of(quality, stages, rounded, facts["lost"], allowed)
    told = [*facts.pop("doubts"), *unsure(facts, facts["samples"], goal)]
    return {"quality": {**facts, **errors}, "loss": loss, "warnings": told}


def unsure(facts: Mapping[str, Any], samples: int, goal: Goal | None) -> list[str]:
    """Say where a loss is small on the samples that decide, and too few of them decide to be sure of it.

    `facts`: with lost and lost_at_most.
    """
    most = None if goal is None else goal.max_drop
    if most is None or facts["lost"] > most or facts["lost_at_most"] <= most:
        return []
    return [
        f"{samples:,} samples decide, too few to be sure that no more than {most:g} points are lost: in 19 "
        f"cases of 20 it is no more than {facts['lost_at_most']:.2f}. Where nothing was sure, nothing was pruned: give "
        "more with --validate or --data, or allow more with --max-drop"
    ]


def _missing() -> dict[str, Any]:
    names = ("task", "measure", "against", "source", "float", "compressed", "interval", "lost", "agreement")
    return {**dict.fromkeys(names), "samples": 0, "labels": False}


def _synthetic(stages: Stages, options: CompileOptions) -> Quality:
    noise = sample(stages.original, None)
    sides = split(noise, 0.0, 0)
    return Quality(stages.original, Sides(sides.train, noise, sides.held, SYNTHETIC), options.task)


def _rounded(stages: Stages) -> list[str]:
    """Return the layers whose weights are not what they were."""
    before, after = stages.original.constants, stages.shared.constants
    return [
        node.name
        for node in stages.shared.layers()
        if not np.array_equal(before[node.inputs[1]].astype(np.float32), after[node.inputs[1]].astype(np.float32))
    ]


def _of(quality: Quality, stages: Stages, rounded: list[str], lost: float, allowed: float) -> Any:
    by_rounding = quality.score(floats(stages.shared)).lost(quality.before) if rounded else 0.0
    if lost <= allowed and not rounded:
        return None
    found = causes(quality, stages.pruned, stages.shared, stages.calibrated) if lost > allowed else []
    return {
        "lost": lost,
        "allowed": allowed,
        "measure": quality.yardstick.judged.measure,
        "source": quality.source,
        "samples": quality.samples,
        "rounded": rounded,
        "by_rounding": by_rounding,
        "causes": found,
        "advice": TRY[found[0]["cause"]] if found else None,
    }
