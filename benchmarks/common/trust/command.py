"""emcc's command line as a user types it, and what the folder that it writes says and computes."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from emcc.ir.graph import Array

WORDS = re.compile(r"\b(lost|loses?|loss|falls?|fell|drops|dropped|worse|destroyed|gone)\b", re.IGNORECASE)
MINUTES = 30


def emcc(arguments: Sequence[str | Path], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run emcc in a folder, as wide as its tables, without colour; whatever it ends with."""
    environment = {**os.environ, "COLUMNS": "200", "NO_COLOR": "1", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "emcc", *map(str, arguments)]
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60 * MINUTES, check=False
    )


@cache
def help_of(*command: str) -> str:
    """Return the help of a command; "" where there is no such command."""
    done = emcc([*command, "--help"], Path.cwd())
    return "" if done.returncode else done.stdout


def failure(done: subprocess.CompletedProcess[str]) -> str:
    """Return emcc's last words, in a line."""
    lines = [line.strip() for line in done.stderr.splitlines() if line.strip()] or ["nothing on stderr"]
    first = next((place for place, line in enumerate(lines) if line.startswith("emcc: error")), len(lines) - 1)
    return f"exit code {done.returncode}: {' '.join(lines[first:])}"[:400]


def fewest_steps() -> int | None:
    """Return the least that `emcc compile --steps` takes; None where it has no such option."""
    found = re.search(r"^\W*--steps\s[^\[\n]*(?:\[(?:(\d+)<=?x|x>=?(\d+)))?", help_of("compile"), re.MULTILINE)
    return None if found is None else int(found[1] or found[2] or 1)


def few_steps(folder: Path) -> list[str | Path]:
    """Return options that train as little as can be: --steps, or a recipe of one pass over the data."""
    steps = fewest_steps()
    if steps is not None:
        return ["--steps", str(steps)]
    recipe = folder / "few.toml"
    recipe.write_text("[search]\nepochs = 1\nsettle = 0\ncode_epochs = 0\nshared_epochs = 0\n", encoding="utf-8")
    return ["--recipe", recipe]


def outputs(artefact: Path, data: Path) -> Array:
    """Return what an artefact computes of data's x, float64 [n, outputs], in the units of the model's output."""
    if help_of("run"):
        target = artefact.parent / f"{artefact.name}.npz"
        done = emcc(["run", artefact, "--data", data, "--out", target], artefact.parent)
        if done.returncode:
            raise RuntimeError(f"emcc run: {failure(done)}")
        with np.load(target) as file:
            return np.asarray(file["y" if "y" in file else file.files[0]], np.float64)
    from emcc.eie import reference
    from emcc.eie.store import load_program
    from emcc.ops import host
    from emcc.samples.sampling import quantised

    program = load_program(artefact / "program.npz")
    with np.load(data) as file:
        integers = reference.run(program, quantised(program, file["x"]))
    values = (
        program.buffers[program.outputs[0].buffer]
        .fmt.dequantise(integers)
        .reshape(len(integers), *program.outputs[0].shape)
    )
    return np.asarray(host.apply(program.host, values), np.float64)


def warned(summary: str, manifest: Mapping[str, Any]) -> bool:
    """Return whether a compile said that quality fell, whichever way emcc has of saying it.

    That is: LOST in the summary's first line, more lost than allowed in emcc.json's "loss", or a warning about it.
    """
    loss = manifest.get("loss")
    over = loss is not None and loss["lost"] > loss["allowed"]
    return over or "LOST" in first_line(summary) or any(WORDS.search(line) for line in manifest.get("warnings", ()))


def first_line(summary: str) -> str:
    """Return the first line of a summary that is not empty."""
    return next((line.strip() for line in summary.splitlines() if line.strip()), "")


def simulated(artefact: Path, data: Path, target: Path) -> dict[str, Any]:
    """Return what `emcc simulate --json` says of the RTL on data; RuntimeError where it says nothing."""
    done = emcc(["simulate", artefact, "--data", data, "--json", target], artefact.parent)
    if not target.is_file():
        raise RuntimeError(f"emcc simulate: {failure(done)}")
    return dict(json.loads(target.read_text("utf-8")))
