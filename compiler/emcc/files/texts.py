"""JSON and TOML from elsewhere: what either library does with a text that is hostile, as one ValueError.

Both call themselves for every bracket, and make integers of any length, which Python then refuses to write; `json`
takes what is no JSON (NaN), and `tomllib` takes memory by the square of a key's dots.
"""

import json
import math
import tomllib
from typing import Any, NoReturn

LONGEST = 1 << 17
"""Bytes of a TOML file."""

LINE = 2000
"""Characters of a line of one."""

_WHOLE = 1 << 63


def from_json(data: bytes) -> Any:
    """Parse JSON, strictly: no NaN, no number beyond a float. ValueError says what is wrong."""
    try:
        return json.loads(data, parse_constant=_constant, parse_float=_finite)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def from_toml(text: str) -> dict[str, Any]:
    """Parse TOML with whole numbers of 64 bits, as its specification has them. ValueError says what is wrong."""
    if len(text) > LONGEST or max(map(len, text.split("\n"))) > LINE:
        raise ValueError(f"it is longer than {LONGEST:,} characters, or has a line of more than {LINE:,}")
    try:
        table = tomllib.loads(text)
        _bound(table)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    return table


def _bound(value: Any) -> None:
    if isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            _bound(item)
    elif isinstance(value, int) and not -_WHOLE <= value < _WHOLE:
        raise ValueError("it has a whole number of more than 64 bits")


def _constant(name: str) -> NoReturn:
    raise ValueError(f"it has the number {name}")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError("it has a number beyond the largest float")
    return value
