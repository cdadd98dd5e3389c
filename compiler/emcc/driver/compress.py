"""`emcc compress`: a model, data and a goal in, the files of a compressed model out."""

from collections.abc import Callable
from typing import Any

from emcc.base.errors import EmccError
from emcc.base.events import Event
from emcc.base.version import __version__
from emcc.driver.recipe import Recipe
from emcc.driver.request import CompressOptions
from emcc.files.artefact import FORMAT, MANIFEST, Artefact, to_json
from emcc.ir.graph import Graph
from emcc.samples.dataset import Dataset

CHECKED = 64
KIND = "compressed"


def compress_model(options: CompressOptions, tell: Callable[[Event | str], None] = lambda event: None) -> Artefact:
    """Compress: model.emc, compressed.onnx and emcc.json. The same options and files give the same bytes.

    Raises:
        EmccError: the model, the data, the recipe or the goal are at fault.
    """
    from emcc.container import decode
    from emcc.driver import goals
    from emcc.driver.audition import auditioned
    from emcc.driver.compile import check_factors
    from emcc.driver.encoder import Encoder
    from emcc.driver.scaling import Scaling
    from emcc.driver.search import search
    from emcc.frontend import load
    from emcc.frontend.export import export
    from emcc.legal.checks import chained
    from emcc.measure import truth
    from emcc.measure.quality import Quality, decoded
    from emcc.measure.values import digests, rounded
    from emcc.passes.fold import Fold
    from emcc.samples.load import load_data
    from emcc.samples.sampling import sample

    if options.search is not None:
        return auditioned(options, tell, compress_model)
    tell("reading")
    recipe = (Recipe.read(options.recipe) if options.recipe else Recipe()).naming(options.method)
    check_factors(options, recipe)
    shapes = options.shapes
    source = load(options.model, "emcc compress", options.output, shapes)
    data = load_data(options.data, source) if options.data else None
    checked = truth.check(source, options.model, sample(source, data, CHECKED).x, shapes)
    folded = Fold().apply(source)
    if not any(folded.layers()):
        raise EmccError("no node has weights to compress", file=options.model, hint="Gemm, MatMul and Conv have them")
    if data is None and (options.goal or options.validate):
        raise EmccError("a goal needs data to hold the model against", hint="give --data, or --keep-weights")
    scaling = Scaling.of(recipe, source, data, options.keep_weights)
    data = scaling.data
    for step in scaling.passes if chained(folded) else ():
        tell(step.name)
        folded = step.apply(folded)
    network = folded
    for step in recipe.factors:
        tell(step.name)
        network = step.apply(network)
    encoder = Encoder.of(recipe, None if data is None else data.x, "compress")
    channels = goals.channels_of(options, recipe, options.goal, source, folded)
    set_up = goals.set_up(options, recipe, options.goal, data, source, network, None)
    searched: dict[str, Any] = {}
    if options.goal is None or data is None:
        tell("sharing weights")
        codebooks = recipe.codebooks if data is None else recipe.codebooks.on(data.x)
        shared = codebooks.kept().apply(network)
    else:
        found, searched = search(folded, network, data, set_up, options, recipe, encoder, tell, channels)
        shared = found.shared
    tell("writing")
    encoded = encoder(shared)
    files = {"model.emc": encoded, "compressed.onnx": export(shared, source.outputs)}
    facts = {**manifest(options, recipe, (folded, network, shared), encoded, data, checked), **searched}
    facts |= {"scales": rounded(scaling.chosen), "warnings": scaling.warnings(scaling.chosen)}
    if options.goal is None and set_up.sides is not None:
        tell("measuring")
        facts["quality"] = rounded(Quality(folded, set_up.sides, options.task).facts(decoded(decode(encoded))))
    return Artefact({**files, MANIFEST: to_json({**facts, "format": FORMAT, "files": digests(files)})})


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
    from emcc.measure.values import rounded, source

    effective = recipe.effective()
    used = [
        "scale",
        "equalise",
        "compress",
        *((recipe.channels.name,) if recipe.channels else ()),
        *(step.name for step in recipe.factors),
        *(("search",) if options.goal else (recipe.codebooks.name,)),
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
    }
