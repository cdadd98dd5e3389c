"""The boot image: memories' words as it writes and reads them, and what it refuses."""

import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emcc.backends.rom import BootLayout, RomImage, digits, flash
from emcc.backends.verilog.boot import boot_numbers
from emcc.base.errors import EmccError

NUMBERS = {"CountW": 3, "ColW": 4, "StartW": 6, "BiasAddrW": 3, "ScaleAddrW": 1}
TABLE = RomImage(40, [7, 1 << 39])


def memories(counts: list[int], entries: list[int], biases: list[int], width: int) -> dict[str, RomImage]:
    """Memories of one PE and lane, and a table that no image fills; pointers follow each other from entry 2 on."""
    numbers = np.array(counts)
    starts = (2 + np.cumsum(numbers) - numbers) & 63
    return {
        "walk": TABLE,
        "pe000_ptr": RomImage(9, starts << 3 | numbers),
        "pe000_spmat": RomImage(width, np.array(entries) & (1 << width) - 1),
        "lane000_bias": RomImage(33, np.array(biases)),
    }


IMAGES = st.builds(
    memories,
    st.lists(st.integers(0, 7), min_size=1, max_size=30),
    st.lists(st.one_of(st.just(0), st.integers(0, (1 << 28) - 1)), min_size=1, max_size=60),
    st.lists(st.integers(0, (1 << 33) - 1), min_size=1, max_size=8),
    st.integers(1, 28),
)
ONE = memories([3, 0, 7, 1], [5, 0, 0, 200, 5, 5, 9], [1, 1 << 32], 8)


@given(IMAGES)
def test_round_trip(images: dict[str, RomImage]) -> None:
    layout = BootLayout.of(NUMBERS, images)
    boot = flash.read(flash.write(layout, images))
    assert [slot.name for slot in layout.slots] == ["pe000_ptr", "pe000_spmat", "lane000_bias"]
    assert [images[slot.name] for slot in layout.slots] == list(boot.memories)
    assert (boot.structure, boot.weights) == (layout.structure, flash.weights(layout, images))


@given(
    st.integers(0, 300),
    st.lists(st.lists(st.integers(0, 1000), min_size=16, max_size=16), min_size=4, max_size=4),
    st.integers(0, 99),
)
def test_digits_of_random_tables(size: int, counts: list[list[int]], seed: int) -> None:
    """Whatever the counts that tables are made of: codewords of 1 to 7 bits, and back."""
    lengths = np.array([digits.lengths_of(np.array(row)) for row in counts])
    rng = np.random.default_rng(seed)
    pairs = np.argwhere(lengths)
    pairs = pairs[rng.integers(0, len(pairs), size)] if len(pairs) else pairs
    tables, symbols = pairs.astype(np.uint8).T
    sent = b"".join(digits.table_bytes(row) for row in lengths)
    found = digits.read_tables(sent + b"more", 0)
    assert found is not None
    assert found[1] == len(sent)
    data = digits.encode(symbols, tables, lengths)
    decoded = digits.decode(b"in front" + data, 8, tables, found[0])
    assert decoded is not None
    assert np.array_equal(decoded[0], symbols)
    assert decoded[1] == 8 + len(data)
    assert all(lengths[row].max() <= digits.LIMIT for row in range(4))


def test_any_flipped_bit_is_refused() -> None:
    data = flash.write(BootLayout.of(NUMBERS, ONE), ONE)
    for place in range(8 * len(data)):
        damaged = bytearray(data)
        damaged[place // 8] ^= 1 << place % 8
        with pytest.raises(EmccError, match="not a boot image: "):
            flash.read(bytes(damaged))


@given(st.integers(26, 90), st.binary(min_size=1, max_size=3), st.booleans())
def test_wrong_bytes_under_a_right_crc_are_an_error_or_an_image(at: int, patch: bytes, cut: bool) -> None:
    body = flash.write(BootLayout.of(NUMBERS, ONE), ONE)[: -flash.END]
    body = body[:at] + patch + (b"" if cut else body[at + len(patch) :])
    body += len(body).to_bytes(3, "little")
    try:
        boot = flash.read(body + zlib.crc32(body).to_bytes(4, "little"))
    except EmccError as error:
        assert str(error).startswith("not a boot image: ")  # noqa: PT017 (an image is as good an end)
    else:
        assert len(boot.memories) == 3


@pytest.mark.parametrize("end", [0, 5, 25, 40, -1])
def test_a_part_is_refused(end: int) -> None:
    with pytest.raises(EmccError, match="not a boot image: "):
        flash.read(flash.write(BootLayout.of(NUMBERS, ONE), ONE)[:end])


def test_what_the_structure_is() -> None:
    """Another table or size is another structure; other weights are not."""
    layout = BootLayout.of(NUMBERS, ONE)
    other = memories([3, 0, 7, 2], [5, 0, 0, 200, 5, 5, 8], [1, 1 << 31], 8)
    assert BootLayout.of(NUMBERS, other).structure == layout.structure
    assert flash.weights(layout, other) != flash.weights(layout, ONE)
    assert BootLayout.of(NUMBERS, {**ONE, "walk": RomImage(40, [7, 1])}).structure != layout.structure
    assert BootLayout.of({**NUMBERS, "Taps": 1}, ONE).structure != layout.structure


def test_columns_that_do_not_follow_each_other_are_a_bug() -> None:
    images = {**ONE, "pe000_ptr": RomImage(9, [2 << 3 | 3, 4 << 3])}
    with pytest.raises(ValueError, match="pe000_ptr: a column does not begin where the one before ends"):
        flash.write(BootLayout.of(NUMBERS, images), images)


def test_what_the_hardware_is_built_for() -> None:
    layout = BootLayout.of(NUMBERS, ONE)
    made = boot_numbers(layout, NUMBERS)
    assert made["head"].endswith(layout.structure[::-1].hex() + "01" + "42434d45")
    assert made["numbers"] == {"pe000_ptr": 0, "pe000_spmat": 1, "lane000_bias": 2}
    assert (made["sel_w"], made["addr_w"], made["word_w"], made["start"]) == (2, 6, 33, "StartW'(2)")
    assert made["ends"] == "{16'd3, 16'd3, 16'd2, 16'd1}"
    assert made["lasts"] == "{24'd0, 24'd1, 24'd6, 24'd3}"
    assert made["digits"] == "{4'd0, 4'd8, 4'd1, 4'd0}"


def test_how_large_an_image_is() -> None:
    """Skewed digits cost their entropy and little more: 2,000 entries, 11 in 16 of one value."""
    rng = np.random.default_rng(1)
    entries = rng.choice([0x11, 0x22, 0x33, 0x44], 2000, p=[11 / 16, 3 / 16, 1 / 16, 1 / 16])
    images = memories([1], entries.tolist(), [0], 8)
    assert len(flash.write(BootLayout.of(NUMBERS, images), images)) == pytest.approx(2 * 2000 * 1.4375 / 8 + 85, abs=12)
