"""Penalties that make weights sparse while they train, as terms of the aim.

The gradient is that of the sums as they stand (0 where a size is 0), so weights get small and few become zero: pruning
takes the small ones.
"""

from collections.abc import Iterable
from typing import Any

from emcc.compress.helpers import Helpers

SMALLEST = 1e-12
"""A row's mean square below which it has no direction."""


def penalty(aim: Helpers, weights: Iterable[Any]) -> Any:
    """What an aim adds for weights before they are shared, tensors [rows, ...] of torch; 0.0 where it adds nothing.

    l1 sum |w| + group sum over rows ||w_row||_2 + exclusive 1/2 sum over inputs (sum over rows |w_row,input|)^2.
    """
    total: Any = 0.0
    for each in weights:
        flat = each.flatten(1)
        if aim.l1:
            total = total + aim.l1 * flat.abs().sum()
        if aim.group:
            total = total + aim.group * norms(flat).sum()
        if aim.exclusive:
            total = total + aim.exclusive * 0.5 * flat.abs().sum(0).square().sum()
    return total


def norms(rows: Any) -> Any:
    """The Euclidean norm of each row [n, m]; without a gradient where it is 0."""
    squares = rows.square().sum(1)
    return squares.clamp_min(SMALLEST).sqrt() * (squares > SMALLEST)
