"""ANS: symbols come back, at the entropy of their shares, and nothing else is taken for them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emcc.container.bits import FormatError
from emcc.ir.graph import Array
from emcc.measure import ans


@st.composite
def streams(draw: st.DrawFn) -> tuple[Array, Array]:
    """Two streams of as many symbols, of alphabets of 1 to 1024, skewed or not."""
    rng, count = np.random.default_rng(draw(st.integers(0, 2**32))), draw(st.integers(0, 400))
    found = []
    for _ in range(2):
        size, skew = draw(st.sampled_from([1, 2, 7, 256, 1024])), draw(st.sampled_from([0.3, 0.9, 1.0]))
        shares = skew ** np.arange(size)
        found.append(rng.choice(rng.permutation(size), count, p=shares / shares.sum()))
    return found[0], found[1]


@given(streams())
def test_symbols_come_back(both: tuple[Array, Array]) -> None:
    data = ans.encoded(both)
    for stream, again in zip(both, ans.decoded(data, len(both[0])), strict=True):
        np.testing.assert_array_equal(again, stream)


def test_within_a_thousandth_of_the_entropy() -> None:
    rng = np.random.default_rng(1)
    runs, codes = np.minimum(rng.geometric(0.3, 200_000) - 1, 31), np.rint(rng.normal(128, 20, 200_000)).astype(int)
    counts = [np.bincount(stream) for stream in (runs, codes)]
    least = sum(-(own[own > 0] * np.log2(own[own > 0] / own.sum())).sum() for own in counts) / 8
    assert least < len(ans.encoded((runs, codes))) < 1.002 * least


@pytest.mark.parametrize("counts", [[1], [5, 0, 5], [10_000, 1, 1, 0, 3], [1] * 100])
@pytest.mark.parametrize("bits", [7, 12])
def test_shares(counts: list[int], bits: int) -> None:
    found = ans.shared(np.array(counts), bits)
    assert found.sum() == 1 << bits
    assert ((found > 0) == (np.array(counts) > 0)).all()


@given(streams(), st.data())
def test_what_is_damaged_is_refused_or_something_else(both: tuple[Array, Array], data: st.DataObject) -> None:
    good = bytearray(ans.encoded(both))
    if not good:
        return
    at = data.draw(st.integers(0, len(good) - 1))
    good[at] ^= data.draw(st.integers(1, 255))
    try:
        again = ans.decoded(bytes(good), len(both[0]))
    except FormatError:
        return
    assert any(not np.array_equal(stream, own) for stream, own in zip(both, again, strict=True)) or at == 0


def test_bytes_too_many_or_few() -> None:
    both = (np.arange(50) % 7, np.arange(50) % 5)
    good = ans.encoded(both)
    for bad in (good[:-2], good + b"\0\0", good[:-1], good[:1], b"", b"\x0f" + good[1:]):
        with pytest.raises(FormatError):
            ans.decoded(bad, 50)
    with pytest.raises(FormatError):
        ans.decoded(good, 0)
