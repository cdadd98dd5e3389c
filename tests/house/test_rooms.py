"""The house: rooms stand in one order, no import runs up, and no file imports itself by a detour.

Every import counts: those inside functions and those for type checkers too.
"""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import networkx as nx
import pytest

import emcc

PACKAGE = Path(emcc.__file__).parent
ROOMS = (
    *("base", "resources", "ir", "files", "ops", "legal", "frontend", "samples", "passes", "compress"),
    *("eie", "container", "link", "backends", "tools", "boards", "lint", "runtime", "measure", "report", "driver"),
    *("api", "cli"),
)
"""From the ground up. A file may import from its own room and from those below."""

LOOSE = ("__init__", "__main__")
"""What stands at the package's root, above all rooms."""


def modules(package: Path) -> dict[str, Path]:
    """Every file by its dotted name under the package: "eie.lower", "ops" for a room's __init__."""
    result = {}
    for path in package.rglob("*.py"):
        parts = path.relative_to(package).with_suffix("").parts
        result[".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)] = path
    return result


@cache
def statements(path: Path) -> list[ast.Import | ast.ImportFrom]:
    """A file's imports, wherever they stand in it."""
    return [
        node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Import | ast.ImportFrom)
    ]


def imports(path: Path, known: dict[str, Path]) -> Iterator[str]:
    """The modules of the package that a file imports."""
    for node in statements(path):
        if isinstance(node, ast.Import):
            yield from (alias.name.removeprefix("emcc.") for alias in node.names if alias.name.startswith("emcc."))
        elif (node.module or "").split(".")[0] == "emcc":
            base = (node.module or "").removeprefix("emcc").removeprefix(".")
            for alias in node.names:
                inner = f"{base}.{alias.name}".removeprefix(".")
                yield inner if inner in known else base or "__init__"


def upward(package: Path) -> list[str]:
    """Imports that run up, a sentence each."""
    known = modules(package)
    wrong = []
    for name, path in sorted(known.items()):
        room = name.split(".")[0]
        for target in imports(path, known):
            other = target.split(".")[0]
            if other != "__init__" and room not in LOOSE and (other in LOOSE or ROOMS.index(other) > ROOMS.index(room)):
                wrong.append(f"{name} imports {target}")
    return wrong


def circles(package: Path) -> list[list[str]]:
    """Files that import each other, in groups."""
    known = modules(package)
    graph = nx.DiGraph(
        (name, target) for name, path in known.items() for target in imports(path, known) if target != name
    )
    return [sorted(group) for group in nx.strongly_connected_components(graph) if len(group) > 1]


def test_every_file_is_in_a_room() -> None:
    names = {name.split(".")[0] for name in modules(PACKAGE)}
    assert names == {*ROOMS, *LOOSE}


def test_no_import_runs_up() -> None:
    assert upward(PACKAGE) == []


def test_no_circles() -> None:
    assert circles(PACKAGE) == []


@pytest.fixture
def toy(tmp_path: Path) -> Path:
    """A package of two rooms, with an import that runs up and a circle inside a room."""
    for name, text in {
        "__init__": "",
        "ir/graph": "from emcc.ir.program import Program\n",
        "ir/program": "def late():\n    from emcc.ir import graph\n    from emcc.driver.plan import make\n",
        "driver/plan": "import emcc.ir.graph\n",
    }.items():
        path = tmp_path / f"{name}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return tmp_path


def test_an_import_that_runs_up_is_red(toy: Path) -> None:
    assert upward(toy) == ["ir.program imports driver.plan"]


def test_a_circle_is_red(toy: Path) -> None:
    assert circles(toy) == [["driver.plan", "ir.graph", "ir.program"]]
