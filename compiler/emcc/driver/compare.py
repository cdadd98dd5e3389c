"""`emcc compare`: a model, an artefact of it and data in, the error of every tensor out."""

from collections.abc import Callable
from pathlib import Path

from emcc.base.errors import EmccError
from emcc.base.text import printable
from emcc.driver.shapes import of_values, shapes_of
from emcc.frontend import load
from emcc.measure.compare import compare
from emcc.measure.comparison import Comparison
from emcc.measure.values import source
from emcc.passes.fold import Fold
from emcc.runtime.opened import open_artefact
from emcc.samples.load import load_data
from emcc.samples.sampling import sample

SAMPLES = 1000


def compare_model(
    folder: Path,
    model: Path,
    data: Path,
    count: int,
    threshold: float,
    tell: Callable[[str], None] = lambda step: None,
) -> Comparison:
    """Compare on at most `count` samples, spread evenly over the data.

    Raises:
        EmccError: the model, the data or the folder is damaged, or the folder was made of another model.
    """
    opened = open_artefact(folder)
    tell("reading")
    made_of = opened.manifest["model"]
    taken = made_of.get("taken")
    named = tuple(map(str, taken)) if isinstance(taken, list) else None if taken is None else str(taken)
    graph = load(model, "emcc compare", named, shapes_of(of_values(made_of.get("shape")), data))
    if made_of["sha256"] != source(model)["sha256"]:
        raise EmccError(
            f"is not the model of {printable(str(folder))}, which was made of {printable(made_of['file'])!r} with "
            f"SHA-256 {printable(made_of['sha256'][:12])}...",
            file=model,
            hint="give the model that was compiled, or compile this one",
        )
    samples = sample(graph, load_data(data, graph), count)
    tell("comparing")
    return compare(Fold().apply(graph), opened, samples.x, threshold)
