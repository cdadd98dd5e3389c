"""What a hint tells the user to do works on the model that caused it."""

from pathlib import Path

import numpy as np
import pytest
from hint_rows import ROWS
from models import onnxruntime_run, save

from emcc import frontend
from emcc.base.errors import EmccError
from emcc.frontend.hints import all_hints
from emcc.ops import interpret


@pytest.mark.parametrize("name", list(ROWS))
def test_the_repaired_model_is_accepted(tmp_path: Path, name: str) -> None:
    """The hint is given, word by word; the model as it says is loaded, and computes what the first one did."""
    row = ROWS[name]()
    with pytest.raises(EmccError) as caught:
        frontend.load(save(row.broken, tmp_path / "broken.onnx"))
    hint = caught.value.hint or ""
    assert hint.startswith(row.hint), str(caught.value)
    path = save(row.repaired, tmp_path / "repaired.onnx")
    graph = frontend.load(path)
    if not row.same:
        return
    shape = [size or 1 for size in graph.tensors[graph.inputs[0]].shape[1:]]
    fixed = row.broken.graph.input[0].type.tensor_type.shape.dim[0].dim_value
    x = np.random.default_rng(0).standard_normal((fixed or 4, *shape)).astype(np.float32)
    truth = onnxruntime_run(tmp_path / "broken.onnx", x)
    np.testing.assert_allclose(interpret.run(graph, x).reshape(truth.shape), truth, rtol=1e-4, atol=1e-5)


def test_every_hint_about_an_operator_is_tried() -> None:
    tried = [row().hint for row in ROWS.values()]
    assert [hint for hint in all_hints() if not any(hint.startswith(start) for start in tried)] == []


@pytest.mark.parametrize("by", ["emcc", "emcc compile", "emcc compress"])
def test_messages_name_the_command(tmp_path: Path, by: str) -> None:
    path = save(ROWS["function"]().broken, tmp_path / "m.onnx")
    with pytest.raises(EmccError, match=rf"operator Shrink is not supported by {by} \(Shrink\)"):
        frontend.load(path, by)


def test_no_hint_of_the_front_end_names_a_target(tmp_path: Path) -> None:
    """It reads models for every command."""
    for make in ROWS.values():
        survey = frontend.survey(save(make().broken, tmp_path / "m.onnx"))
        refused = [text for report in survey if not report.supported for text in (report.reason, report.hint)]
        assert not [text for text in (*refused, *survey.facts.problems) if "--target" in text]
