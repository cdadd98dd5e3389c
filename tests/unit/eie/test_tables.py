"""The descriptor's fields, the memories, and where buffers lie: one table of each."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from qgraphs import quantised

from emcc.backends import rom, verilog
from emcc.eie import descriptor
from emcc.eie.layout import Layout
from emcc.eie.liveness import Life, allocate
from emcc.eie.lower import lower
from emcc.eie.memory import memories
from emcc.eie.options import LowerOptions

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def layout() -> Layout:
    graph = quantised([60, 40, 30, 9], functions=["table", "relu", "identity"], seed=1)
    return Layout(lower(graph, LowerOptions(pes=4)))


def test_the_documentation_has_the_table() -> None:
    assert "\n".join(descriptor.table()) in (ROOT / "docs" / "architecture.md").read_text()


def test_a_descriptor_is_its_fields(layout: Layout) -> None:
    for i in range(3):
        word = descriptor.packed(layout, i)
        for place in descriptor.places(layout):
            value = word >> place.at & ((1 << place.width) - 1)
            assert value == descriptor.values(layout, i)[place.field.name]
        assert word >> descriptor.width(layout) == 0


def test_the_package_says_where_they_are(layout: Layout) -> None:
    package = verilog.render(layout.program)["rtl/emcc_desc_pkg.sv"].decode()
    assert "localparam int InWordsAt = 0;" in package
    assert f"localparam int DescW = {descriptor.width(layout)};" in package
    assert package.count("localparam") == 2 * len(descriptor.FIELDS) + 1


def test_roms_are_as_the_table_says(layout: Layout) -> None:
    images = rom.images(layout.program)
    rows = {memory.name: memory for memory in memories(layout) if memory.kind == "rom"}
    for name, image in images.items():
        memory = rows[name.partition("_")[2] or name]
        assert (len(image), image.width) == (memory.depth, memory.width)
    assert len(images) == sum(row.copies if row.content == "pe" else 1 for row in rows.values())
    assert rows["codebook"].copies == rows["coarse"].copies == 4, "every PE has its own"


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
