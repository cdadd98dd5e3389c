"""What the host does after the last layer, against onnxruntime's operators."""

import numpy as np
import pytest
from models import model, node, onnxruntime_run, save

from emcc.ops import host

pytest.importorskip("onnxruntime")


@pytest.mark.parametrize(
    ("op", "attrs", "shape"),
    [
        ("Softmax", {}, (4, 7)),
        ("Softmax", {"axis": 1}, (4, 5, 3)),
        ("LogSoftmax", {"axis": -1}, (4, 7)),
        ("ArgMax", {}, (4, 7)),
        ("ArgMax", {"axis": 1, "keepdims": 0}, (4, 7)),
        ("ArgMax", {"axis": -1, "select_last_index": 1}, (4, 7)),
    ],
)
def test_as_onnxruntime_does(op, attrs, shape, tmp_path) -> None:
    from onnx import TensorProto

    kind = TensorProto.INT64 if op == "ArgMax" else TensorProto.FLOAT
    path = save(model([node(op, ["x"], "y", **attrs)], shape, output_type=kind), tmp_path / "m.onnx")
    x = np.random.default_rng(0).integers(-3, 3, shape).astype(np.float32)
    assert np.allclose(host.apply([(op, attrs)], x), onnxruntime_run(path, x), rtol=1e-6, atol=1e-6)


def test_classes() -> None:
    x = np.array([[1.0, 3.0, 2.0], [5.0, 0.0, 0.0]])
    for tail in (
        [],
        [("Softmax", {})],
        [("ArgMax", {"axis": 1})],
        [("Softmax", {}), ("ArgMax", {"axis": 1, "keepdims": 0})],
    ):
        assert host.classes(tail, x).tolist() == [1, 0]
    assert host.classes([], x.reshape(2, 3, 1)).tolist() == [1, 0]
    assert host.classes([], np.zeros((2, 3, 4))) is None
    assert host.classes([], np.zeros((2, 1))) is None
    assert host.classes([("ArgMax", {"axis": 1})], np.zeros((2, 3, 4))) is None
