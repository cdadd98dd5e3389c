"""Random ONNX models, most of them wrong: each is refused in words, or computes what onnxruntime computes.

    python benchmarks/fuzz_imports.py [--seed N] [--count 200] [--json FILE]

The models are those of tests/random_imports.py. What the front end takes is run as it is and folded, on three samples,
and onnxruntime on the same, one by one where the model is for one sample; infinities and halves are let be.
"""

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.common import fuzz
from emcc import frontend
from emcc.base.errors import EmccError
from emcc.ops import host, interpret
from emcc.passes.fold import Fold

from models import onnxruntime_run, save  # isort: skip
from random_imports import imports  # isort: skip

SAMPLES = 3


def agrees(proto: onnx.ModelProto) -> str:
    """Return what became of a model; raise AssertionError where it computes something else."""
    with tempfile.TemporaryDirectory() as folder:
        path = save(proto, Path(folder) / "m.onnx")
        try:
            graph = frontend.load(path)
            folded = Fold().apply(graph)
        except EmccError:
            return "refused"
        half = frontend.remarks(path).half
        axes = [axis.dim_value for axis in proto.graph.input[0].type.tensor_type.shape.dim]
        alone = len(graph.tensors[graph.inputs[0]].shape) > len(axes)  # the model has no axis of samples
        x = np.random.default_rng(0).standard_normal((SAMPLES, *axes[not alone :])).astype(np.float32)
        try:
            parts = [onnxruntime_run(path, part) for part in (x if alone else x[:, None] if axes[0] == 1 else [x])]
        except Exception:  # whatever onnxruntime raises for a model that it does not take
            return "not run by onnxruntime"
    truth = np.concatenate([np.ravel(part) for part in parts])
    if half or not np.isfinite(truth).all():
        return "not compared"
    for either in (graph, folded):
        got = np.ravel(host.apply(either.host, interpret.run(either, x)))
        np.testing.assert_allclose(got, truth, rtol=1e-3, atol=1e-3 * max(1.0, float(np.abs(truth).max(initial=0))))
    return "right"


def main(arguments: Sequence[str] | None = None) -> int:
    return fuzz.main(__doc__ or "", {"imports": (imports(), agrees)}, arguments)


if __name__ == "__main__":
    sys.exit(main())
