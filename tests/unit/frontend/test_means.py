"""ReduceMean over the spatial axes, as exporters of every age write it, is a global pool."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from models import model, node, onnxruntime_run, save

from emcc import frontend
from emcc.base.errors import EmccError
from emcc.frontend.export import export
from emcc.ops import interpret
from emcc.passes.fold import Fold

RNG = np.random.default_rng(3)


def mean_model(axes: list[int] | None, rank: int, opset: int, keep: int, batch: int | str = "n") -> onnx.ModelProto:
    """x -> Relu -> ReduceMean over `axes` (attribute or input, as `opset` has it) -> a layer of 3."""
    shape = [batch, 4, 6, 5][:rank]
    weights = {"w": RNG.standard_normal((4, 3)).astype(np.float32)}
    attrs: dict[str, object] = {"keepdims": keep}
    inputs = ["r"]
    if axes is not None and opset < 18:
        attrs["axes"] = axes
    elif axes is not None:
        weights["axes"] = np.array(axes, np.int64)
        inputs.append("axes")
    nodes = [node("Relu", ["x"], "r"), node("ReduceMean", inputs, "m", "mean", **attrs)]
    nodes += [node("Flatten", ["m"], "f")] if keep else []
    nodes.append(node("MatMul", ["f" if keep else "m", "w"], "y", "fc"))
    return model(nodes, shape, weights=weights, opset=opset)


@pytest.mark.parametrize("opset", [7, 13, 17, 18, 20])
@pytest.mark.parametrize("keep", [0, 1])
@pytest.mark.parametrize(("axes", "rank"), [([2, 3], 4), ([-1, -2], 4), ([3, -2], 4), ([2], 3), ([-1], 3)])
def test_is_a_global_pool(tmp_path: Path, axes: list[int], rank: int, keep: int, opset: int) -> None:
    path = save(mean_model(axes, rank, opset, keep), tmp_path / "m.onnx")
    graph = frontend.load(path)
    pool = ["GlobalAveragePool"] if rank == 4 else ["Unsqueeze", "GlobalAveragePool"]
    tail = ["Squeeze"] * (not keep or rank == 3) + ["Flatten"] * keep
    assert [each.op for each in graph.nodes] == ["Relu", *pool, *tail, "MatMul"]
    x = RNG.standard_normal([3, 4, 6, 5][:rank]).astype(np.float32)
    again = tmp_path / "again.onnx"
    folded = Fold().apply(graph)
    again.write_bytes(export(folded))
    truth = onnxruntime_run(path, x)
    for got in (interpret.run(graph, x), interpret.run(folded, x), onnxruntime_run(again, x)):
        assert got.shape == truth.shape == (3, 3)
        np.testing.assert_allclose(got, truth, rtol=1e-4, atol=1e-5)


def test_the_node_between_has_a_name_of_its_own(tmp_path: Path) -> None:
    """A model that already calls a tensor what the pool's would be called."""
    proto = mean_model([2, 3], 4, 17, keep=0)
    proto.graph.node.append(node("Relu", ["y"], "m.globalaveragepool", "last"))
    proto.graph.output[0].name = "m.globalaveragepool"
    graph = frontend.load(save(proto, tmp_path / "m.onnx"))
    assert [each.outputs[0] for each in graph.nodes] == ["r", "m.globalaveragepool'", "m", "y", "m.globalaveragepool"]
    assert [each.name for each in graph.nodes] == ["r_node", "mean", "mean#2", "fc", "last"]


def test_a_report_a_node(tmp_path: Path) -> None:
    survey = frontend.survey(save(mean_model([2, 3], 4, 17, keep=0), tmp_path / "m.onnx"))
    assert [(report.name, report.supported) for report in survey] == [("r_node", True), ("mean", True), ("fc", True)]


@pytest.mark.parametrize(("axes", "over"), [([0, 2, 3], "axes [0, 2, 3]"), (None, "all axes")])
def test_means_over_the_batch_are_refused(tmp_path: Path, axes: list[int] | None, over: str) -> None:
    path = save(mean_model(axes, 4, 17, keep=1), tmp_path / "m.onnx")
    with pytest.raises(EmccError, match="node 'mean': ReduceMean of") as caught:
        frontend.load(path)
    assert f"[4, 6, 5] samples runs over {over} (ReduceMean)\n  hint: emcc reduces a sample" in str(caught.value)


def test_no_axes_that_mean_none(tmp_path: Path) -> None:
    nodes = [node("ReduceMean", ["x"], "m", noop_with_empty_axes=1), node("MatMul", ["m", "w"], "y")]
    graph = frontend.load(
        save(model(nodes, ["n", 4], weights={"w": np.ones((4, 2), np.float32)}, opset=18), tmp_path / "m.onnx")
    )
    assert [each.op for each in graph.nodes] == ["Identity", "MatMul"]
    other = model([node("ReduceMean", ["x"], "m", noop_with_empty_axes=2)], ["n", 4], opset=18)
    with pytest.raises(EmccError, match="over all axes"):
        frontend.load(save(other, tmp_path / "m.onnx"))
