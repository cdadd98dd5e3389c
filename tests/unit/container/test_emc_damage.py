"""A damaged model.emc is refused, with the name of the section."""

import resource
import tracemalloc
from contextlib import suppress
from typing import Any

import msgpack
import numpy as np
import pytest
from emc_models import in_blocks, lenet, quantised, random_layer
from hypothesis import given, settings
from hypothesis import strategies as st

from emcc.base.errors import EmccError
from emcc.container import arrays, decode, encode
from emcc.container.bits import read_uint
from emcc.container.file import BLOCKED, VERSION, seal, section_names, unframe
from emcc.container.header import WORDS
from emcc.ir.graph import Affine, Graph, Node, Tensor
from emcc.measure.sections import layer_sizes, sizes


def small(coding: str) -> bytes:
    """A file of all kinds of sections."""
    rng = np.random.default_rng(3)
    table = {"coarse": np.arange(-8, 8) * 9, "fine": np.arange(4), "lo_bits": 1, "hi_bits": 1}
    graph = quantised([random_layer(rng, 6, 5, 0.4), random_layer(rng, 3, 6, 0.5) | table])
    ends = {"image": Affine(np.array([0.5]), rng.normal(size=5)), "h2": Affine(rng.normal(size=3), np.array([0.1]))}
    return encode(graph.with_(affines=ends), coding=coding)


SMALL = small("huffman")
KINDS = {"huffman": SMALL, "range": small("range"), "blocks": encode(in_blocks(4, 6, 2, 3, 1))}
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
        (
            b"EMC\x07" + SMALL[4:],
            "is version 7 of the format, this emcc reads 5 and 6\n  hint: it was written by a newer",
        ),
        (
            b"EMC\x02" + SMALL[4:],
            "is version 2 of the format, this emcc reads 5 and 6\n  hint: it was written by an older",
        ),
        (
            b"EMC\x82" + SMALL[4:],
            "is version 130 of the format, this emcc reads 5 and 6\n  hint: it was written by an older",
        ),
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
    return seal(fields, {**sections, section: content} if section in sections else sections, data[3] == BLOCKED)


def header_fields(data: bytes) -> bytes:
    size, begin = read_uint(data, 4)
    count, at = read_uint(data, begin)
    for _ in range(count):
        at = read_uint(data, at)[1] + 4
    return data[at : begin + size]


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
    assert fields.count(msgpack.packb(300)) == 4
    for huge in (1 << 22, 1 << 30):
        crafted = reseal(empty, "header", fields.replace(msgpack.packb(300), msgpack.packb(huge)))
        with pytest.raises(EmccError, match=r"section 'header' is damaged: constant '.*': a model of .* elements"):
            decode(crafted)


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ([2, 257, 1], "257 sub-vectors of 2"),
        ([4, 3, 1], "3 sub-vectors of 4"),
        ([1, 3, 1], "3 sub-vectors of 1"),
        ([2, 3, 2], "2 codebooks for 3 blocks a row"),
        ([2, 0, 1], "0 where an integer from 1"),
        ([2, 3], "a list is missing"),
    ],
)
def test_blocks_that_rows_cannot_be_cut_into(numbers: list[int], message: str) -> None:
    data = KINDS["blocks"]
    fields = header_fields(data)
    assert fields.count(msgpack.packb([2, 3, 1])) == 1
    with pytest.raises(EmccError, match=f"section 'header' is damaged: .*{message}"):
        decode(reseal(data, "header", fields.replace(msgpack.packb([2, 3, 1]), msgpack.packb(numbers))))


def test_blocks_cannot_unfold_into_a_huge_codebook() -> None:
    """Columns, of which every block has a codebook: few bytes could say all of its numbers."""
    data = KINDS["blocks"]
    fields = header_fields(data).replace(msgpack.packb([4, 6]), msgpack.packb([1, 1 << 24]))
    huge = fields.replace(msgpack.packb([2, 3, 1]), msgpack.packb([2, 256, 1 << 23]))
    with pytest.raises(EmccError, match="a model of more than"):
        decode(reseal(data, "header", huge))


def test_version_5_has_no_blocks() -> None:
    data = KINDS["blocks"]
    assert data[3] == BLOCKED
    assert SMALL[3] == VERSION
    _, sections = unframe(data)
    with pytest.raises(EmccError, match="which version 5 has not"):
        decode(seal(header_fields(data), sections))
    with pytest.raises(EmccError, match="is version 7 of the format, this emcc reads 5 and 6") as error:
        decode(data[:3] + b"\7" + data[4:])
    assert "newer emcc" in (error.value.hint or "")


@pytest.mark.parametrize("values", [[np.nan, 0.0], [np.inf, 1.0]])
def test_sub_vectors_are_finite(values: list[float]) -> None:
    data, floats = KINDS["blocks"], np.array([*values, 1, 2, 3, 4], "<f4").tobytes()
    rest = unframe(data)[1]["layer 1"]
    size = len(arrays.write(decode(data).blocks["w"].values))
    with pytest.raises(EmccError, match="a sub-vector that is not finite"):
        decode(reseal(data, "layer 1", b"\0" + floats + rest[size:]))


SHAPES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats()
    | st.text(max_size=3)
    | st.binary(max_size=3),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=2), inner, max_size=2),
    max_leaves=12,
)


@settings(max_examples=300)
@given(data=st.data())
def test_headers_of_other_shapes(data: st.DataObject) -> None:
    """Any value in the place of any part of the header's fields."""
    fields = msgpack.unpackb(header_fields(SMALL))
    place, at = fields, data.draw(st.integers(0, 8))
    while isinstance(place[at], list) and place[at] and data.draw(st.booleans()):
        place = place[at]
        at = data.draw(st.integers(0, len(place) - 1))
    place[at] = data.draw(SHAPES)
    refused_or_decoded(reseal(SMALL, "header", msgpack.packb(fields, unicode_errors="surrogatepass")))


@pytest.mark.parametrize(
    "fields",
    [b"", b"\xc1", b"\x91" * 2000 + b"\xc0", b"\xdd\xff\xff\xff\xff", b"\xdb\xff\xff\xff\xff", b"\x99", b"\xd4\x01\x00",
     b"\x99" + b"\x90" * 9 + b"\x00", b"\xd6\xff\x00\x00\x00\x00"],
)  # fmt: skip
def test_what_is_no_header(fields: bytes) -> None:
    with pytest.raises(EmccError, match="section 'header' is damaged"):
        decode(reseal(SMALL, "header", fields))


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([[1, 1, 4]], "1 scales and 4 offsets of a tensor of 5 elements"),
        ([[2, 1, 1]], "scales of what is no input and no output"),
        ([[4, 1, 1]], "scales of what is no input and no output"),
        ([[1, 1, 1], [1, 1, 1]], "1 scales and 1 offsets"),
        ([[1, 1, 1, "L3"]], "a norm of no known kind"),
        ([[1, 1, 1, "L1", "L1"]], "a norm of no known kind"),
        ([[1, 1, 1, 2]], "a name is no text"),
        ([[3, 1, 1, "L1"]], "a norm of no known kind, or of no input"),
        ([[1, 1]], "a list is missing"),
    ],
)
def test_scales_of_what_cannot_have_them(rows: list[list[int]], message: str) -> None:
    fields = msgpack.unpackb(header_fields(SMALL))
    fields[8] = rows
    with pytest.raises(EmccError, match=f"section 'header' is damaged: {message}"):
        decode(reseal(SMALL, "header", msgpack.packb(fields)))


@pytest.mark.parametrize("number", [0.0, np.nan, np.inf])
def test_scales_that_are_no_scales(number: float) -> None:
    _, sections = unframe(SMALL)
    content = b"\0" + np.float64([number]).tobytes() + sections["scales"][sections["scales"].index(b"\0", 1) :]
    with pytest.raises(EmccError, match="section 'scales' is damaged"):
        decode(reseal(SMALL, "scales", content))


def header(constants: list[Any], tensors: list[Any], nodes: list[Any], texts: list[str]) -> bytes:
    """A file of these fields, with one operator without attributes, and no numbers."""
    fields = [["m", *texts], tensors, constants, [], [], [[WORDS.index("Conv")]], nodes, [], []]
    return seal(msgpack.packb(fields), {"constants": b""} if constants else {})


@pytest.mark.parametrize(
    ("crafted", "message"),
    [
        (header([[0, 2]] * 2000, [[], []], [[0, 2000]] * 2000, ["x", "y"] + [""] * 2000), "where an integer"),
        (header([[0, 2]] * 2000, [[], []], [[0, 2001]], ["x", "y", "a" * 20000]), "letters"),
        (header([], [[[1] * 2000]] + [[]] * 1999, [], [str(i) for i in range(2000)]), "2000 dimensions"),
        (header([[[0, "c"], 2, [1 << 31] * 2000]], [], [], []), "2000 dimensions"),
        (header([[[0, "c"], 2, [1] * 33]], [], [], []), "33 dimensions"),
        (header([[[0, "c"], 2, [0] + [1 << 21] * 6]], [], [], []), "a model of more than"),
    ],
    ids=["inputs", "names", "shapes", "product", "dimensions", "nothing"],
)  # fmt: skip
def test_a_small_header_cannot_multiply(crafted: bytes, message: str) -> None:
    """Nor do its shapes reach NumPy when that would refuse them."""
    tracemalloc.start()
    with pytest.raises(EmccError, match=f"section 'header' is damaged: .*{message}"):
        decode(crafted)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1 << 26


@pytest.mark.parametrize("claimed", [1 << 16, 1 << 18])
def test_lists_in_lists_cannot_claim_the_file_again_and_again(claimed: int) -> None:
    """Before 1.2.4, msgpack makes room for each list at once, as long as the file has so many bytes."""
    fields = (b"\xdd" + claimed.to_bytes(4, "big")) * 1000
    begun = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(EmccError, match="section 'header' is damaged: it is not msgpack"):
        decode(reseal(SMALL, "header", fields.ljust(claimed, b"\xc0")))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - begun < 1 << 18


def test_extension_types_are_no_lists() -> None:
    fields = msgpack.unpackb(header_fields(SMALL))
    fields[6][0][-1] = msgpack.ExtType(5, b"abc")
    with pytest.raises(EmccError, match="no attribute is a ExtType"):
        decode(reseal(SMALL, "header", msgpack.packb(fields)))


@pytest.mark.parametrize(
    ("attrs", "inputs"),
    [({"a": ((((((((((1,),),),),),),),),),)}, ("x",)), ({}, ("x", "c")), ({"code_w": 4}, ("x", "c"))],
    ids=["deep", "no width", "no codebook"],
)
def test_what_is_written_can_be_read(attrs: dict[str, Any], inputs: tuple[str, ...]) -> None:
    """A graph that no pass makes comes back, or is not written."""
    tensors = {name: Tensor(name, (None, 2)) for name in ("x", "y")}
    node = Node("n", "QLinear", inputs, ("y",), attrs)
    graph = Graph("m", ("x",), ("y",), (node,), tensors, {"c": np.zeros((2, 2), np.uint8)})
    with suppress(TypeError):
        assert decode(encode(graph)).nodes == graph.nodes
