"""No file that is tracked holds a merge's conflict marker."""

import re
import subprocess
from collections.abc import Iterable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MARKER = re.compile(rb"^(?:<{7}|>{7}|[|]{7}) ", re.MULTILINE)


def unmerged(files: Iterable[Path]) -> list[str]:
    """Names of the files with a line that begins as only an unfinished merge has it."""
    return [path.name for path in files if path.is_file() and MARKER.search(path.read_bytes())]


def test_no_conflict_markers() -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True)
    if listed.returncode:
        pytest.skip("not a checkout of git")
    files = [ROOT / name for name in listed.stdout.decode().split("\0") if name]
    assert len(files) > 100
    assert unmerged(files) == []


def test_a_marker_is_red(tmp_path: Path) -> None:
    for name, text in {
        "ours": "a\n<<<" + "<<<< HEAD\nb\n",
        "theirs": "a\n>>>" + ">>>> main\n",
        "heading": "Title\n=======\n",
        "quoted": "search for `<<<" + "<<<<` first\n",
    }.items():
        (tmp_path / name).write_text(text)
    assert sorted(unmerged(tmp_path.iterdir())) == ["ours", "theirs"]
