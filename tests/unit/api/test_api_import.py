"""`import emcc`: no work, every name there, and typed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import emcc

ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
HEAVY = ("numpy", "scipy", "onnx", "onnxruntime", "torch", "numba", "networkx", "jinja2", "rich", "typer", "msgpack")


def python(script: str) -> str:
    """What a script prints that must end well, in a process of its own."""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=ENVIRONMENT)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_importing_does_no_work() -> None:
    loaded = python("import sys; before = set(sys.modules); import emcc; print(*(set(sys.modules) - before))").split()
    assert not set(HEAVY) & {name.split(".")[0] for name in loaded}
    assert {name for name in loaded if name.startswith("emcc")} == {"emcc", "emcc.base", "emcc.base.version"}
    assert len(loaded) < 60


def test_compiling_without_data_loads_no_torch(tmp_path: Path) -> None:
    script = (
        "import sys, emcc\nemcc.load, emcc.compile, emcc.Artefact\nprint('torch' in sys.modules, 'onnx' in sys.modules)"
    )
    assert python(script) == "False False"


def test_a_step_of_training_does_not_load_torchs_compiler() -> None:
    """It takes as long as torch."""
    pytest.importorskip("torch")
    script = (
        "import sys, torch\nfrom emcc.compress.adam import Adam\nleaf = torch.ones(2, requires_grad=True)\n"
        "leaf.sum().backward()\nAdam(torch, {'a': leaf}, (), 0.0, {}, 0).step(0.5)\n"
        "print(leaf.round(decimals=3).tolist(), 'torch._dynamo' in sys.modules)"
    )
    assert python(script) == "[0.5, 0.5] False"


def test_every_name_is_there() -> None:
    assert (
        {"compile", "compress", "load", "EmccError", "Artefact", "__version__"} <= set(emcc.__all__) <= set(dir(emcc))
    )
    for name in emcc.__all__:
        assert getattr(emcc, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = emcc.nonsense  # type: ignore[attr-defined]


@pytest.mark.parametrize("before", ["", "import emcc.compress.method", "from emcc.compress.search.goal import Goal"])
def test_compress_is_a_function_and_still_a_room(before: str) -> None:
    script = (
        f"{before}\nimport emcc\ntry: emcc.compress('no.onnx', keep_weights=True)\nexcept emcc.EmccError as error:"
        " print(error)\nfrom emcc.compress import method\nimport emcc.compress.kmeans as kmeans\n"
        "print(method.__name__, kmeans.__name__, emcc.compress.kmeans is kmeans)"
    )
    printed = python(script).splitlines()
    assert printed[0].startswith("no.onnx: ")
    assert printed[-1] == "emcc.compress.method emcc.compress.kmeans True"


USE = """
import emcc
artefact = emcc.compile("m.onnx", data=([[1.0]], [0]), max_drop=1, pes=16)
reveal_type(artefact)
reveal_type(artefact.predict([[1.0]]))
reveal_type(artefact.simulate("d.npz").ok)
reveal_type(emcc.compress("m.onnx", keep_weights=True))
reveal_type(emcc.load("folder"))
emcc.compile("m.onnx", pes="many")
raise emcc.EmccError("no")
"""


def test_a_type_checker_knows_it_all(tmp_path: Path, pytestconfig: pytest.Config) -> None:
    """What mypy made of numpy and of emcc is kept with the simulators: it goes by the files' contents."""
    pytest.importorskip("mypy")
    kept = getattr(pytestconfig, "cache", None)
    cache = str(kept.mkdir("mypy") if kept else tmp_path / "cache")
    (tmp_path / "use.py").write_text(USE)
    # As installed: mypy reads a package of site-packages only if it is marked as typed.
    assert (Path(emcc.__file__).parent / "py.typed").is_file()
    command = [sys.executable, "-m", "mypy", "--strict", "--follow-imports=silent", "--cache-dir", cache, "use.py"]
    done = subprocess.run(
        command,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env={**os.environ, "MYPYPATH": str(Path(emcc.__file__).parents[1])},
    )
    found = [line.split(": ", 1)[1] for line in done.stdout.splitlines() if line.startswith("use.py")]
    kinds = [line.split('"')[1] for line in found if "Revealed type" in line]
    assert [kinds[0], kinds[2], *kinds[3:]] == [
        "emcc.api.artefact.Artefact",
        "bool",
        *["emcc.api.artefact.Artefact"] * 2,
    ]
    assert "ndarray" in kinds[1]
    errors = [line for line in found if line.startswith("error")]
    assert len(errors) == 1, errors
    assert 'incompatible type "str"; expected "int | None"' in errors[0]
