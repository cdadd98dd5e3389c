"""emcc.json of a compressed model: what was done, a row a layer and pass, and what it costs."""

from dataclasses import asdict
from typing import Any

from emcc import __version__
from emcc.compress.search.options import Goal
from emcc.compress.search.search import Found
from emcc.driver.recipe import Recipe
from emcc.driver.request import CompressOptions
from emcc.ir.graph import Graph
from emcc.measure.coding import table
from emcc.measure.values import rounded, source
from emcc.samples.dataset import Dataset

KIND = "compressed"


def manifest(
    options: CompressOptions,
    recipe: Recipe,
    original: Graph,
    shared: Graph,
    encoded: bytes,
    data: Dataset | None,
    checked: str,
) -> dict[str, Any]:
    """The manifest, but for "format", "files" and what `of_search` says."""
    effective = recipe.effective()
    used = ("search" if options.goal else "share", "calibrate", "quantise", "encode")
    return {
        "kind": KIND,
        "emcc": __version__,
        "model": {**source(options.model), "name": original.name, "checked": checked},
        "data": {**source(options.data), "samples": len(data)} if options.data and data is not None else None,
        "recipe": source(options.recipe) if options.recipe else None,
        "options": {"passes": {name: effective[name] for name in used}},
        **rounded(table(original, shared, encoded)),
    }


def of_search(goal: Goal, found: Found) -> dict[str, Any]:
    """The goal, what was measured, and a row a layer and pass: "goal", "search" and "layer_passes"."""
    record = {name: value for name, value in found.record.items() if name != "steps"}
    aim = {name: value for name, value in asdict(goal).items() if value is not None}
    return dict(rounded({"goal": aim, "search": record, "layer_passes": found.record["steps"]}))
