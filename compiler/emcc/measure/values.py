"""Values as emcc.json has them."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

DIGITS = 6


def rounded(value: Any) -> Any:
    """As JSON has it; floats to six digits, since the last ones depend on the machine's BLAS."""
    if isinstance(value, Mapping):
        return {str(key): rounded(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [rounded(each) for each in value]
    if isinstance(value, np.generic):
        value = value.item()
    return float(f"{value:.{DIGITS}g}") if isinstance(value, float) else value


def source(path: Path) -> dict[str, Any]:
    """A file that went in: its name, and a hash of what is in it."""
    with path.open("rb") as file:
        return {"file": path.name, "sha256": hashlib.file_digest(file, "sha256").hexdigest()}


def digests(files: Mapping[str, bytes]) -> dict[str, Any]:
    """The manifest's "files": size and hash of each."""
    return {
        name: {"bytes": len(files[name]), "sha256": hashlib.sha256(files[name]).hexdigest()} for name in sorted(files)
    }
