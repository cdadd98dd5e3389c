"""Hostile files and situations by name, and what emcc is to make of each: for benchmarks/doors.py and the tests."""

from benchmarks.common.doors import artefacts, data, models, texts
from benchmarks.common.doors.row import Row

ROWS: tuple[Row, ...] = (*models.ROWS, *data.ROWS, *texts.ROWS, *artefacts.ROWS)
"""In the order of the files: models, data, recipes and options, artefacts."""
