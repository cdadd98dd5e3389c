"""docs/from-frameworks.md: its blocks, read out of the page and run in order, in a namespace for each framework.

They run in the tests' process, which has loaded torch, and train for fewer steps than the page says.
"""

import importlib.util
import re
import shlex
from pathlib import Path

import pytest

PAGE = Path(__file__).resolve().parents[2] / "docs" / "from-frameworks.md"
BLOCK = re.compile(r"^```(\w+) (\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SHELL = {
    "emcc": "from emcc.cli import app; app({words!r}, standalone_mode=False)\n",
    "python": "import subprocess, sys; subprocess.run([sys.executable, *{words!r}], check=True)\n",
}
"""A command as Python: emcc's runs in this process, which has loaded what it needs."""
SHORTER = {"steps=50": "steps=15", "--steps 50": "--steps 15", "epochs=20": "epochs=8", "max_iter=300": "max_iter=60"}
"""The page's training, and this test's."""
CHECK = """
assert answers.shape == (len(x_test), 10) and (answers.argmax(axis=1) == y_test).mean() > 0.9
assert 0.29 < artefact.manifest["totals"]["density"] < 0.31
"""
NEEDS = {
    "torch": ("torch",),
    "keras": ("keras", "torch"),
    "sklearn": ("skl2onnx",),
    "tensorflow": ("tensorflow", "tf2onnx"),
}
TOO_LARGE = "too large to install for a test: TensorFlow is 1.6 GB on disk"


def script(framework: str) -> str:
    """What the page says to do for a framework, as one script; `python` is this interpreter."""
    lines = []
    for language, name, text in BLOCK.findall(PAGE.read_text("utf-8")):
        if name in ("data", framework):
            lines.append(text if language == "python" else shell(text))
    whole = "".join(lines)
    for said, shorter in SHORTER.items():
        whole = whole.replace(said, shorter)
    return whole + CHECK


def shell(text: str) -> str:
    """The commands of a block, as Python."""
    commands = [shlex.split(line) for line in text.splitlines()]
    return "".join(SHELL[name].format(words=words) for name, *words in commands)


def test_every_block_belongs_to_a_framework() -> None:
    blocks = BLOCK.findall(PAGE.read_text("utf-8"))
    assert {name for _, name, _ in blocks} == {"data", *NEEDS}
    assert {language for language, _, _ in blocks} == {"python", "sh"}
    assert 2 * len(blocks) == PAGE.read_text("utf-8").count("```")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of the frameworks, and that a shorter training has not ended
@pytest.mark.parametrize("framework", NEEDS)
def test_the_page_works(framework: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    missing = [name for name in NEEDS[framework] if importlib.util.find_spec(name) is None]
    if missing:
        pytest.skip(TOO_LARGE if framework == "tensorflow" else f"not installed: {', '.join(missing)}")
    monkeypatch.chdir(tmp_path)
    for name, value in {"TF_CPP_MIN_LOG_LEVEL": "3", "KERAS_BACKEND": "torch"}.items():
        monkeypatch.setenv(name, value)  # the page sets the second one: what it was comes back
    exec(compile(script(framework), f"{PAGE.name}: {framework}", "exec"), {"__name__": "__main__"})
