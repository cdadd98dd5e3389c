"""How much memory a target has: what is read, what is counted, what the error says."""

import pytest

from emcc.base.errors import EmccError
from emcc.eie.blockram import block_rams
from emcc.eie.budget import budget
from emcc.eie.memory import Memory

WEIGHTS = Memory("spmat", "rom", 4096, 12, 4, "pe")
QUEUE = Memory("activation queue", "fifo", 32, 35, 4)


@pytest.mark.parametrize(
    ("text", "most", "family"),
    [
        *(("208xecp5", 208, "ecp5"), (" 30 X iCE40 ", 30, "ice40"), ("0xgowin", 0, "gowin")),
        *(("3.7Mbit", 3_700_000, ""), ("18Kibit", 18 * 1024, ""), ("460KB", 3_680_000, ""), ("1.5MiB", 12 << 20, "")),
    ],
)
def test_what_is_read(text: str, most: int, family: str) -> None:
    found = budget(text)
    assert found is not None
    assert (found.most, found.family) == (most, family)


@pytest.mark.parametrize(
    "text", ["208", "208xfpga", "-1xecp5", "1.5xecp5", "much", "3 Gbit", "xecp5", "1e9bit", "\x1b[2J"]
)
def test_what_is_not(text: str) -> None:
    with pytest.raises(EmccError, match=r"is no amount of memory\n.*208xecp5") as raised:
        budget(text)
    assert "\x1b" not in str(raised.value)


def test_nothing_said_is_no_limit() -> None:
    assert budget("") is None


def test_bits_are_counted_with_copies() -> None:
    bits = 4096 * 12 * 4 + 32 * 35 * 4
    exact, less = budget(f"{bits}bit"), budget(f"{bits - 1}bit")
    assert exact is not None
    assert less is not None
    exact.check([WEIGHTS, QUEUE], "it")
    with pytest.raises(EmccError) as raised:
        less.check([QUEUE, WEIGHTS], "it")
    assert str(raised.value).splitlines() == [
        f"it takes {bits:,} bits of memory, and there are {bits - 1:,} (--memory {bits - 1}bit)",
        "  spmat: 196,608, for 4 of 4,096 words of 12 bits",
        "  activation queue: 4,480, for 4 of 32 words of 35 bits",
        "  hint: most goes into spmat: prune more (--target-sparsity), or take fewer PEs",
    ]


def test_a_deep_and_wide_queue_is_block_ram() -> None:
    # As Yosys weighs them: 4 rows of 8 RAMs of 16 x 4 bits cost what a block does, 4 rows of 9 more.
    queues = [Memory("activation queue", "fifo", depth, width, 1) for depth, width in ((64, 32), (64, 34), (32, 47))]
    assert [block_rams([queue], "ecp5") for queue in queues] == [0, 1, 0]


def test_tables_that_are_walked_are_block_ram_where_they_are_large() -> None:
    tables = [Memory(name, "table", 256, width, 1) for name in ("tap", "drain") for width in (64, 65)]
    assert [block_rams([table], "ecp5") for table in tables] == [0, 2, 2, 2]


def test_block_rams_are_those_of_the_family() -> None:
    taken = block_rams([WEIGHTS, QUEUE], "ecp5")
    assert taken == 12  # 4,096 words of 4 bits each, three side by side; the queue is made of LUTs
    exact, less = budget("12xecp5"), budget("11xecp5")
    assert exact is not None
    assert less is not None
    assert (exact.missing([WEIGHTS, QUEUE]), less.missing([WEIGHTS, QUEUE])) == (0, 1)
    with pytest.raises(EmccError, match="takes 12 block RAMs of ecp5, and there are 11") as raised:
        less.check([WEIGHTS, QUEUE], "it")
    assert "queue" not in str(raised.value)
