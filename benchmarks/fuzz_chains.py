"""Random ONNX chains through `emcc compile`: onnxruntime, the folded graph, the integer graph and the program agree.

    python benchmarks/fuzz_chains.py [--seed N] [--count 200] [--json FILE]

The chains are those of tests/random_chains.py. The program's integers equal the integer graph's; the folded graph is
within rounding of onnxruntime, and so are the integers' values but for a share (OFF) of the largest value of any
tensor, which a chain of 16-bit layers rounds by. Chains that the accelerator has no layer for are refused, and counted.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import onnx
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.common import fuzz
from emcc.base.errors import EmccError
from emcc.container import decode
from emcc.driver.compile import compile_model
from emcc.driver.request import CompileOptions
from emcc.eie import reference
from emcc.eie.store import load_program
from emcc.frontend import load
from emcc.ops import host, interpret
from emcc.passes.fold import Fold
from emcc.samples.sampling import dequantised, quantised

from models import onnxruntime_run, save  # isort: skip
from random_chains import chains  # isort: skip

OFF = 0.02
SAMPLES = 8
CASE = st.tuples(chains(tuple(range(7, 23))), st.integers(0, 2**32 - 1))


def agrees(case: tuple[tuple[onnx.ModelProto, tuple[int, ...]], int]) -> str | None:
    """Compile a chain with its own samples; raise AssertionError where two meanings differ."""
    (proto, shape), seed = case
    batches = np.random.default_rng(seed).standard_normal((SAMPLES, *shape)).astype(np.float32)
    truth = np.concatenate([onnxruntime_run(proto, x) for x in batches])
    x = batches.reshape(-1, *shape[1:])
    with TemporaryDirectory() as folder:
        model, data = save(proto, Path(folder) / "m.onnx"), Path(folder) / "x.npz"
        np.savez(data, x=x)
        graph = Fold().apply(load(model))
        values = interpret.trace(graph, x)
        folded = host.apply(graph.host, values[graph.outputs[0]])
        np.testing.assert_allclose(
            folded.reshape(truth.shape), truth, rtol=1e-3, atol=1e-4 * max(1, np.abs(truth).max())
        )
        try:
            artefact = compile_model(CompileOptions(model, data=data, keep_weights=True))
        except EmccError as error:
            return f"refused: {str(error).splitlines()[0].removeprefix(f'{model}: ')}"
    program, integer = load_program(artefact.files["program.npz"]), decode(artefact.files["model.emc"])
    codes = quantised(program, x)
    outputs = reference.run(program, codes)
    np.testing.assert_array_equal(outputs, interpret.run(integer, codes).reshape(outputs.shape))
    y = dequantised(program, outputs).reshape(outputs.shape)
    largest = max(float(np.abs(value).max()) for value in values.values())
    np.testing.assert_allclose(y, values[graph.outputs[0]].reshape(y.shape), rtol=0, atol=OFF * largest)
    return None


def main(arguments: Sequence[str] | None = None) -> int:
    return fuzz.main(__doc__ or "", {"chains": (CASE, agrees)}, arguments)


if __name__ == "__main__":
    sys.exit(main())
