"""What the user may say on the command line; the recipe says the rest."""

from dataclasses import dataclass
from pathlib import Path

from emcc.compress.search.goal import Goal


@dataclass(frozen=True)
class CompileOptions:
    """What `emcc compile` is asked for.

    Attributes:
        model: an ONNX file; data: an .npz with x and, optionally, y; recipe: a TOML file.
        pes: processing elements; None leaves it to the recipe.
        goal: what automatic compression aims at; None leaves it to the recipe. work: where it keeps its steps.
        keep_weights: neither prune nor fine-tune; codebooks as wide as the weights need, at most 8 bits, or as the
            recipe or the goal says.
    """

    model: Path
    target: str = "eie"
    data: Path | None = None
    pes: int | None = None
    keep_weights: bool = False
    recipe: Path | None = None
    goal: Goal | None = None
    work: Path | None = None


@dataclass(frozen=True)
class CompressOptions:
    """What `emcc compress` is asked for.

    Attributes:
        model: an ONNX file; data: an .npz with x and, optionally, y; recipe: a TOML file.
        goal: when the search stops; None does not search: the weights stay as they are, apart from being shared.
        keep_weights: search for codebooks alone; zero pattern and weights stay.
        work: where steps are kept, so that an interrupted search goes on.
    """

    model: Path
    data: Path | None
    goal: Goal | None
    recipe: Path | None = None
    work: Path | None = None
    keep_weights: bool = False
