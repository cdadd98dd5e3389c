"""Hostile files and situations by name: each is one error, or is taken, within limits of time and memory.

    python benchmarks/doors.py [--json FILE] [--only TEXT] [--dear]

A row is built in an empty folder and given to a process of its own. Right is: exit code 2, one `emcc: error: ...` that
says what is wrong, no traceback, nothing left of what was begun; or success, where a file is odd and good. It may take
the row's seconds of processor time beside what an empty command takes, and MEMORY bytes. Exits with 1 where a row is
wrong.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.common.doors import ROWS
from benchmarks.common.doors.row import Row

MEMORY = 1 << 30
PATIENCE = 300
COMMAND = [sys.executable, "-m", "emcc"]


@dataclass(frozen=True)
class Ended:
    """How a command ended: what it `said`, processor seconds with its children's, the largest's bytes."""

    code: int
    said: str
    seconds: float
    memory: int


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a line a row that is wrong, and how many there are."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results to FILE too")
    parser.add_argument("--only", default="", metavar="TEXT", help="rows with TEXT in their names")
    parser.add_argument("--dear", action="store_true", help="rows alone that the tests leave out")
    options = parser.parse_args(arguments)
    rows = [row for row in ROWS if not any("\0" in word for word in row.command)]  # no process is given a zero
    chosen = [row for row in rows if options.only in row.name and not (options.dear and row.cheap)]
    facts, wrong = [], 0
    with tempfile.TemporaryDirectory(prefix="emcc-doors-") as place:
        empty = run(("--version",), Path(place)).seconds
        for number, row in enumerate(chosen):
            folder = Path(place) / str(number)
            folder.mkdir()
            row.build(folder)
            before = names(folder)
            ended = run(row.command, folder)
            faults = [*faults_of(row, ended), *left(row, before, folder)]
            if ended.seconds > row.seconds + empty:
                faults.append(f"took {ended.seconds:.1f} s")
            if ended.memory > MEMORY:
                faults.append(f"took {ended.memory >> 20} MB")
            if faults:
                print(f"{row.name}: {'; '.join(faults)}: {ended.said[-300:]!r}", flush=True)
            wrong += bool(faults)
            numbers = {"seconds": round(ended.seconds, 2), "megabytes": ended.memory >> 20}
            facts.append({"row": row.name, "code": ended.code, **numbers, "faults": faults, "said": ended.said[:200]})
    print(f"{len(chosen)} rows, {wrong} wrong")
    if options.json:
        options.json.write_text(json.dumps(facts, indent=1) + "\n")
    return int(bool(wrong))


def run(command: Sequence[str], folder: Path) -> Ended:
    """Run emcc there."""
    with tempfile.TemporaryFile() as out:
        process = subprocess.Popen(
            [*COMMAND, *command], cwd=folder, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True
        )
        end = time.monotonic() + PATIENCE
        while True:
            pid, status, usage = os.wait4(process.pid, os.WNOHANG)
            if pid:
                break
            if time.monotonic() > end:
                os.killpg(process.pid, signal.SIGKILL)
            time.sleep(0.02)
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        said = out.read().decode(errors="replace")
    return Ended(process.returncode, said, usage.ru_utime + usage.ru_stime, usage.ru_maxrss << 10)


def faults_of(row: Row, ended: Ended) -> list[str]:
    """What is wrong with how a row ended."""
    faults = []
    if ended.code != row.code:
        faults.append(f"exit code {ended.code}, not {row.code}")
    if "Traceback" in ended.said:
        faults.append("a traceback")
    if ended.said.count("emcc: error: ") > 1:
        faults.append("more than one error")
    text = " ".join(ended.said.split())
    if row.code == 2 and not any(part in text for part in row.said.split("|")):
        faults.append(f"does not say {row.said!r}")
    if any(ord(char) < 32 and char not in "\n\r\t" for char in ended.said) or "\u202e" in ended.said:
        faults.append("controls reach the terminal")
    return faults


def left(row: Row, before: set[str], folder: Path) -> list[str]:
    """What a refusal left behind."""
    more = sorted(names(folder) - before)
    return [f"left {more[:4]}"] if row.code == 2 and more else []


def names(folder: Path) -> set[str]:
    """Everything in a folder, links not followed."""
    return {os.path.join(at, name) for at, folders, files in os.walk(folder) for name in (*folders, *files)}


if __name__ == "__main__":
    sys.exit(main())
