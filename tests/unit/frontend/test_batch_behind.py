"""Tensors whose samples are not along the first axis: attention as exporters write it, and every operator that may read
such a tensor, against onnxruntime."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from models import model, node, save
from sequence_models import encoder

from emcc.base.errors import EmccError
from emcc.frontend import load
from emcc.frontend.export import export
from emcc.legal.verify import verify
from emcc.ops.interpret import run
from emcc.passes.fold import Fold

ort = pytest.importorskip("onnxruntime")
RNG = np.random.default_rng(2)
SHAPE = (4, 3, 5)
"""Of a sample; the model sees it as [4, n, 3, 5]."""

K = RNG.standard_normal((5, 2)).astype(np.float32)
WEIGHTS: dict[str, np.ndarray] = {
    "k": K,
    "row": RNG.standard_normal(5).astype(np.float32),
    "steps": RNG.standard_normal((4, 1, 1, 1)).astype(np.float32),
    "scale": np.ones(5, np.float32),
    "two": np.array([0, 2]),
    "one": np.array(1),
    "many": np.array([[0, 1], [3, 0]]),
    "a0": np.array([0]),
    "a2": np.array([2]),
    "a4": np.array([4]),
    "from": np.array([1]),
    "to": np.array([3]),
    "parts": np.array([1, 2]),
    "join": np.array([4, -1, 5]),
    "apart": np.array([4, -1, 3, 5]),
    "last": np.array([0, 0, 15]),
}
ROWS: dict[str, tuple[list[onnx.NodeProto], list[int]]] = {
    "function": ([node("Tanh", ["s"], "m")], [1, 0, 2, 3]),
    "last axis": ([node("Mul", ["s", "row"], "m")], [1, 0, 2, 3]),
    "first axis": ([node("Sub", ["steps", "s"], "m")], [1, 0, 2, 3]),
    "two computed": ([node("Sigmoid", ["s"], "g"), node("Mul", ["s", "g"], "m")], [1, 0, 2, 3]),
    "transpose": ([node("Transpose", ["s"], "m", perm=[3, 0, 1, 2])], [2, 1, 0, 3]),
    "pick one": ([node("Gather", ["s", "one"], "m", axis=0)], [0, 1, 2]),
    "pick some": ([node("Gather", ["s", "two"], "m", axis=0)], [1, 0, 2, 3]),
    "pick squares": ([node("Gather", ["s", "many"], "m", axis=0)], [2, 0, 1, 3, 4]),
    "pick behind": ([node("Gather", ["s", "two"], "m", axis=-1)], [1, 0, 2, 3]),
    "slice": ([node("Slice", ["s", "from", "to", "a0"], "m")], [1, 0, 2, 3]),
    "split": (
        [onnx.helper.make_node("Split", ["s", "parts"], ["m0", "m"], "split", axis=2)],
        [1, 0, 2, 3],
    ),
    "concat": ([node("Concat", ["s", "s"], "m", axis=0)], [1, 0, 2, 3]),
    "mean before": ([node("ReduceMean", ["s"], "m", axes=[0], keepdims=0)], [0, 1, 2]),
    "mean behind": ([node("ReduceMean", ["s"], "m", axes=[-1], keepdims=1)], [1, 0, 2, 3]),
    "softmax": ([node("Softmax", ["s"], "m", axis=2)], [1, 0, 2, 3]),
    "norm": ([node("LayerNormalization", ["s", "scale", "row"], "m", axis=-1)], [1, 0, 2, 3]),
    "rows": ([node("MatMul", ["s", "k"], "m")], [1, 0, 2, 3]),
    "unsqueeze": ([node("Unsqueeze", ["s", "a0"], "m")], [2, 0, 1, 3, 4]),
    "unsqueeze behind": ([node("Unsqueeze", ["s", "a4"], "m")], [1, 0, 2, 3, 4]),
    "squeeze": (
        [node("ReduceSum", ["s", "a2"], "u"), node("Squeeze", ["u", "a2"], "m")],
        [1, 0, 2],
    ),
    "one axis with others": (
        [node("Reshape", ["s", "join"], "j"), node("Relu", ["j"], "r"), node("Reshape", ["r", "apart"], "m")],
        [1, 0, 2, 3],
    ),
    "joined and turned": (
        [
            node("Reshape", ["s", "join"], "j"),
            node("Transpose", ["j"], "t", perm=[1, 2, 0]),
            node("Transpose", ["t"], "b", perm=[2, 0, 1]),
            node("Reshape", ["b", "apart"], "m"),
        ],
        [1, 0, 2, 3],
    ),
    "flat behind": ([node("Reshape", ["s", "last"], "m")], [1, 0, 2]),
}


def built(name: str) -> onnx.ModelProto:
    nodes, back = ROWS[name]
    ends = [node("Transpose", ["x"], "s", perm=[1, 0, 2, 3]), *nodes, node("Transpose", ["m"], "y", perm=back)]
    return model(ends, ["n", *SHAPE], weights=WEIGHTS)


@pytest.mark.parametrize("name", ROWS)
def test_operators(tmp_path: Path, name: str) -> None:
    proto = built(name)
    x = RNG.standard_normal((6, *SHAPE)).astype(np.float32)
    (wanted,) = ort.InferenceSession(proto.SerializeToString()).run(None, {"x": x})
    got = run(load(save(proto, tmp_path / "m.onnx")), x.astype(np.float64))
    assert got.shape == wanted.shape
    assert np.abs(got - wanted).max() < 1e-5


@pytest.mark.parametrize("options", [{}, {"spelt": True}, {"mean": True}, {"spelt": True, "mean": True}])
def test_a_transformer(tmp_path: Path, options: dict[str, Any]) -> None:
    proto = encoder(**options)
    x = np.random.default_rng(0).integers(0, 7, (9, 5))
    (wanted,) = ort.InferenceSession(proto.SerializeToString()).run(None, {"x": x})
    graph = load(save(proto, tmp_path / "m.onnx"))
    folded = Fold().apply(graph)
    for each in (graph, folded):
        assert np.abs(run(each, x) - wanted).max() < 1e-5
    exported = export(folded, graph.outputs)
    (again,) = ort.InferenceSession(exported).run(None, {"x": x})
    assert np.abs(again - wanted).max() < 1e-5
    assert "Gelu" in {each.op for each in folded.nodes}
    assert len(list(folded.layers())) == 8


def test_a_large_matrix_that_is_added_is_a_weight(tmp_path: Path) -> None:
    """What tells the places apart, of 40 steps of 8."""
    graph = load(save(encoder(steps=40), tmp_path / "m.onnx"))
    folded = Fold().apply(graph)
    verify(folded, after="fold")
    assert [each.op for each in folded.layers()][:2] == ["Embedding", "Shift"]
    x = np.random.default_rng(0).integers(0, 7, (4, 40))
    wanted = run(graph, x)
    assert np.abs(run(folded, x) - wanted).max() < 1e-5
    (again,) = ort.InferenceSession(export(folded, graph.outputs)).run(None, {"x": x})
    assert np.abs(again - wanted).max() < 1e-5


def refused(nodes: list[onnx.NodeProto], tmp_path: Path) -> str:
    proto = model(nodes, ["n", *SHAPE], weights=WEIGHTS, y=nodes[-1].output[0])
    with pytest.raises(EmccError) as error:
        load(save(proto, tmp_path / "m.onnx"))
    return str(error.value)


def test_an_output_whose_samples_are_behind(tmp_path: Path) -> None:
    """As before: the node that moves them is named."""
    said = refused([node("Transpose", ["x"], "y", perm=[1, 0, 2, 3])], tmp_path)
    assert "perm [1, 0, 2, 3] moves the batch axis" in said


@pytest.mark.parametrize(
    "last",
    [
        node("Softmax", ["s"], "y", axis=1),
        node("ReduceMean", ["s"], "y", axes=[1]),
        node("Add", ["s", "x"], "y"),
        node("LayerNormalization", ["s", "scale"], "y", axis=0),
    ],
)
def test_what_mixes_samples(tmp_path: Path, last: onnx.NodeProto) -> None:
    assert "batch" in refused([node("Transpose", ["x"], "s", perm=[1, 0, 2, 3]), last], tmp_path)


def strided(stride: int, first: tuple[int, ...] = (3, 0, 7, 7)) -> onnx.ModelProto:
    """torch's as_strided: of the elements of all samples, 8 each, those that `first` names, and so many behind them for
    each other sample."""
    constants = {
        "all": np.array([-1]),
        "zero": np.array(0),
        "a0": np.array([0]),
        "step": np.array(1),
        "stride": np.array(stride),
        "tail": np.array([1, 2]),
        "first": np.array(first).reshape(1, 2, 2),
    }
    nodes = [
        node("Relu", ["x"], "r"),
        node("Shape", ["x"], "sizes", start=0, end=1),
        node("Squeeze", ["sizes", "a0"], "n"),
        node("Reshape", ["r", "all"], "flat"),
        node("Range", ["zero", "n", "step"], "numbers"),
        node("Mul", ["numbers", "stride"], "begins"),
        node("Unsqueeze", ["begins", "tail"], "column"),
        node("Add", ["column", "first"], "places"),
        node("Gather", ["flat", "places"], "y"),
    ]
    return model(nodes, ["n", 4, 2], weights=constants)


def test_each_sample_picks_its_own_of_all_samples_elements(tmp_path: Path) -> None:
    path = save(strided(8), tmp_path / "m.onnx")
    x = RNG.standard_normal((5, 4, 2)).astype(np.float32)
    (wanted,) = ort.InferenceSession(path).run(None, {"x": x})
    found = run(load(path), x)
    assert found.shape == wanted.shape == (5, 2, 2)
    np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize(("stride", "first"), [(4, (3, 0, 7, 7)), (8, (3, 0, 7, 8)), (0, (0, 1, 2, 3))])
def test_samples_that_pick_of_others(tmp_path: Path, stride: int, first: tuple[int, ...]) -> None:
    with pytest.raises(EmccError, match="batch"):
        load(save(strided(stride, first), tmp_path / "m.onnx"))
