"""`emcc compress`: a model, data and a goal in, the files of a compressed model out."""

from collections.abc import Callable
from typing import Any

from emcc.base.events import Event
from emcc.base.version import __version__
from emcc.driver.opened import Opened, to_compress
from emcc.driver.recipe import Recipe
from emcc.driver.request import CompressOptions
from emcc.files.artefact import FORMAT, MANIFEST, Artefact, to_json
from emcc.ir.graph import Graph
from emcc.samples.dataset import Dataset

KIND = "compressed"


def compress_model(options: CompressOptions, tell: Callable[[Event | str], None] = lambda event: None) -> Artefact:
    """Compress: model.emc, compressed.onnx, report.html and emcc.json. The same options and files give the same bytes.

    Raises:
        EmccError: the model, the data, the recipe or the goal are at fault.
    """
    if options.search is not None:
        from emcc.driver.audition import auditioned
        from emcc.report import page

        return auditioned(options, tell, compress_model, page.render)
    return _made(options, to_compress(options, tell), tell)


def _made(options: CompressOptions, asked: Opened, tell: Callable[[Event | str], None]) -> Artefact:
    """Return the artefact of a model that was read and checked. What this takes is imported only now."""
    from emcc.container import decode
    from emcc.driver import goals, signs
    from emcc.driver.encoder import Encoder
    from emcc.driver.losses import unsure
    from emcc.driver.plan import chosen, fixed
    from emcc.driver.scaling import Scaling
    from emcc.driver.search import search, unpruned
    from emcc.frontend.export import export
    from emcc.legal.checks import chained
    from emcc.measure.quality import Quality, decoded
    from emcc.measure.values import digests, rounded
    from emcc.passes.fold import Fold
    from emcc.report import page
    from emcc.samples.doubts import of_data

    recipe, source, teacher, data = asked.recipe, asked.source, asked.teacher, asked.data
    folded = Fold().apply(source)
    if not any(folded.layers()):
        raise goals.weightless(options)
    scaling = Scaling.of(recipe, source, data, options.keep_weights)
    data = scaling.data
    for step in scaling.passes if chained(folded) else ():
        tell(step.name)
        folded = step.apply(folded)
    encoder = Encoder.of(recipe, None if data is None else data.x, "compress")
    channels = goals.channels_of(options, recipe, options.goal, source, folded)
    network = folded if teacher else split(folded, recipe, tell)
    signs.check(recipe, folded)
    set_up = goals.set_up(options, recipe, options.goal, data, source, network, None)
    if teacher:
        taught = teacher.taught(folded, recipe, data, set_up.sides, options.task, tell)
        teacher.check(options.goal)
        network = split(taught, recipe, tell)
    against = teacher.folded if teacher else folded
    made: dict[str, Any] = {}
    for step in signs.Signs.of(recipe, data, against, set_up, options.task, tell):
        tell(step.name)
        bare, network = network, step.apply(network)
        made = {"signs": signs.facts(bare, network)}
    searched: dict[str, Any] = {}
    decided: dict[str, Any] = {}
    doubts: list[str] = []
    if options.fixed and data is not None:
        passes, _ = fixed(recipe, data, folded, options, set_up.sides, tell, network, channels)
        shared = network
        for step in passes:
            tell(step.name)
            shared = step.apply(shared)
        decided = rounded(chosen(passes))
    elif options.goal is None or data is None:
        tell("sharing weights")
        codebooks = recipe.codebooks if data is None else recipe.codebooks.on(data.x)
        codebooks = codebooks.kept()
        shared = codebooks.apply(network)
        decided = rounded(chosen((codebooks,)))
    else:
        found, searched = search(against, network, data, set_up, options, recipe, encoder, tell, channels)
        shared, record, goal = found.shared, found.record, options.goal
        doubts = [*record["doubts"], *unsure(record, record["held_out"], goal), *unpruned(goal, found, network)]
    tell("writing")
    encoded = encoder(shared)
    files = {"model.emc": encoded, "compressed.onnx": export(shared, source.outputs)}
    facts = {
        **manifest(options, recipe, (folded, network, shared), encoded, data, asked.checked),
        **searched,
        **decided,
    }
    facts |= made | (teacher.facts if teacher else {})
    facts["scales"] = rounded(scaling.chosen)
    if options.goal is None and set_up.sides is not None:
        tell("measuring")
        quality = Quality(folded, set_up.sides, options.task).facts(decoded(decode(encoded)))
        doubts = quality.pop("doubts")
        facts["quality"] = rounded(quality)
    facts["warnings"] = [*of_data(data), *doubts, *scaling.warnings(scaling.chosen)]
    files["report.html"] = page.render(facts)
    return Artefact({**files, MANIFEST: to_json({**facts, "format": FORMAT, "files": digests(files)})})


def split(graph: Graph, recipe: Recipe, tell: Callable[[Event | str], None]) -> Graph:
    """The graph with layers split, where a method of the recipe does that."""
    for step in recipe.splitting(tell):
        tell(step.name)
        graph = step.apply(graph)
    return graph


def manifest(
    options: CompressOptions,
    recipe: Recipe,
    graphs: tuple[Graph, Graph, Graph],
    encoded: bytes,
    data: Dataset | None,
    checked: str,
) -> dict[str, Any]:
    """emcc.json of a compressed model, but for "format", "files" and what a search measured.

    graphs: folded, the same or with layers split, and that with shared weights.
    """
    from emcc.measure.coding import table
    from emcc.measure.histograms import histograms
    from emcc.measure.values import rounded, source

    effective = recipe.effective(options.teacher is not None)
    used = [
        "scale",
        "equalise",
        "compress",
        *(("distil",) if options.teacher else ()),
        *((recipe.channels.name,) if recipe.channels else ()),
        *(step.name for step in recipe.factors),
        *((recipe.activations.name,) if recipe.activations else ()),
        *(("search",) if options.goal else (recipe.codebooks.name,)),
        *((*((recipe.zeros.name,) if "prune" in recipe.named else ()), "finetune") if options.fixed else ()),
        *(("finetune",) if recipe.activations and not options.fixed else ()),
        "calibrate",
        "quantise",
        "encode",
    ]
    return {
        "kind": KIND,
        "emcc": __version__,
        "model": {**source(options.model), "name": graphs[0].name, "checked": checked, **options.interface},
        "data": {**source(options.data), "samples": len(data)} if options.data and data is not None else None,
        "validation": source(options.validate) if options.validate else None,
        "recipe": source(options.recipe) if options.recipe else None,
        "options": {"passes": {name: effective[name] for name in used}},
        **rounded(table(*graphs, encoded)),
        "histograms": rounded(histograms(*graphs[1:])),
    }
