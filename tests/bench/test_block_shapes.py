"""benchmarks/block_shapes.py: block RAMs of single memories, by the model and by Yosys."""

import pytest

from benchmarks import block_shapes
from emcc.eie import blockram


@pytest.mark.synth
def test_the_model_counts_as_yosys() -> None:
    assert block_shapes.main(["--families", "ecp5", "--count", "12", "--seed", "4"]) == 0


def test_a_wrong_count_is_red(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(block_shapes, "taken", lambda memories, *_: [blockram.blocks(m, "ecp5") + 1 for m in memories])
    assert block_shapes.main(["--families", "ecp5", "--count", "2"]) == 1
