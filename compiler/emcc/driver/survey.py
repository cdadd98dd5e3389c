"""What `emcc inspect` says of a model: what the front end reads, and whether it folds, as a compile does first."""

from dataclasses import replace
from pathlib import Path

from emcc.base.errors import EmccError
from emcc.frontend import Shapes, Survey, Taken, load
from emcc.frontend import survey as read
from emcc.legal.verify import verify
from emcc.passes.fold import Fold


def survey(path: Path, output: Taken = None, shapes: Shapes | None = None) -> Survey:
    """Return the front end's report; with what folding refuses among the model's problems."""
    answers = read(path, output, shapes)
    if not answers.supported:
        return answers
    try:
        verify(Fold().apply(load(path, "emcc inspect", output, shapes)), after="fold")
    except EmccError as error:
        node = f"node {error.node!r}: " if error.node else ""
        sentence = f"{node}{error.message}" + (f" ({error.hint})" if error.hint else "")
        return Survey(list(answers), replace(answers.facts, problems=(sentence,)))
    return answers
