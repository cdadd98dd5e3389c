"""Signals at any time, and two processes in one folder: what is under its name is the old artefact or the new one.

    python benchmarks/interruptions.py [--json FILE] [--writes 30] [--compiles 10] [--races 3] [--seed 0]

A write is a process that puts two artefacts in turn under one name until SIGINT, SIGTERM or SIGHUP comes; a compile
is `emcc compile` into a folder that has an artefact, ended so after a random time. Then the folder has to be as one of
both wrote it, with nothing beside it, and the exit code 130, 143 or 129 (or the signal's own, before emcc has begun). A
race is two compiles into one folder at once. Exits with 1 where that does not hold.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
WRITER = """
import sys, emcc.driver.recipe as recipe
from pathlib import Path
from emcc.files.artefact import MANIFEST, Artefact, to_json
def write():
    names = [f"rtl/{i}.sv" for i in range(40)]
    while True:
        for text in (b"old", b"new"):
            files = dict.fromkeys(names, text * 5000)
            facts = {"files": {name: {} for name in names}, "text": text.decode()}
            Artefact({**files, MANIFEST: to_json(facts)}).write(Path("out"))
            print("wrote", flush=True)
recipe.default_text = write
sys.argv = ["emcc", "recipe"]
from emcc.__main__ import main
main()
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Print what was found."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results to FILE too")
    for name, count in (("writes", 30), ("compiles", 10), ("races", 3), ("seed", 0)):
        parser.add_argument(f"--{name}", type=int, default=count, help=f"({count})")
    options = parser.parse_args(arguments)
    rng, found, wrong = np.random.default_rng(options.seed), Counter[str](), []
    kinds = [*[_write] * options.writes, *[_compile] * options.compiles, *[_race] * options.races]
    for number, kind in enumerate(kinds):
        with tempfile.TemporaryDirectory(prefix="emcc-signals-") as place:
            how, faults = kind(Path(place), rng, SIGNALS[number % len(SIGNALS)])
        found[f"{kind.__name__[1:]} {how}"] += 1
        if faults:
            wrong.append(f"{kind.__name__[1:]} {number}, {how}: {faults}")
            print(wrong[-1], flush=True)
    for name, count in sorted(found.items()):
        print(f"{count:4} {name}")
    print(f"{len(kinds)} cases of seed {options.seed}, {len(wrong)} wrong")
    if options.json:
        facts = {"seed": options.seed, "ended": found, "wrong": wrong}
        options.json.write_text(json.dumps(facts, indent=1) + "\n")
    return int(bool(wrong))


def _write(folder: Path, rng: np.random.Generator, number: signal.Signals) -> tuple[str, str]:
    process = _started([sys.executable, "-c", WRITER], folder, subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    time.sleep(float(rng.uniform(0, 0.3)))
    how, said = _ended(process, number)
    contents = {path.read_bytes() for path in folder.glob("out/rtl/*.sv")}
    whole = len(contents) == 1 and len(list(folder.glob("out/rtl/*"))) == 40
    told = json.loads((folder / "out/emcc.json").read_text())["text"].encode() if whole else b""
    faults = [] if whole and contents == {told * 5000} else ["neither the old nor the new"]
    return how, "; ".join([*faults, *_beside(folder, {"out"}), *_odd(how, number, said)])


def _compile(folder: Path, rng: np.random.Generator, number: signal.Signals) -> tuple[str, str]:
    _model(folder)
    subprocess.run([*_command(2), "--out", "out"], cwd=folder, check=True)
    begun = time.monotonic()
    subprocess.run([*_command(4), "--out", "new"], cwd=folder, check=True)
    taken = time.monotonic() - begun
    wanted = [_files(folder / name) for name in ("out", "new")]
    process = _started([*_command(4), "--out", "out"], folder)
    time.sleep(float(rng.uniform(0.1, 1) * taken))
    how, said = _ended(process, number)
    faults = [] if _files(folder / "out") in wanted else ["neither the old nor the new"]
    return how, "; ".join([*faults, *_beside(folder, {"m.onnx", "out", "new"}), *_odd(how, number, said)])


def _race(folder: Path, rng: np.random.Generator, number: signal.Signals) -> tuple[str, str]:
    _model(folder)
    both = [_started([*_command(pes), "--out", "out"], folder) for pes in (2, 4)]
    codes = [process.wait() for process in both]
    said = "".join(process.stderr.read().decode() for process in both if process.stderr)
    for pes in (2, 4):
        subprocess.run([*_command(pes), "--out", f"want{pes}"], cwd=folder, check=True)
    whole = _files(folder / "out") in [_files(folder / f"want{pes}") for pes in (2, 4)]
    faults = [] if whole and codes == [0, 0] else [f"neither one nor the other, {codes}: {said[-300:]}"]
    return "ended", "; ".join([*faults, *_beside(folder, {"m.onnx", "out", "want2", "want4"})])


def _model(folder: Path) -> None:
    sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
    from models import mlp, save  # type: ignore[import-not-found]

    save(mlp((6, 9, 4)), folder / "m.onnx")


def _command(pes: int) -> list[str]:
    return [sys.executable, "-m", "emcc", "compile", "m.onnx", "--keep-weights", "--quiet", "--pes", str(pes)]


def _started(command: list[str], folder: Path, out: int = subprocess.DEVNULL) -> "subprocess.Popen[bytes]":
    """Start a process that heeds signals, whoever starts this one in the background."""
    return subprocess.Popen(
        command, cwd=folder, stdout=out, stderr=subprocess.PIPE, preexec_fn=_heeding, start_new_session=True
    )


def _heeding() -> None:
    for number in SIGNALS:
        signal.signal(number, signal.SIG_DFL if number != signal.SIGINT else signal.default_int_handler)


def _ended(process: "subprocess.Popen[bytes]", number: signal.Signals) -> tuple[str, str]:
    """Send the signal; return how the process ended, in words, and what it said."""
    process.send_signal(number)
    said = process.communicate(timeout=120)[1].decode(errors="replace")
    code = process.returncode
    return f"{number.name}: " + (f"exit code {code}" if code >= 0 else f"signal {-code}"), said


def _odd(how: str, number: signal.Signals, said: str) -> list[str]:
    ends = (f"exit code {128 + number}", f"signal {int(number)}", "exit code 0")
    odd = [] if how.endswith(ends) else ["another exit code"]
    return [*odd, *([said[-400:]] if odd or "Traceback" in said or "ignored" in said else [])]


def _files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def _beside(folder: Path, known: set[str]) -> list[str]:
    more = sorted(set(os.listdir(folder)) - known)
    return [f"left {more}"] if more else []


if __name__ == "__main__":
    sys.exit(main())
