"""examples/notebook.ipynb: its code cells, run in order in one namespace.

No nbclient: it would bring Jupyter's kernel and messaging to run plain Python. What Jupyter would show of a cell's last
value is asked for here as Jupyter does. The simulator is built quickly; the demo has its like built as a user's is.
They run in the tests' process, which has loaded torch.
"""

import ast
import json
from pathlib import Path
from typing import Any

import pytest
import simulators

NOTEBOOK = Path(__file__).resolve().parents[2] / "examples" / "notebook.ipynb"
STEPS = ("steps=100", "steps=30")
"""Of the notebook's training, and of this test's."""


def cells() -> list[dict[str, Any]]:
    """All cells."""
    return list(json.loads(NOTEBOOK.read_text("utf-8"))["cells"])


def test_no_outputs_are_stored() -> None:
    notebook = json.loads(NOTEBOOK.read_text("utf-8"))
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    assert set(notebook["metadata"]) == {"kernelspec", "language_info"}
    codes = [cell for cell in cells() if cell["cell_type"] == "code"]
    assert codes
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in codes)
    assert len({cell["id"] for cell in cells()}) == len(cells())


@pytest.mark.sim
def test_the_notebook_runs(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("torch")
    simulators.build_quickly(monkeypatch)
    monkeypatch.chdir(NOTEBOOK.parent)
    sources = ["".join(cell["source"]) for cell in cells() if cell["cell_type"] == "code"]
    assert sum(source.count(STEPS[0]) for source in sources) == 1
    space: dict[str, Any] = {"__name__": "__main__"}
    shown = []
    for number, source in enumerate(sources):
        tree = ast.parse(source.replace(*STEPS))
        last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, f"cell {number}", "exec"), space)
        value = eval(compile(ast.Expression(last.value), f"cell {number}", "eval"), space) if last else None
        if value is not None:
            shown.append(getattr(value, "_repr_html_", value.__repr__)()[:40])
    assert any(text.startswith("<emcc.Artefact: digits.onnx, compiled, i") for text in shown), shown
    assert any(text.startswith("<iframe srcdoc=") for text in shown), shown
    assert "100 inferences, 0 mismatches" in capsys.readouterr().out
    assert space["accuracy"] > 0.95
