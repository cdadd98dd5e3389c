"""report/ draws and does nothing else; progress is a line on a terminal, and nothing elsewhere."""

import ast
import io
import sys
from pathlib import Path

import pytest

import emcc.report
from emcc.base.events import Event
from emcc.report.progress import Progress

ALLOWED = {
    *("emcc.base.errors", "emcc.base.text", "emcc.base.events", "emcc.resources", "emcc.frontend.report"),
    *("emcc.eie.saturation", "emcc.measure.comparison", "emcc.measure.cost", "emcc.runtime.result"),
    *("emcc.boards.board", "emcc.boards.marker", "emcc.boards.outcome", "emcc.runtime.held"),
}
EVENT = Event("prune", 3, 7, 0.25, 0.9, 97.5, "accuracy")


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """Yes."""
        return True


@pytest.mark.parametrize("path", sorted(Path(emcc.report.__path__[0]).glob("*.py")), ids=lambda path: path.stem)
def test_imports_nothing_that_works(path: Path) -> None:
    nodes = list(ast.walk(ast.parse(path.read_text())))
    names = {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}
    names |= {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    ours = {name for name in names if name.startswith("emcc") and not name.startswith("emcc.report.")}
    assert ours <= ALLOWED


@pytest.mark.parametrize(("quiet", "stream"), [(True, Terminal()), (False, io.StringIO())])
def test_silent(quiet: bool, stream: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", stream)
    with Progress(quiet) as progress:
        progress("reading")
        progress(EVENT)
    assert stream.getvalue() == ""


def test_shows_steps_and_epochs(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = Terminal()
    for name, value in {"TERM": "xterm", "COLUMNS": "150"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "stderr", stream)
    with Progress(quiet=False) as progress:
        progress("reading [bold]model")
    assert "reading [bold]model" in stream.getvalue()
    with Progress(quiet=False) as progress:
        progress("reading")
        progress(EVENT)
    assert "prune" in stream.getvalue()
    assert "3/7, loss 0.25, sparsity 90.00%, accuracy 97.50 %" in stream.getvalue()
