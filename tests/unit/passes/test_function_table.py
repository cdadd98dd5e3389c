"""Function tables: the error bound holds at every z, the layout is that of ir.program.Table, zero stays zero."""

import numpy as np
import pytest

from emcc import ops
from emcc.ir.graph import Format, Node
from emcc.ir.program import Table
from emcc.ops.fixed import activate
from emcc.passes.function_table import Wanted, build, shapes, tabulated
from emcc.passes.functions import flat_beyond
from emcc.passes.quantise import target

CASES = [
    ("Sigmoid", {}, 11, 15, 2.0, 8192),
    ("Sigmoid", {}, 13, 15, 2.0, 4096),
    ("Tanh", {}, 12, 15, 2.0, 12288),
    ("Tanh", {}, 13, 14, 2.0, 8192),
    ("LeakyRelu", {"alpha": 0.01}, 11, 11, 1.0, 768),
    ("LeakyRelu", {"alpha": 0.3}, -3, -3, 1.0, 768),
    ("LeakyRelu", {"alpha": -0.5}, 9, 9, 1.0, 768),
]


def integers(table, width):
    """Every z through the operator's own integer meaning."""
    return activate(np.arange(-(1 << (width - 1)), 1 << (width - 1)), 0, width, "table", table)


@pytest.mark.parametrize(("op", "attrs", "z_frac", "y_frac", "tolerance", "entries"), CASES)
def test_sixteen_bits_within_tolerance_at_every_z(op, attrs, z_frac, y_frac, tolerance, entries):
    z, y = Format(16, z_frac), Format(16, y_frac)
    wanted = target(Node("a", op, ("z",), ("y",), attrs), z, y)
    ((table, error),) = build([Wanted(wanted, z, y, tolerance)])
    got = integers(table, 16)
    np.testing.assert_array_equal(got, tabulated(table, 16))
    assert error == np.abs(got - np.clip(wanted, y.low, y.high)).max() <= tolerance
    assert not got[wanted == 0].any()
    assert table.coarse.size == 1 << (16 - table.lo_bits)
    assert table.fine.size == 1 << (table.lo_bits + table.hi_bits)
    assert table.coarse.size + table.fine.size <= entries, "a small table is enough"
    for values in (table.coarse, table.fine):
        assert values.dtype == np.int64
        assert values.min() >= y.low
        assert values.max() <= y.high


@pytest.mark.parametrize(("op", "attrs", "z_frac", "y_frac"), [case[:4] for case in CASES])
def test_eight_bits_are_a_plain_table_off_by_half(op, attrs, z_frac, y_frac):
    z, y = Format(8, z_frac - 8), Format(8, y_frac - 8)
    wanted = target(Node("a", op, ("z",), ("y",), attrs), z, y)
    ((table, error),) = build([Wanted(wanted, z, y, 2.0)])
    assert (table.lo_bits, table.hi_bits, table.coarse.size, table.fine.tolist()) == (0, 0, 256, [0])
    np.testing.assert_array_equal(integers(table, 8), np.clip(np.floor(wanted + 0.5), -128, 127))
    assert error <= 0.5


def test_a_function_that_no_bipartite_table_holds_gets_a_plain_one():
    fmt = Format(16, 15)
    wanted = np.random.default_rng(0).integers(-1000, 1000, 1 << 16).astype(float)
    ((table, error),) = build([Wanted(wanted, fmt, fmt, 2.0)])
    assert (table.lo_bits, error) == (0, 0.0)
    np.testing.assert_array_equal(integers(table, 16), wanted)


def test_all_functions_of_a_model_share_one_shape():
    wanted = []
    for op, attrs, z_frac, y_frac, tolerance, _ in CASES[:5:2]:
        z, y = Format(16, z_frac), Format(16, y_frac)
        wanted.append(Wanted(target(Node("a", op, ("z",), ("y",), attrs), z, y), z, y, tolerance))
    together = build(wanted)
    alone = [build([function])[0][0] for function in wanted[::2]]
    assert len({(table.lo_bits, table.hi_bits) for table in alone}) > 1, "or the test means nothing"
    assert len({(table.lo_bits, table.hi_bits) for table, _ in together}) == 1
    assert all(error <= function.tolerance for function, (_, error) in zip(wanted, together, strict=True))


def test_shapes_come_from_small_to_large():
    sizes = [(1 << (16 - lo)) + (1 << (hi + lo)) for lo, hi in shapes(16)]
    assert sizes[:-1] == sorted(sizes[:-1])
    assert list(shapes(16))[-1] == (0, 0)
    assert len(set(shapes(16))) == len(sizes) == 1 + sum(15 - lo for lo in range(1, 16))


def test_look_up_is_that_of_the_contract():
    table = Table(2, 1, np.arange(4) * 2 - 7, np.arange(8))
    # u = i << 2 | low; fine's index is the top bit of u, then the low bits.
    expected = [min((u >> 2) * 2 - 7 + (u >> 3) * 4 + (u & 3), 7) for u in range(16)]
    np.testing.assert_array_equal(tabulated(table, 4), expected)


def test_flat_beyond():
    cases = [(op, bits) for op in ("Sigmoid", "Tanh") for bits in (16, 8)]
    ends = [flat_beyond(Node("a", op, (), ()), ops.get(op).limits, 2.0**-bits) for op, bits in cases]
    assert ends == [16, 8, 8, 4]
