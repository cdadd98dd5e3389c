"""Models of public bug reports of other tools: emcc agrees with onnxruntime, or says what is in the way."""

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from models import save
from reported import CASES, Reported

from emcc import frontend
from emcc.base.errors import EmccError
from emcc.ops import host, interpret

PAGE = Path(__file__).resolve().parents[3] / "docs" / "public-reports.md"


def said(case: Reported) -> str:
    """The case's row of the page."""
    does = f"refused: {case.refused}" if case.refused else "agrees with onnxruntime"
    return f"| [{case.source}]({case.address}) | {case.what} | {does} |"


def truth(path: Path, feeds: dict[str, np.ndarray]) -> list[np.ndarray]:
    """What onnxruntime computes."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return list(session.run(None, feeds))


@pytest.mark.parametrize("case", CASES, ids=[f"{case.source}-{case.what}" for case in CASES])
def test_report(tmp_path: Path, case: Reported) -> None:
    path = save(case.model(), tmp_path / "m.onnx")
    if case.refused:
        with pytest.raises(EmccError) as caught:
            frontend.load(path)
        assert case.refused in str(caught.value)
        assert caught.value.hint
        return
    graph, feeds = frontend.load(path), case.samples(3)
    wanted = dict(zip((value.name for value in case.model().graph.output), truth(path, feeds), strict=True))
    bare = [name for name in graph.inputs if feeds[name].ndim < len(graph.tensors[name].shape)]
    values = interpret.trace(graph, {name: feeds[name][None] if name in bare else feeds[name] for name in graph.inputs})
    for at, name in enumerate(graph.outputs):
        got = host.apply(host.tail_of(graph.host, at), np.asarray(interpret.left(graph, name, values[name], np)))
        assert got.size == wanted[name].size
        np.testing.assert_allclose(got.reshape(wanted[name].shape), wanted[name], rtol=1e-4, atol=1e-5)


def test_the_page_has_every_report() -> None:
    rows = [line for line in PAGE.read_text().splitlines() if line.startswith("| [")]
    assert rows == [said(case) for case in CASES], "\n".join(map(said, CASES))


def test_another_result_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The gate can fail."""
    real = interpret.left
    monkeypatch.setattr(interpret, "left", lambda *args: real(*args) + 1)
    with pytest.raises(AssertionError):
        test_report(tmp_path, CASES[0])
