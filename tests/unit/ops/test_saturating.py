"""Which requantised values count as saturating: those outside of the width, at an end where it shows."""

import numpy as np
import pytest

from emcc.ir.graph import Array, Format
from emcc.ir.program import Table
from emcc.ops.fixed import activate, saturating

WIDTH = 8
Z = np.array([-1000, -129, -128, -127, 0, 126, 127, 128, 1000])


def table(values: Array) -> Table:
    """A plain table of 8 bits."""
    return Table(0, 0, values, np.zeros(1, np.int64))


IDENTITY = np.arange(-128, 128)
FLAT = np.clip(IDENTITY * 4, -100, 100)
STEPS = np.where(IDENTITY < 0, IDENTITY // 10, IDENTITY)


@pytest.mark.parametrize(
    ("function", "of", "below", "above"),
    [
        ("identity", None, True, True),
        ("relu", None, False, True),
        ("table", table(IDENTITY), True, True),
        ("table", table(FLAT), False, False),
        ("table", table(STEPS), True, True),
        ("table", table(np.where(IDENTITY < 0, 0, IDENTITY)), False, True),
    ],
)
def test_ends_that_show(function: str, of: Table | None, below: bool, above: bool) -> None:
    wanted = ((Z < -128) & below) | ((Z > 127) & above)
    assert saturating(Z, WIDTH, function, of).tolist() == wanted.tolist()


def test_the_watch_sees_what_is_clipped_and_changes_nothing() -> None:
    accumulators = np.array([[100, 1000, -1020], [508, 510, -513]])
    seen: list[Array] = []
    watched = activate(accumulators, 2, WIDTH, "identity", None, watch=seen.append)
    assert watched.tolist() == activate(accumulators, 2, WIDTH, "identity", None).tolist()
    assert watched.tolist() == [[25, 127, -128], [127, 127, -128]]
    # 510 is 127.5, which rounds up to 128; -513 is -128.25, which rounds to -128.
    assert seen[0].tolist() == [[False, True, True], [False, True, False]]


def test_multipliers_count() -> None:
    seen: list[Array] = []
    activate(np.array([[40, 40]]), 0, WIDTH, "identity", None, np.array([3, 4]), seen.append)
    assert seen[0].tolist() == [[False, True]]


def test_floats_beyond_a_format() -> None:
    fmt = Format(8, 4)
    # 127.5 last places round up to 128, which does not fit; -128.4 round to -128, which does.
    values = np.array([7.9375, 7.96, 7.96875, -8.0, -8.025, -8.04, 1e30])
    assert fmt.beyond(values).tolist() == [False, False, True, False, False, True, True]
