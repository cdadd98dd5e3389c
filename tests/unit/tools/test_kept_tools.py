"""What the tests keep of tools' answers: asked again where a file or a word is another one, and only there."""

import sys
from pathlib import Path

import kept_tools
import pytest

from emcc.tools.process import Finished, ToolError

ASK = "import pathlib, sys; open({count!r}, 'a').write('x'); p = pathlib.Path; text = p('in').read_text(); "
ANSWER = "p('out').write_text(text.upper()); p('in').unlink(); print('said', *sys.argv[1:]); sys.exit(text == 'bad')"


@pytest.fixture(autouse=True)
def _fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMCC_CACHE", str(tmp_path / "cache"))


def asked(tmp_path: Path, text: str, *words: str, check: bool = True) -> tuple[Finished, str, int]:
    """What the tool says and writes, in a folder of its own, and how often it ran until now."""
    cwd, count = tmp_path / "cwd", tmp_path / "count"
    cwd.mkdir(exist_ok=True)
    (cwd / "out").write_text("stale")
    (cwd / "in").write_text(text)
    command = [sys.executable, "-c", ASK.format(count=str(count)) + ANSWER, *words]
    done = kept_tools.kept("tool", command, cwd=cwd, timeout=60, stale=[cwd / "out"], check=check)
    assert not (cwd / "in").exists()
    return done, (cwd / "out").read_text(), len(count.read_text())


def test_a_tool_is_asked_once_for_the_same_words_over_the_same_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert asked(tmp_path, "a") == (Finished(0, "said\n"), "A", 1)
    assert asked(tmp_path, "a") == (Finished(0, "said\n"), "A", 1)
    assert asked(tmp_path, "b") == (Finished(0, "said\n"), "B", 2)
    assert asked(tmp_path, "a", "loudly") == (Finished(0, "said loudly\n"), "A", 3)
    (tmp_path / "cwd" / "more").mkdir()
    (tmp_path / "cwd" / "more" / "file").write_text("")
    assert asked(tmp_path, "a")[2] == 4
    monkeypatch.setattr(kept_tools, "_versions", lambda: {"yosys": "another"})
    assert asked(tmp_path, "a")[2] == 5


def test_a_failure_is_kept_as_one(tmp_path: Path) -> None:
    for _ in range(2):
        assert asked(tmp_path, "bad", check=False) == (Finished(1, "said\n"), "BAD", 1)
        with pytest.raises(ToolError, match="failed with exit code 1"):
            asked(tmp_path, "bad")
