"""Arguments and options that several commands have, and what they say."""

from pathlib import Path
from typing import Annotated

import typer

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="A folder that `emcc compile` wrote.")]
KeepWeights = Annotated[
    bool, typer.Option("--keep-weights", help="Neither prune nor fine-tune: the zero pattern stays.")
]
MaxDrop = Annotated[
    float | None,
    typer.Option(
        metavar="POINTS",
        min=0.0,
        max=100.0,
        help="Compress until this much accuracy is lost (held out).",
        show_default="with data and no other goal 1; of `emcc compress` 0.3",
    ),
]
TargetSize = Annotated[str | None, typer.Option(metavar="SIZE", help="Compress until model.emc fits: 20KB, 9000.")]
TargetSparsity = Annotated[
    float | None, typer.Option(metavar="SHARE", min=0.0, max=1.0, help="Compress to this share of zeros, exactly.")
]
DataFile = Annotated[
    Path | None,
    typer.Option(metavar="DATA.npz", help="x (batch first, float32) and, optionally, y: labels, or float targets."),
]
Validate = Annotated[
    Path | None,
    typer.Option(metavar="V.npz", help="Samples that decide, new to the model.", show_default="some of DATA"),
]
Task = Annotated[
    str, typer.Option(metavar="auto|classify|regress", help="What the outputs are for, and so how they are judged.")
]
Minutes = Annotated[
    float | None,
    typer.Option(
        metavar="M",
        min=0.01,
        help="Time to train for; becomes a number of steps beforehand.",
        show_default="5; of `emcc compress` what the passes take",
    ),
]
TrainSteps = Annotated[
    int | None,
    typer.Option(
        "--steps",
        metavar="N",
        min=1,
        help="Steps of training, instead; as emcc.json has them.",
        show_default="as many as the minutes allow",
    ),
]
Method = Annotated[
    str | None,
    typer.Option(
        metavar="NAME+NAME",
        help="Methods of compression, joined: filters+magnitude+kmeans.",
        show_default="the recipe's: magnitude+kmeans",
    ),
]
Teacher = Annotated[
    Path | None,
    typer.Option(
        metavar="TEACHER.onnx",
        help="A larger model: MODEL, its student, learns of it first, and is held against it.",
        show_default="MODEL itself",
    ),
]
SearchFor = Annotated[
    str | None,
    typer.Option(
        "--search",
        metavar="methods",
        help="Try combinations of methods on held-out data, in 10 minutes or what is given, and take the best.",
        show_default="one combination, --method",
    ),
]
RecipeFile = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE.toml", help="Options of the passes; see `emcc recipe`.", show_default="all at their defaults"
    ),
]
Output = Annotated[
    list[str] | None,
    typer.Option(
        "--output",
        metavar="NAME",
        help="The tensor to take as the output; once each for several.",
        show_default="the one that emcc can",
    ),
]
Shape = Annotated[
    list[str] | None,
    typer.Option(
        "--shape",
        metavar="NAME:1x3x224x224",
        help="Sizes of an input that the file leaves open, the batch first; once each for several.",
        show_default="the file's, or the data's",
    ),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress and no summary.")]
Work = Annotated[Path | None, typer.Option(metavar="DIR", help="Keep every step there; go on after an interruption.")]
Count = Annotated[int | None, typer.Option(metavar="N", min=1, help="The first N samples.", show_default="all")]
Json = Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Also write the result as JSON.")]
Baud = Annotated[int, typer.Option(metavar="RATE", min=300, max=12_000_000, help="Of the serial port.")]
TrustRtl = Annotated[
    bool,
    typer.Option(
        "--trust-rtl", help="Take the folder's RTL and memories as they are: whoever wrote them runs code here."
    ),
]
BAUD = 115_200


def taken(output: list[str] | None) -> str | tuple[str, ...] | None:
    """One name, several, or none."""
    if not output:
        return None
    return output[0] if len(output) == 1 else tuple(output)
