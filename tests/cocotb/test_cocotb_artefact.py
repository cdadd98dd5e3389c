"""An artefact tests itself: its tb/ by make, without emcc, and shown able to fail; its core file by FuseSoC."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import several
from common.simulator import Design, Outcome, simulate

from emcc.driver.compile import compile_model
from emcc.driver.request import CompileOptions
from emcc.tools import verilator

pytestmark = pytest.mark.sim
QUICK = {"OPT_FAST": "-O0", "OPT_SLOW": "-O0", "OPT_GLOBAL": "-O0"}
FIRST = f"""\
override VM_PARALLEL_BUILDS := 0
override OBJCACHE := {sys.executable} -IS {Path(__file__).with_name("kept_objects.py")}
"""
"""What make reads first: the model compiled as one file, for the headers cost more than its code, and the simulator's
own files, which are the same for every design, once a machine."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The artefact of a network of two inputs and two outputs, 16 bits."""
    place = several.write(tmp_path_factory.mktemp("artefact"))
    compile_model(CompileOptions(place / "m.onnx", keep_weights=True, pes=4, output=several.NAMES)).write(place / "out")
    return place / "out"


def made(folder: Path) -> subprocess.CompletedProcess[str]:
    """What `make axi` says in tb/, emcc being out of reach."""
    hidden = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "MAKEFLAGS")}
    blocked = folder.parent / "blocked" / "emcc"
    blocked.mkdir(parents=True, exist_ok=True)
    (blocked / "__init__.py").write_text("raise ImportError('a bench that needs emcc')\n")
    (folder.parent / "quick.mk").write_text(FIRST)
    command = ["make", "-C", str(folder / "tb"), "axi", f"PYTHON={sys.executable}"]
    more = {"PYTHONPATH": str(blocked.parent), "MAKEFILES": str(folder.parent / "quick.mk")}
    environment = {**hidden, **QUICK, **more}
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=600)


def test_make_runs_the_bench_and_sees_a_wrong_memory(folder: Path, tmp_path: Path) -> None:
    if not shutil.which("make") or not shutil.which("perl"):
        pytest.skip("make and perl are not installed")
    done = made(folder)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert re.search(r"TESTS=3 PASS=3 FAIL=0", done.stdout + done.stderr)
    image = folder / "rom" / "lane000_bias.hex"
    kept = image.read_text()
    image.write_text(re.sub(r"^\w+", lambda word: f"{int(word[0], 16) ^ 1 << 9:0{len(word[0])}x}", kept, flags=re.M))
    done = made(folder)
    image.write_text(kept)
    assert done.returncode != 0
    assert "a wrong answer to inference 1" in done.stdout + done.stderr


def streams(folder: Path, place: Path, edit: dict[str, object]) -> Outcome:
    """A run of test_emcc.py; `edit` takes the place of what the first inference of vectors.json has."""
    for part in ("rom", "tb"):
        shutil.copytree(folder / part, place / part, dirs_exist_ok=True)
    vectors = json.loads((place / "tb" / "vectors.json").read_text())
    vectors["inferences"][0] |= edit
    (place / "tb" / "vectors.json").write_text(json.dumps(vectors))
    names = ["rtl/emcc_assert.svh", *(folder / "rtl" / "files.f").read_text().split()]
    design = Design("emcc_top", {name: (folder / name).read_bytes() for name in names})
    return simulate(design, "test_emcc", place, {})


def test_the_streams_test_is_red_where_it_should(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [str(tmp_path / "tb"), *sys.path])
    one = json.loads((folder / "tb" / "vectors.json").read_text())["inferences"][0]
    assert streams(folder, tmp_path, {}).passed
    faults: dict[str, dict[str, object]] = {
        "activation 2 out": {"out": [*one["out"][:2], one["out"][2] ^ 1, *one["out"][3:]]},
        f"{one['cycles']} cycles, should be {one['cycles'] + 1}": {"cycles": one["cycles"] + 1},
    }
    for says, edit in faults.items():
        outcome = streams(folder, tmp_path, edit)
        assert not outcome.passed
        assert says in outcome.log


def test_fusesoc_lints_the_core(folder: Path, tmp_path: Path) -> None:
    pytest.importorskip("fusesoc")
    name = re.search(r"^name: (\S+)$", (folder / "emcc.core").read_text(), re.M)
    assert name
    home = verilator.home()
    environment = {
        **os.environ,
        **dict.fromkeys(("XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME"), str(tmp_path)),
        "VERILATOR_ROOT": str(home),
        "PATH": os.pathsep.join([str(home / "bin"), os.environ["PATH"]]),
    }
    command = [sys.executable, "-c", "from fusesoc.main import main; main()", "--cores-root", str(folder), "run"]
    done = subprocess.run(
        [*command, "--target=lint", name[1]], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "%Warning" not in done.stdout + done.stderr
