"""Rows of a table that integers of an input pick: what is read, what is refused, and what a data file may hold."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from models import model, node, save
from onnx import TensorProto

from emcc.base.errors import EmccError
from emcc.frontend import load
from emcc.ops.interpret import run
from emcc.samples.load import load_data
from emcc.samples.sampling import sample

RNG = np.random.default_rng(4)
WEIGHTS = {
    "table": RNG.standard_normal((6, 3)).astype(np.float32),
    "w": RNG.standard_normal((12, 2)).astype(np.float32),
    "flat": np.array([0, -1]),
    "three": np.array(3),
}


def tokens(*nodes: onnx.NodeProto, kind: int = TensorProto.INT64) -> onnx.ModelProto:
    """x [n, 4] through `nodes`, of which the last makes y."""
    proto = model(nodes, ["n", 4], weights=WEIGHTS, y="y")
    proto.graph.input[0].type.tensor_type.elem_type = kind
    return proto


PICK = (node("Gather", ["table", "x"], "e"), node("Reshape", ["e", "flat"], "f"), node("MatMul", ["f", "w"], "y"))


@pytest.mark.parametrize("kind", [TensorProto.INT32, TensorProto.INT64])
def test_rows(tmp_path: Path, kind: int) -> None:
    ort = pytest.importorskip("onnxruntime")
    proto = tokens(*PICK, kind=kind)
    graph = load(save(proto, tmp_path / "m.onnx"))
    assert graph.tensors["x"].dtype == ("int32" if kind == TensorProto.INT32 else "int64")
    x = np.array([[0, 1, 2, 3], [5, -1, -6, 4]])
    fed = x.astype(np.int32 if kind == TensorProto.INT32 else np.int64)
    (wanted,) = ort.InferenceSession(proto.SerializeToString()).run(None, {"x": fed})
    assert np.abs(run(graph, x) - wanted).max() < 1e-5


def test_rows_by_integers_that_are_moved_and_cast(tmp_path: Path) -> None:
    first = [
        node("Cast", ["x"], "c", to=TensorProto.INT32),
        node("Unsqueeze", ["c", "one"], "u"),
        node("Gather", ["table", "u"], "e"),
    ]
    proto = tokens(*first, *PICK[1:])
    proto.graph.initializer.append(onnx.numpy_helper.from_array(np.array([1]), "one"))
    graph = load(save(proto, tmp_path / "m.onnx"))
    plain = load(save(tokens(*PICK), tmp_path / "p.onnx"))
    x = RNG.integers(0, 6, (5, 4))
    assert np.array_equal(run(graph, x), run(plain, x))


def test_both_of_two_that_read_one_table(tmp_path: Path) -> None:
    nodes = [*PICK[:2], node("Gather", ["table", "x"], "g"), node("Reshape", ["g", "flat"], "h")]
    proto = tokens(*nodes, node("Add", ["f", "h"], "s"), node("MatMul", ["s", "w"], "y"))
    graph = load(save(proto, tmp_path / "m.onnx"))
    assert [each.op for each in graph.nodes].count("Embedding") == 2
    assert [each.op for each in graph.layers()] == ["Embedding"]


REFUSED: list[tuple[onnx.ModelProto, str]] = [
    (tokens(node("Add", ["x", "three"], "a"), node("Gather", ["table", "a"], "y")), "'x' is INT64, not FLOAT"),
    (tokens(node("Gather", ["table", "x"], "y", axis=1)), "gathers along axis 1 of [6, 3]"),
    (tokens(node("Gather", ["flat", "x"], "y")), "holds int64, not floats"),
    (
        tokens(
            *(node("Gather", ["table", "x"], "g"), node("Cast", ["x"], "c", to=TensorProto.FLOAT)),
            *(node("MatMul", ["c", "table"], "m"), node("Add", ["g", "m"], "y")),
        ),
        "casts integers of the model's input to FLOAT",
    ),
]


@pytest.mark.parametrize(("proto", "message"), REFUSED)
def test_what_is_refused(tmp_path: Path, proto: onnx.ModelProto, message: str) -> None:
    with pytest.raises(EmccError) as error:
        load(save(proto, tmp_path / "m.onnx"))
    assert message in str(error.value)


def test_a_mask_is_refused(tmp_path: Path) -> None:
    nodes = [*PICK, node("Equal", ["x", "three"], "q"), node("Cast", ["q"], "m", to=TensorProto.FLOAT)]
    nodes[2] = node("MatMul", ["f", "w"], "z")
    proto = tokens(*nodes, node("ReduceMean", ["m"], "r", axes=[1]), node("Add", ["z", "r"], "y"))
    with pytest.raises(EmccError, match="'x' is INT64, not FLOAT"):
        load(save(proto, tmp_path / "m.onnx"))


def data(tmp_path: Path, **arrays: Any) -> Any:
    np.savez(tmp_path / "d.npz", **arrays)
    return load_data(tmp_path / "d.npz", load(save(tokens(*PICK), tmp_path / "m.onnx")))


@pytest.mark.parametrize("dtype", ["int8", "uint16", "int32", "int64", "uint64"])
def test_integers_stay_integers(tmp_path: Path, dtype: str) -> None:
    x = RNG.integers(0, 6, (5, 4)).astype(dtype)
    held = data(tmp_path, x=x).x
    assert held.dtype == np.int32
    assert np.array_equal(held, x)


@pytest.mark.parametrize("value", [6, -7, 1 << 40])
def test_a_row_that_is_not_there(tmp_path: Path, value: int) -> None:
    x = np.zeros((5, 4), np.int64)
    x[3, 1] = value
    with pytest.raises(EmccError) as error:
        data(tmp_path, x=x)
    assert f"x holds {value} in sample 3, and the table that it picks from has 6 rows" in str(error.value)


def test_floats_pick_nothing(tmp_path: Path) -> None:
    with pytest.raises(EmccError, match="x is float32, not integers"):
        data(tmp_path, x=np.zeros((5, 4), np.float32))


def test_noise_is_rows_of_the_table(tmp_path: Path) -> None:
    noise = sample(load(save(tokens(*PICK), tmp_path / "m.onnx")), None).x
    assert noise.dtype == np.int32
    assert sorted(np.unique(noise)) == list(range(6))
