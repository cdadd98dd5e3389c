"""The onnx package's tests of single operators: none is wrong, and docs/operators.md says what becomes of each."""

import pickle
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import onnx
import pytest

from benchmarks import onnx_nodes
from emcc.tools import cache

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module", autouse=True)
def _tests_are_kept() -> Iterator[None]:
    """What onnx makes of itself is kept beside the simulators, for the versions that it is made by."""
    key = cache.digest({"onnx": onnx.__version__.encode(), "numpy": np.__version__.encode()})[:32]

    def make(work: Path) -> None:
        kept = [(test.name, test.model.SerializeToString(), test.data_sets, test.rtol) for test in onnx_nodes.tests()]
        (work / "tests.pickle").write_bytes(pickle.dumps(kept))

    place = cache.entry("onnx_nodes", key, make, waits=True) / "tests.pickle"
    kept = [
        SimpleNamespace(name=name, model=onnx.load_from_string(model), data_sets=data_sets, rtol=rtol)
        for name, model, data_sets, rtol in pickle.loads(place.read_bytes())
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(onnx_nodes, "tests", lambda: kept)
        yield


def pinned() -> str:
    """The version of onnx that the table is of."""
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    return next(line.split("==")[1] for line in lines if line.startswith("onnx=="))


def test_the_table_in_the_docs() -> None:
    rows = onnx_nodes.run()
    assert [row for row in rows if row.outcome == onnx_nodes.WRONG] == []
    assert sum(row.outcome == onnx_nodes.PASS for row in rows) >= 350
    if onnx.__version__ != pinned():
        pytest.skip(f"the table is of onnx {pinned()}, and this is {onnx.__version__}")
    page = (ROOT / "docs" / "operators.md").read_text()
    made = page[page.index(onnx_nodes.BEGIN) + len(onnx_nodes.BEGIN) : page.index(onnx_nodes.END)].strip()
    assert made == onnx_nodes.table(rows)


def test_other_numbers_are_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    """The gate can fail: with a meaning that is off, tests are wrong and not passed."""
    monkeypatch.setattr(onnx_nodes.interpret, "trace", lambda graph, x: {graph.outputs[0]: np.ones(1)})
    rows = onnx_nodes.run(["HardSwish"])
    assert [row.outcome for row in rows] == [onnx_nodes.WRONG]


def test_what_is_refused_says_why() -> None:
    rows = {row.name: row for row in onnx_nodes.run(["Pow"])}
    assert rows["test_pow_types_float32_int32"].outcome == onnx_nodes.REFUSED
    assert rows["test_pow_types_float32_int32"].reason == "its constant differs from sample to sample of the batch"
