"""Values as emcc.json has them."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from emcc.files import door
from emcc.files.artefact import facts_of

DIGITS = 6


def rounded(value: Any) -> Any:
    """Return a JSON value; floats with six digits, since the last ones depend on the machine's BLAS."""
    if isinstance(value, Mapping):
        return {str(key): rounded(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [rounded(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    return float(f"{value:.{DIGITS}g}") if isinstance(value, float) else value


def source(path: Path) -> dict[str, Any]:
    """Return an input file's name and the SHA-256 of its content."""
    with door.opened(path) as file:
        return {"file": path.name, "sha256": hashlib.file_digest(file, "sha256").hexdigest()}


def digests(files: Mapping[str, bytes]) -> dict[str, Any]:
    """Return the manifest's "files": size and SHA-256 of each."""
    return {name: facts_of(files[name]) for name in sorted(files)}
