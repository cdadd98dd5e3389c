"""What crosses between the array and the host's parts: nothing twice, and nothing that only the host reads."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from emcc.eie.groups.exchange import exchanges


def port(buffer: int) -> Any:
    return SimpleNamespace(buffer=buffer)


def part(before: int, reads: Sequence[int], target: int) -> Any:
    return SimpleNamespace(before=before, ports=tuple(map(port, reads)), target=port(target))


def crossing(
    parts: Sequence[Any], steps: Sequence[tuple[Sequence[int], int]], output: int, wholes: dict[int, int] | None = None
) -> list[tuple[list[int], bool]]:
    """(the buffers that are fetched, whether the answer goes in) for each part; buffer 0 is the input."""
    count = 1 + max([output, *(one.target.buffer for one in parts), *(target for _, target in steps)])
    program: Any = SimpleNamespace(
        inputs=(port(0),),
        outputs=(port(output),),
        parts=tuple(parts),
        steps=tuple(SimpleNamespace(sources=tuple(sources), target=target) for sources, target in steps),
        buffers=[SimpleNamespace(whole=(wholes or {}).get(index, -1), first=0) for index in range(count)],
    )
    return [([one.buffer for one in own.fetched], own.answers) for own in exchanges(program)]


A_STEP_EACH_SIDE = [([0], 1), ([4], 5)]
CASES = {
    "three behind each other": (
        [part(1, [1], 2), part(1, [2], 3), part(1, [3], 4)],
        A_STEP_EACH_SIDE,
        5,
        {},
        [([1], False), ([], False), ([], True)],
    ),
    "an input again": ([part(1, [0, 1], 4)], A_STEP_EACH_SIDE, 5, {}, [([1], True)]),
    "one buffer twice": ([part(1, [1, 1], 4)], A_STEP_EACH_SIDE, 5, {}, [([1], True)]),
    "a short cut past steps": (
        [part(1, [1], 2), part(2, [1, 3], 4)],
        [([0], 1), ([2], 3), ([4], 5)],
        5,
        {},
        [([1], True), ([3], True)],
    ),
    "an answer for a step and for the host": (
        [part(1, [1], 2), part(2, [2, 3], 4)],
        [([0], 1), ([2], 3), ([4], 5)],
        5,
        {},
        [([1], True), ([3], True)],
    ),
    "an answer that later parts alone read": (
        [part(1, [1], 2), part(1, [1], 3), part(2, [2, 4], 5)],
        [([0], 1), ([3], 4), ([5], 6)],
        6,
        {},
        [([1], False), ([], True), ([4], True)],
    ),
    "an answer that is part of a whole": (
        [part(1, [1], 2), part(1, [2], 4)],
        [([0], 1), ([4], 5)],
        5,
        {2: 3},
        [([1], True), ([], True)],
    ),
    "an output": ([part(1, [1], 2)], [([0], 1)], 2, {}, [([1], True)]),
    "a buffer that a step writes again": (
        [part(1, [1], 2), part(2, [1], 4)],
        [([0], 1), ([2], 1), ([4], 5)],
        5,
        {},
        [([1], True), ([1], True)],
    ),
    "a whole of which a step writes a part again": (
        [part(1, [1], 3), part(2, [1], 4)],
        [([0], 1), ([3], 2), ([4], 5)],
        5,
        {2: 1},
        [([1], True), ([1], True)],
    ),
}


@pytest.mark.parametrize(
    ("parts", "steps", "output", "wholes", "wanted"), [pytest.param(*case, id=name) for name, case in CASES.items()]
)
def test_what_crosses(
    parts: Sequence[Any],
    steps: Sequence[tuple[Sequence[int], int]],
    output: int,
    wholes: dict[int, int],
    wanted: list[tuple[list[int], bool]],
) -> None:
    assert crossing(parts, steps, output, wholes) == wanted
