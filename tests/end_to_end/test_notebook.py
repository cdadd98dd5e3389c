"""examples/notebook.ipynb: its code cells, run in order in one namespace, in a process of its own.

No nbclient: it would bring Jupyter's kernel and messaging to run plain Python. What Jupyter would show of a cell's last
value is asked for here as Jupyter does. The simulator is built quickly; the demo has its like built as a user's is.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

NOTEBOOK = Path(__file__).resolve().parents[2] / "examples" / "notebook.ipynb"
RUN = """
import ast, json, sys
import pytest, simulators
simulators.build_quickly(pytest.MonkeyPatch())
space = {"__name__": "__main__"}
for number, source in enumerate(json.load(sys.stdin)):
    tree = ast.parse(source)
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, f"cell {number}", "exec"), space)
    value = eval(compile(ast.Expression(last.value), f"cell {number}", "eval"), space) if last else None
    if value is not None:
        print("shown:", getattr(value, "_repr_html_", value.__repr__)()[:40])
print("accuracy:", space["accuracy"])
"""


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
def test_the_notebook_runs() -> None:
    pytest.importorskip("torch")
    sources = ["".join(cell["source"]) for cell in cells() if cell["cell_type"] == "code"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    done = subprocess.run(
        [sys.executable, "-c", RUN],
        cwd=NOTEBOOK.parent,
        env=environment,
        input=json.dumps(sources),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "shown: <emcc.Artefact: digits.onnx, compiled, i" in done.stdout
    assert "shown: <iframe srcdoc=" in done.stdout
    assert "100 inferences, 0 mismatches" in done.stdout
    assert float(done.stdout.rpartition("accuracy: ")[2]) > 0.95
