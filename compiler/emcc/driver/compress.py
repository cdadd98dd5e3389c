"""The driver of automatic compression: a model, data and a goal in, the files of a compressed model out."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

from emcc import __version__
from emcc.base.errors import EmccError
from emcc.base.events import Event
from emcc.compress.search.options import Goal, Search
from emcc.compress.search.search import Found
from emcc.driver.recipe import Recipe
from emcc.driver.request import CompressOptions
from emcc.files.artefact import FORMAT, MANIFEST, Artefact, to_json
from emcc.ir.graph import Graph
from emcc.samples.dataset import Dataset

CHECKED, MEASURED = 64, 10_000
Tell = Callable[[Event | str], None]


def silent(_event: Event | str) -> None:
    """Tells nobody."""


def compress_model(options: CompressOptions, tell: Tell = silent) -> Artefact:
    """Compresses: model.emc, compressed.onnx and emcc.json. The same options and files give the same bytes.

    Raises:
        EmccError: the model, the data, the recipe or the goal are at fault.
    """
    from emcc.container import decode
    from emcc.driver.encoder import Encoder
    from emcc.driver.plan import keeping
    from emcc.driver.record import manifest, of_search
    from emcc.frontend import load
    from emcc.frontend.export import export
    from emcc.measure import truth
    from emcc.measure.quality import stored
    from emcc.measure.values import digests, rounded
    from emcc.passes.fold import Fold
    from emcc.samples.dataset import load_data
    from emcc.samples.sampling import sample

    tell("reading")
    recipe = Recipe.read(options.recipe) if options.recipe else Recipe()
    source = load(options.model)
    data = load_data(options.data, source) if options.data else None
    checked = truth.check(source, options.model, sample(source, data, CHECKED).x)
    folded = Fold().apply(source)
    if not any(folded.layers()):
        raise EmccError("no node has weights to compress", file=options.model, hint="Gemm, MatMul and Conv have them")
    calibrate = replace(recipe.calibrate, data=None if data is None else data.x)
    encoder = Encoder(calibrate, recipe.quantise, recipe.encode.coding)
    if options.goal is None:
        tell("sharing weights")
        shared, searched = keeping(recipe).apply(folded), {}
    elif options.data is None or data is None:
        raise EmccError("a goal needs data to hold the model against", hint="give --data, or --keep-weights")
    else:
        name = key(options.model, options.data, options.goal, recipe, options.work, options.keep_weights)
        found = search(folded, data, options.goal, recipe, options.work, name, encoder, tell, options.keep_weights)
        shared, searched = found.shared, of_search(options.goal, found)
    tell("writing")
    encoded = encoder(shared)
    files = {"model.emc": encoded, "compressed.onnx": export(shared, source.outputs[0])}
    told = manifest(options, recipe, folded, shared, encoded, data, checked)
    told = {**told, **searched}
    if options.goal is None and data is not None:
        tell("measuring")
        told["quality"] = rounded(stored(folded, decode(encoded), sample(source, data, MEASURED)))
    return Artefact({**files, MANIFEST: to_json({**told, "format": FORMAT, "files": digests(files)})})


def search(
    folded: Graph,
    data: Dataset,
    goal: Goal,
    recipe: Recipe,
    work: Path | None,
    name: str,
    encoder: Callable[[Graph], bytes],
    tell: Tell,
    keep_weights: bool = False,
) -> Found:
    """The search on a folded graph. `encoder` measures sizes; `name` names the search in `work`."""
    from emcc.compress.problem import Problem
    from emcc.compress.search.keep import Keeper
    from emcc.compress.search.search import Searcher
    from emcc.compress.search.store import Store
    from emcc.compress.training import deterministic, import_torch

    torch = import_torch()
    chosen: Search = recipe.search
    store = Store(work, name)
    with deterministic(torch, chosen.threads):
        problem = Problem(torch, folded, data, chosen)
        kind = Keeper if keep_weights else Searcher
        return kind(problem, goal, encoder, store, tell).run()


def key(model: Path, data: Path, goal: Goal, recipe: Recipe, work: Path | None, keep_weights: bool = False) -> str:
    """What a search depends on, hashed: the files and everything that was chosen. Read only where steps are kept."""
    if work is None:
        return ""
    total = hashlib.sha256()
    for path in (model, data):
        with path.open("rb") as file:
            total.update(hashlib.file_digest(file, "sha256").digest())
    chosen = {"goal": asdict(goal), "recipe": recipe.effective(), "emcc": __version__, "keep_weights": keep_weights}
    total.update(json.dumps(chosen, sort_keys=True, default=str).encode())
    return total.hexdigest()
