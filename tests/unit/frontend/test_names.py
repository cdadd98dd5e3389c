"""Names are the model's own text: kept as they are, and shown so that they do no harm."""

from pathlib import Path

import numpy as np
import pytest
from models import model, node, save

from emcc import frontend
from emcc.base.errors import EmccError
from emcc.passes.fold import Fold

W = np.arange(12, dtype=np.float32).reshape(3, 4) / 8


@pytest.mark.parametrize("weird", ["/fc/Gemm_output_0", "dense/kernel:0", "名前", "'", "a b; $finish", "module"])
def test_names_are_data(tmp_path: Path, weird: str) -> None:
    """A name is kept as it is."""
    proto = model([node("MatMul", [weird + "x", weird], "y", weird)], ["n", 3], weights={weird: W}, x=weird + "x")
    proto.graph.name = weird
    graph = frontend.load(save(proto, tmp_path / "m.onnx"))
    assert (graph.name, graph.nodes[0].name, graph.inputs) == (weird, weird, (weird + "x",))
    assert weird in Fold().apply(graph).constants


@pytest.mark.parametrize(
    "weird", ['"); $finish; //', "<script>alert(1)</script>", "../../x", "a\nb\x1b[31m", "n" * 9999]
)
@pytest.mark.parametrize("op", ["Relu", "Elu"])
def test_names_are_shown_escaped_and_cut(tmp_path: Path, weird: str, op: str) -> None:
    """Whatever is wrong, no message holds a control character or goes on for ever."""
    path = save(model([node(op, ["x"], weird, weird)], ["n", 3]), tmp_path / "m.onnx")
    with pytest.raises(EmccError) as caught:
        frontend.load(path)
    assert all(line.isprintable() for line in str(caught.value).splitlines())
    assert len(str(caught.value)) < 1000
    assert frontend.survey(path)[0].name == weird


def test_quotes_are_written_otherwise(tmp_path: Path) -> None:
    """An output that is called like a dictionary is computed; a name that is there already is not taken twice."""
    weird = '{"1": "minute"}'
    nodes = [node("Relu", ["x"], "{_1_: _minute_}"), node("MatMul", ["{_1_: _minute_}", "w"], weird, weird)]
    proto = model(nodes, ["n", 3], weights={"w": W})
    path = save(proto, tmp_path / "m.onnx")
    graph = frontend.load(path)
    assert graph.outputs == ("{_1_: _minute_}_2",)
    assert frontend.load(path, output=weird).outputs == graph.outputs
    assert frontend.remarks(path).renamed == {weird: "{_1_: _minute_}_2"}
    assert frontend.survey(path).facts.renamed == {weird: "{_1_: _minute_}_2"}
