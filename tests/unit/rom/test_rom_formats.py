"""ROM images as files and back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emcc.backends.rom.formats import FORMATS, parse, render
from emcc.backends.rom.image import RomImage
from emcc.base.errors import EmccError

WIDTHS = st.one_of(st.integers(1, 70), st.sampled_from([96, 128, 129, 4096]))


@st.composite
def images(draw: st.DrawFn) -> RomImage:
    width = draw(WIDTHS)
    values = draw(st.lists(st.integers(0, 2**width - 1), min_size=1, max_size=40))
    return RomImage(width, values, tuple(draw(st.lists(st.text(max_size=20), max_size=3))))


@pytest.mark.parametrize("fmt", FORMATS)
@given(image=images())
def test_round_trip(fmt: str, image: RomImage) -> None:
    [(name, data)] = render({"pe000": image}, fmt).items()
    assert name == f"rom/pe000.{fmt}"
    assert parse(data, fmt, image.width) == RomImage(image.width, image.values)
    if fmt != "bin":
        assert all(c == 10 or 32 <= c < 127 for c in data)


def test_what_the_files_look_like() -> None:
    image = RomImage(10, [0x3FF, 1, 2], ("layer ip1\nrm -rf é",))
    files = {fmt: FORMATS[fmt].render(image) for fmt in FORMATS}
    assert files["hex"] == b"// layer ip1\\nrm -rf \\xe9\n3ff\n001\n002\n"
    assert files["mem"] == b"// layer ip1\\nrm -rf \\xe9\n@0\n3ff\n001\n002\n"
    front = b"; layer ip1\\nrm -rf \\xe9\nmemory_initialization_radix=16;\nmemory_initialization_vector=\n"
    assert files["coe"] == front + b"3ff,\n001,\n002;\n"
    front = b"-- layer ip1\\nrm -rf \\xe9\nWIDTH=10;\nDEPTH=3;\nADDRESS_RADIX=HEX;\nDATA_RADIX=HEX;\nCONTENT BEGIN\n"
    assert files["mif"] == front + b"0 : 3ff;\n1 : 001;\n2 : 002;\nEND;\n"
    assert files["bin"] == b"\xff\x03\x01\x00\x02\x00"


@pytest.mark.parametrize(
    ("fmt", "data", "message"),
    [
        ("hex", b"", "no words"),
        ("hex", b"3ff\n01\n", "word 1 of the ROM image has 2 digits, not 3"),
        ("hex", b"3ff\n0g0\n", "word 1 of the ROM image is not hexadecimal"),
        ("hex", b"3ff\n400\n", "word 1 of the ROM image is beyond 10 bits"),
        ("mem", b"@4\n3ff\n", "address 0"),
        ("coe", b"memory_initialization_radix=2;\n", "radix 16"),
        ("coe", b"memory_initialization_radix=16;\nmemory_initialization_vector=\n3ff,\n001,\n", "the last in ';'"),
        ("coe", b"memory_initialization_radix=16;\nmemory_initialization_vector=\n3ff\n001;\n", "do not end in ','"),
        ("mif", b"WIDTH=9;\n", "words of 10 bits"),
        ("bin", b"\0\0\0", "not words of 2 bytes"),
        ("bin", b"\0\4", "beyond 10 bits"),
    ],
)
def test_damaged_files_are_refused(fmt: str, data: bytes, message: str) -> None:
    with pytest.raises(EmccError, match=message):
        parse(data, fmt, 10)


def test_mif_addresses_are_checked() -> None:
    data = FORMATS["mif"].render(RomImage(8, [1, 2])).replace(b"1 : 02", b"0 : 02")
    with pytest.raises(EmccError, match="count up"):
        parse(data, "mif", 8)


@pytest.mark.parametrize("fmt", [fmt for fmt in FORMATS if fmt != "bin"])
def test_every_lost_line_of_words_is_seen(fmt: str) -> None:
    """A file cut short is either refused or has fewer words."""
    lines = FORMATS[fmt].render(RomImage(8, [1, 2, 3])).splitlines(keepends=True)
    for end in range(len(lines)):
        try:
            assert len(parse(b"".join(lines[:end]), fmt, 8)) < 3
        except EmccError:
            continue


@pytest.mark.parametrize(("width", "values"), [(0, [0]), (8, [256]), (8, [-1]), (8, []), (65, [2**65]), (65, [-1])])
def test_wrong_values_are_a_bug(width: int, values: list[int]) -> None:
    with pytest.raises(ValueError, match="bits"):
        RomImage(width, values)


def test_a_million_words() -> None:
    image = RomImage(20, np.arange(1 << 20) * 7 % (1 << 20))
    data = FORMATS["hex"].render(image)
    assert parse(data, "hex", 20) == image
    assert len(data) == 6 << 20
