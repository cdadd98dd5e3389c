"""onnxruntime's process: what a model may not take ends it and not emcc, and the next model finds a new one."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from models import mlp, model, node, save
from onnx import TensorProto, helper

from emcc.frontend import live, load, ort
from emcc.measure import truth

pytest.importorskip("onnxruntime")
ONES = np.ones((2, 6), np.float32)


def endless() -> onnx.NodeProto:
    """A Loop of 2^62 turns that makes "dead"."""
    kinds = {"it": (TensorProto.INT64, []), "c": (TensorProto.BOOL, []), "v": (TensorProto.FLOAT, [1])}
    given = [helper.make_tensor_value_info(name, *kind) for name, kind in kinds.items()]
    made = [helper.make_tensor_value_info("co", *kinds["c"]), helper.make_tensor_value_info("vo", *kinds["v"])]
    body = helper.make_graph([node("Identity", ["c"], "co"), node("Identity", ["v"], "vo")], "body", given, made)
    return helper.make_node("Loop", ["turns", "yes", "one"], ["dead"], body=body)


def looping(output: str) -> onnx.ModelProto:
    values = {"turns": np.array(1 << 62), "yes": np.array(True), "one": np.ones(1, np.float32)}
    return model([node("Relu", ["x"], "y"), endless()], ["n", 6], weights=values, y=output)


def still_works() -> bool:
    proto = mlp((6, 9, 4))
    session = ort.Session(proto.SerializeToString())
    (value,) = session.run([proto.graph.output[0].name], dict.fromkeys(session.inputs, ONES))
    return value.shape == (2, 4)


def test_time_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    session = ort.Session(looping("dead").SerializeToString())
    monkeypatch.setattr(session, "_seconds", 1)
    with pytest.raises(ort.OrtError, match="takes more than 1 s"):
        session.run(["dead"], {"x": ONES})
    assert still_works()


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ort, "MEMORY", 1 << 28)
    huge = model(
        [node("ConstantOfShape", ["s"], "c"), node("Add", ["x", "c"], "y")],
        ["n", 6],
        weights={"s": np.array([1 << 33, 6])},
    )
    with pytest.raises(ort.OrtError, match=r"memory|alloc"):
        ort.Session(huge.SerializeToString()).run(["y"], {"x": ONES})
    assert still_works()


def test_what_is_dead_is_not_run(tmp_path: Path) -> None:
    proto = looping("y")
    proto.graph.output.append(helper.make_tensor_value_info("dead", TensorProto.FLOAT, [1]))
    path = save(proto, tmp_path / "m.onnx")
    data, _ = live(path, ["y"]) or (b"", {})
    assert [each.op_type for each in onnx.load_from_string(data).graph.node] == ["Relu"]
    assert truth.check(load(path, output="y"), path, ONES).startswith("agrees with onnxruntime on 2 samples")


def test_data_outside_the_file_is_given_to_it(tmp_path: Path) -> None:
    """It opens no file that a model names."""
    path = tmp_path / "m.onnx"
    onnx.save(mlp((6, 9, 4)), path, save_as_external_data=True, location="m.data", size_threshold=0)
    graph = load(path)
    data, outside = live(path, graph.outputs) or (b"", {})
    assert sorted(outside) == sorted(tensor.name for tensor in onnx.load_from_string(data).graph.initializer)
    assert truth.check(graph, path, ONES) == "agrees with onnxruntime on 2 samples"


def test_a_batch_that_would_fill_the_memory_is_not_checked(tmp_path: Path) -> None:
    path = save(mlp((6, 9, 4), batch=(1 << 31) - 1), tmp_path / "m.onnx")
    assert "it takes 2,147,483,647 samples at a time" in truth.check(load(path), path, ONES)


def test_its_telemetry_is_off(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    ort.close()
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert still_works()
    ort.close()
    assert list(tmp_path.iterdir()) == []
