"""What is kept of a placed design comes from elsewhere too: other layouts, names and numbers of blocks are refused."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.common.hostile import exchanged, placed_files
from emcc.base.errors import EmccError
from emcc.boards.memories.placed import CONFIG, LAYOUTS


def changed(**parts: Any) -> bytes:
    """The files of a design that was placed, with some of them others."""
    return json.dumps({**json.loads(placed_files()), **parts}).encode()


def layouts(**arrays: Any) -> str:
    """Layouts in hex."""
    import io

    out = io.BytesIO()
    np.savez(out, **arrays)
    return out.getvalue().hex()


GOOD = np.full((1, 4096), -1, np.int32)
BLOCKS = {"width": 8, "words": 16, "blocks": [["6 0"]]}


def test_what_was_placed_is_restored() -> None:
    images, rest = exchanged(changed())  # type: ignore[misc]
    assert sorted(images) == ["rom/a.hex", "rom/b.hex"]
    assert len(rest) == 64


@pytest.mark.parametrize(
    "parts",
    [
        {CONFIG: ""},
        {CONFIG: b"x".hex()},
        {LAYOUTS: ""},
        {LAYOUTS: layouts(layout0=GOOD)},
        {LAYOUTS: layouts(layout0=GOOD + 4000, layout1=GOOD)},
        {LAYOUTS: layouts(layout0=GOOD - 2, layout1=GOOD)},
        {LAYOUTS: layouts(layout0=GOOD[:, :9], layout1=GOOD)},
        {LAYOUTS: layouts(layout0=np.repeat(GOOD, 2, 0), layout1=GOOD)},
        {LAYOUTS: layouts(layout0=GOOD.astype(float), layout1=GOOD)},
        {LAYOUTS: layouts(layout0=GOOD[0], layout1=GOOD)},
        {"memories": []},
        {"memories": {}},
        {"memories": {"rom/a.hex": BLOCKS}},
        {"memories": {"rom/a.hex": BLOCKS, "rom/b.hex": {"blocks": [[]]}}},
        {"memories": {"rom/a.hex": BLOCKS, "rom/b.hex": {"blocks": [["nowhere"]]}}},
        {"memories": {"rom/a.hex": BLOCKS, "rom/b.hex": {"blocks": [["6 1"], ["6 1"]]}}},
        {"memories": {"rom/a.hex": BLOCKS, "rom/b.hex": None}},
    ],
)
def test_others_are_refused(parts: dict[str, Any]) -> None:
    with pytest.raises(EmccError, match="cannot be read"):
        exchanged(changed(**parts))


def test_the_array_of_another_place_is_no_way_out(tmp_path: Path) -> None:
    """Headers are not run, as numpy's own reader does with them."""
    header = b"__import__('os').system('touch owned')"
    member = b"\x93NUMPY\1\0" + len(header).to_bytes(2, "little") + header
    import io
    import zipfile

    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("layout0.npy", member)
    with pytest.raises(EmccError, match="cannot be read"):
        exchanged(changed(**{LAYOUTS: out.getvalue().hex()}))
