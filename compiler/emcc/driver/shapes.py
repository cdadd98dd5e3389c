"""Sizes of inputs that a model's file leaves open: of the command line, and of the data."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from emcc.base.errors import EmccError
from emcc.base.text import printable
from emcc.frontend import Shapes
from emcc.frontend.report import ONLY, Sizes
from emcc.samples.shapes import shapes_in

HINT = "write it as NAME:1x3x224x224, the batch first, ? for what the file has; without NAME: where there is one input"
_SIZES = re.compile(r"[1-9]\d{0,9}|\?")
LARGEST = 1 << 31


def parsed(texts: Iterable[str]) -> dict[str, Sizes]:
    """Return what `--shape` says, by the inputs' names. EmccError where it says none, or says it twice."""
    given: dict[str, Sizes] = {}
    for text in texts:
        name, _, sizes = text.rpartition(":")
        parts = re.split("[x,]", sizes)
        if not all(_SIZES.fullmatch(part) and (part == "?" or int(part) < LARGEST) for part in parts):
            raise EmccError(f"--shape {printable(text)!r} says no sizes", hint=HINT)
        if name in given:
            raise EmccError(f"--shape says the sizes of {printable(name)!r} twice", hint="give them once")
        given[name or ONLY] = tuple(None if part == "?" else int(part) for part in parts)
    return given


def shapes_of(given: Mapping[str, Sizes], data: Path | None) -> Shapes:
    """Return the sizes that are said, and those of the data. EmccError where the data cannot be read."""
    return Shapes(given, {} if data is None else shapes_in(data))


def as_values(given: Mapping[str, Sizes]) -> dict[str, list[int | None]]:
    """Return what emcc.json has of sizes that were said."""
    return {name: list(sizes) for name, sizes in given.items()}


def of_values(value: object) -> dict[str, Sizes]:
    """Return the sizes that an emcc.json has; nothing where they are none."""
    if not isinstance(value, dict):
        return {}
    return {str(name): tuple(sizes) for name, sizes in value.items() if isinstance(sizes, list)}
