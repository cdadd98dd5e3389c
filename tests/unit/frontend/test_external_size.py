"""The size of a model is that of all its files."""

from pathlib import Path

import numpy as np
import onnx
from models import mlp

from emcc.frontend import survey


def test_external_data_counts(tmp_path: Path) -> None:
    onnx.save(mlp((30, 40, 5), seed=1), tmp_path / "whole.onnx")
    onnx.save(
        mlp((30, 40, 5), seed=1), tmp_path / "m.onnx", save_as_external_data=True, location="m.data", size_threshold=0
    )
    files = (tmp_path / "m.onnx").stat().st_size + (tmp_path / "m.data").stat().st_size
    assert (tmp_path / "m.data").stat().st_size >= 4 * (30 * 40 + 40 * 5)
    assert survey(tmp_path / "m.onnx").facts.size == files
    assert survey(tmp_path / "whole.onnx").facts.size == (tmp_path / "whole.onnx").stat().st_size


def test_a_data_file_elsewhere_counts_nothing(tmp_path: Path) -> None:
    model = mlp((3, 4, 2), seed=1)
    tensor = model.graph.initializer[0]
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../../etc/passwd")
    tensor.raw_data = np.float32(0).tobytes()
    (tmp_path / "m.onnx").write_bytes(model.SerializeToString())
    assert survey(tmp_path / "m.onnx").facts.size == (tmp_path / "m.onnx").stat().st_size
