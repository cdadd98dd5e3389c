"""A damaged model.emc is refused, with the name of the section."""

from contextlib import suppress

import numpy as np
import pytest
from emc_models import lenet, quantised, random_layer
from hypothesis import given, settings
from hypothesis import strategies as st

from emcc.base.errors import EmccError
from emcc.container import decode, encode, layer_sizes, sizes
from emcc.container.file import seal, section_names, unframe
from emcc.container.text import unsqueeze
from emcc.container.varint import read_uint, uint


def small(coding: str) -> bytes:
    """A file of all kinds of sections."""
    rng = np.random.default_rng(3)
    table = {"coarse": np.arange(-8, 8) * 9, "fine": np.arange(4), "lo_bits": 1, "hi_bits": 1}
    return encode(quantised([random_layer(rng, 6, 5, 0.4), random_layer(rng, 3, 6, 0.5) | table]), coding=coding)


SMALL = small("huffman")
KINDS = {"huffman": SMALL, "range": small("range")}
BIG = encode(lenet())


def ranges(data: bytes) -> dict[str, range]:
    """Where each section lies."""
    skeleton, sections = unframe(data)
    at = len(data) - sum(map(len, sections.values()))
    places = {"header": range(4, at)}
    for name in section_names(skeleton):
        places[name] = range(at, at + len(sections[name]))
        at += len(sections[name])
    return places


def flip(data: bytes, bit: int) -> bytes:
    damaged = bytearray(data)
    damaged[bit // 8] ^= 1 << bit % 8
    return bytes(damaged)


@pytest.mark.parametrize("kind", KINDS)
def test_every_bit_of_a_small_file(kind: str) -> None:
    data = KINDS[kind]
    where = ranges(data)
    for bit in range(len(data) * 8):
        with pytest.raises(EmccError) as error:
            decode(flip(data, bit))
        section = next((name for name, span in where.items() if bit // 8 in span), None)
        assert section is None or f"section {section!r} is damaged: " in str(error.value)


@given(bit=st.integers(0, len(BIG) * 8 - 1))
def test_any_bit_of_a_large_file(bit: int) -> None:
    with pytest.raises(EmccError):
        decode(flip(BIG, bit))


def test_cut_short_at_every_byte() -> None:
    for end in range(len(SMALL)):
        with pytest.raises(EmccError):
            decode(SMALL[:end])


@given(end=st.integers(0, len(BIG) - 1))
def test_a_large_file_cut_short(end: int) -> None:
    with pytest.raises(EmccError):
        decode(BIG[:end])


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "is not an .emc file"),
        (b"\x7fELF" + SMALL, "is not an .emc file"),
        (b"EMC\x03" + SMALL[4:], "is version 3 of the format, this emcc reads 2\n  hint: it was written by a newer"),
        (b"EMC\x01" + SMALL[4:], "is version 1 of the format, this emcc reads 2\n  hint: it was written by an older"),
        (SMALL + b"\0", "has 1 bytes after its last section"),
        (SMALL[:-1], "section 'layer 2' is damaged: the file is truncated: "),
        (flip(SMALL, len(SMALL) * 8 - 1), "section 'layer 2' is damaged: checksum "),
    ],
)
def test_the_message_says_what_and_where(data: bytes, message: str) -> None:
    for read in (decode, sizes, layer_sizes):
        with pytest.raises(EmccError) as error:
            read(data, file="model.emc")
        assert str(error.value).startswith(f"model.emc: {message}")


def reseal(data: bytes, section: str, content: bytes) -> bytes:
    """`data` with another content of a section, or of the fields, and checksums that are right."""
    _, sections = unframe(data)
    fields = content if section == "header" else header_fields(data)
    return seal(data[3] >= 128, fields, {**sections, section: content} if section in sections else sections)


def header_fields(data: bytes) -> bytes:
    size, begin = read_uint(data, 4)
    count, at = read_uint(data, begin)
    for _ in range(count):
        at = read_uint(data, at)[1] + 4
    return unsqueeze(data[: begin + size], at)


def test_resealing_changes_nothing_by_itself() -> None:
    _, sections = unframe(SMALL)
    assert reseal(SMALL, "layer 1", sections["layer 1"]) == SMALL
    assert reseal(SMALL, "header", header_fields(SMALL)) == SMALL


@st.composite
def crafted(draw: st.DrawFn, kinds: tuple[str, ...] = tuple(KINDS)) -> bytes:
    """A file with one to three changes in one section's content, and checksums that are right."""
    data = KINDS[draw(st.sampled_from(kinds))]
    _, sections = unframe(data)
    contents = {**sections, "header": header_fields(data)}
    section = draw(st.sampled_from(sorted(contents)))
    content = bytearray(contents[section])
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(content)))
        content[at : at + draw(st.integers(0, 2))] = draw(st.binary(max_size=4))
    return reseal(data, section, bytes(content))


def refused_or_decoded(data: bytes) -> None:
    """Either another model or an EmccError: never another exception, nor memory beyond the budget."""
    with suppress(EmccError):
        decode(data)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=300)
@given(data=st.data())
def test_crafted_contents_with_right_checksums(kind: str, data: st.DataObject) -> None:
    refused_or_decoded(data.draw(crafted((kind,))))


def test_a_small_file_cannot_unfold_into_a_huge_model() -> None:
    empty = encode(quantised([random_layer(np.random.default_rng(0), 300, 300, 0.0)]))
    fields = header_fields(empty)
    assert fields.count(uint(300)) == 2
    for huge in (1 << 22, 1 << 30):
        crafted = reseal(empty, "header", fields.replace(uint(300), uint(huge)))
        with pytest.raises(EmccError, match=r"section 'header' is damaged: layer 1: a model of .* elements"):
            decode(crafted)
