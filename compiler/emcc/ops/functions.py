"""Elementwise functions that the array has no tables for, an entry each: the host runs them.

They are not finite everywhere (Log, Reciprocal), grow beyond any format (Exp), take several tensors (Max, Pow), or are
rare.
"""

from collections.abc import Mapping
from functools import reduce
from typing import Any

import numpy as np

from emcc.ops.elementwise import elementwise
from emcc.ops.operator import Attrs, Operator, Trait

ZERO = ("Asin", "Asinh", "Atan", "Atanh", "Ceil", "Floor", "Round", "Sign", "Sin", "Sinh", "Tan")
"""Functions that are 0 at 0."""


def _function(op: str, name: str) -> Operator:
    """The function that NumPy and torch call `name`."""
    traits: tuple[Trait, ...] = ("keeps zero",) if op in ZERO else ()
    return elementwise(lambda xp, attrs, x: getattr(xp, name)(x), "channel-wise", "hosted", *traits)


def root(xp: Any, x: Any) -> Any:
    """The square root. Trained through, its slope is 0 where it is 0, which has none: infinity times 0 is NaN."""
    if xp is np:
        return np.sqrt(x)
    above = x > 0
    return xp.where(above, xp.sqrt(xp.where(above, x, 1.0)), xp.sqrt(x.detach()))


def _power(xp: Any, attrs: Attrs, x: Any, y: Any) -> Any:
    return xp.pow(x, y) if hasattr(xp, "pow") else xp.power(x, y)


FUNCTIONS: Mapping[str, Operator] = {
    **{
        op: _function(op, name)
        for op, name in {
            "Acos": "arccos",
            "Acosh": "arccosh",
            "Asin": "arcsin",
            "Asinh": "arcsinh",
            "Atan": "arctan",
            "Atanh": "arctanh",
            "Ceil": "ceil",
            "Cos": "cos",
            "Cosh": "cosh",
            "Exp": "exp",
            "Floor": "floor",
            "Log": "log",
            "Round": "round",
            "Sign": "sign",
            "Sin": "sin",
            "Sinh": "sinh",
            "Tan": "tan",
        }.items()
    },
    "IsNaN": elementwise(lambda xp, attrs, x: 1.0 * xp.isnan(x), "channel-wise", "hosted", "keeps zero"),
    "Max": elementwise(lambda xp, attrs, *values: reduce(xp.maximum, values), "hosted", "joins", inputs="e", more=True),
    "Min": elementwise(lambda xp, attrs, *values: reduce(xp.minimum, values), "hosted", "joins", inputs="e", more=True),
    "Pow": elementwise(_power, "hosted", "joins", inputs="ee"),
    "Sqrt": elementwise(lambda xp, attrs, x: root(xp, x), "channel-wise", "hosted", "keeps zero"),
    "Reciprocal": elementwise(lambda xp, attrs, x: 1 / x, "channel-wise", "hosted"),
    "Where": elementwise(lambda xp, attrs, c, x, y: xp.where(c > 0.5, x, y), "hosted", "joins", inputs="eee"),
}
