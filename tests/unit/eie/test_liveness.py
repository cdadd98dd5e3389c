"""Where buffers lie."""

from hypothesis import given
from hypothesis import strategies as st

from emcc.eie.liveness import Life, allocate

LIVES = st.lists(st.tuples(st.integers(1, 9), st.integers(-1, 6), st.integers(0, 4)), min_size=1, max_size=12)


@given(LIVES)
def test_no_two_live_buffers_share_a_word(lives: list[tuple[int, int, int]]) -> None:
    buffers = [Life(words, written, written + more) for words, written, more in lives]
    bases, depth = allocate(buffers)
    for i, (a, base) in enumerate(zip(buffers, bases, strict=True)):
        assert 0 <= base <= depth - a.words
        for b, other in zip(buffers[:i], bases[:i], strict=True):
            apart = base + a.words <= other or other + b.words <= base
            assert apart or not a.meets(b)
    assert depth <= sum(life.words for life in buffers)


@given(st.lists(st.integers(1, 50), min_size=1, max_size=8))
def test_a_chain_takes_its_two_largest_neighbours(sizes: list[int]) -> None:
    lives = [Life(size, i - 1, i) for i, size in enumerate(sizes)]
    assert allocate(lives)[1] == max(a + b for a, b in zip([0, *sizes], sizes, strict=False))
