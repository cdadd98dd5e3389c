"""MLPerf Tiny's quantised files and the ACAS Xu networks through the compiler, where the shared data is there."""

import os
from pathlib import Path

import numpy as np
import pytest
from quantised_files import answers, compiled

from emcc import frontend
from emcc.compress.kmeans import Share
from emcc.eie.lower import lower
from emcc.ir.codebook import looked_up_in
from emcc.ir.graph import Array, Graph
from emcc.ir.program import Program
from emcc.ops import interpret
from emcc.passes.calibrate import Calibrate
from emcc.passes.fold import Fold
from emcc.passes.quantise import Quantise

DATA = Path(os.environ.get("EMCC_DATA", Path(__file__).parents[3] / "shared" / "data"))
TINY = DATA / "models" / "mlperf_tiny"
pytestmark = pytest.mark.skipif(not TINY.is_dir(), reason=f"{TINY} is not there (EMCC_DATA says where)")


@pytest.mark.parametrize("bits", [16, 8])
@pytest.mark.parametrize("name", ["kws", "ic", "vww"])
def test_labels_of_quantised_files(name: str, bits: int) -> None:
    """All right, as onnxruntime has them; every layer's weights are codes of 8 bits."""
    with np.load(TINY / f"{name}.npz") as held:
        x, y = held["xq"], held["y"]
    shared, program = compiled(frontend.load(TINY / f"{name}_int8_qdq.onnx"), bits)
    assert all(book.identity and book.code_w == 8 for book in shared.codebooks.values())
    assert (answers(program, x).argmax(1) == y).all()


def test_weights_are_those_of_the_file() -> None:
    """Of KWS, code by code, the order of rows aside."""
    import onnx
    from onnx import numpy_helper

    proto = onnx.load(TINY / "kws_int8_qdq.onnx").graph
    stored = [numpy_helper.to_array(tensor) for tensor in proto.initializer if len(tensor.dims) in (2, 4)]
    files = sorted((value.shape, np.sort(value.ravel()).tobytes()) for value in stored if value.dtype == np.int8)
    shared, program = compiled(frontend.load(TINY / "kws_int8_qdq.onnx"))
    held = [book.codes.T if book.codes.ndim == 2 else book.codes for book in shared.codebooks.values()]
    assert sorted((codes.shape, np.sort(codes.ravel()).tobytes()) for codes in held) == files
    dense = [slices.code for slices in program.slices] + [codes for codes in program.codes if codes.shape[0] > 1]
    integers = np.concatenate([looked_up_in(codes, None).ravel() for codes in dense])
    for value in (-127, -1, 1, 127):
        assert np.count_nonzero(integers == value) == sum(np.count_nonzero(codes == value) for codes in held)


def test_the_autoencoder_rebuilds_as_its_file_does() -> None:
    """Reconstruction errors of the quantised file within 3 % of onnxruntime's on it, of the float file of its own."""
    import onnxruntime as ort

    with np.load(TINY / "ad.npz") as held:
        x, xq = held["x"].astype(float), held["xq"]
    path = TINY / "ad_int8_qdq.onnx"
    graph = frontend.load(path)
    folded = Fold().apply(graph)
    affine = folded.affines[folded.outputs[0]]
    ran = ort.InferenceSession(str(path), providers=["CPUExecutionProvider"]).run(None, {graph.inputs[0]: xq})[0]

    def error(y: Array) -> float:
        return float(np.square(y - x).mean())

    wanted = error((ran.astype(float) - affine.offset) / affine.scale)
    for bits in (16, 8):
        got = error((answers(compiled(graph, bits)[1], xq) - affine.offset) / affine.scale)
        assert abs(got / wanted - 1) < 0.03
    plain = frontend.load(TINY / "ad_float.onnx")
    wanted = error(np.asarray(interpret.run(Fold().apply(plain), x)))
    for bits in (16, 8):
        got = error(answers(kept(plain, np.float32(x), bits), x))
        assert abs(got / wanted - 1) < 0.03


def kept(graph: Graph, data: Array, bits: int = 16) -> Program:
    """With kept weights, calibrated on data."""
    shared = Share().kept().apply(Fold().apply(graph))
    return lower(Quantise().apply(Calibrate(bits=bits, data=data).apply(shared)))


@pytest.mark.parametrize("name", ["1_1", "3_3"])
def test_acas_xu_decides_alike(name: str) -> None:
    """With weights of 16 bits, by the least and by the most score."""
    graph = frontend.load(DATA / "models" / f"ACASXU_experimental_v2a_{name}.onnx")
    rng = np.random.default_rng(0)
    x = rng.uniform([-0.33, -0.5, -0.5, -0.5, -0.5], [0.68, 0.5, 0.5, 0.5, 0.5], (6000, 5)).astype(np.float32)
    x = x.reshape(-1, *graph.tensors[graph.inputs[0]].shape[1:])  # type: ignore[arg-type]
    program = kept(graph, x[:2000])
    assert sum(slices.code_w == 16 for slices in program.slices) == 5
    got = answers(program, x[2000:])
    wanted = np.asarray(interpret.run(Fold().apply(graph), x[2000:].astype(float))).reshape(len(got), -1)
    assert (got.argmin(1) == wanted.argmin(1)).mean() >= 0.985
    assert (got.argmax(1) == wanted.argmax(1)).mean() >= 0.985
