"""The imported graph against onnxruntime, where that is installed: an import that is wrong must not go on."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np

from emcc.base.errors import EmccError
from emcc.base.text import printable
from emcc.ir.graph import Array, Graph
from emcc.ops import interpret

TOLERANCE = 1e-3
"""Of the output's largest magnitude; float32 against float64 on networks of this size stays well below."""

SAME = 0.98
"""Share of equal integers, where the model's own output is an arg-max: near-ties may go either way."""


def check(graph: Graph, path: Path, x: Array) -> str:
    """Compare the imported `graph` with onnxruntime on `x`, float32 [n, ...]; return a sentence on what was checked.

    Raises:
        EmccError: they disagree.
    """
    if find_spec("onnxruntime") is None:
        return "not checked against onnxruntime, which is not installed"
    wanted = _outputs(path, x)
    if isinstance(wanted, str):
        return f"not checked against onnxruntime, which cannot run the model: {wanted}"
    got = np.asarray(interpret.run(graph, x.astype(np.float64)))
    if got.size != wanted.size:
        raise EmccError(f"onnxruntime's output has {wanted.size} elements, emcc's {got.size}", file=path, hint=_HINT)
    got = got.reshape(wanted.shape)
    if wanted.dtype.kind in "iu":
        same = float(np.mean(got == wanted))
        if same < SAME:
            message = f"the import disagrees with onnxruntime on {1 - same:.0%} of outputs"
            raise EmccError(message, file=path, hint=_HINT)
        return f"same classes as onnxruntime on {len(x)} samples"
    worst = float(np.abs(got - wanted).max(initial=0.0))
    scale = max(float(np.abs(wanted).max(initial=0.0)), 1e-6)
    if not worst <= TOLERANCE * scale:
        raise EmccError(f"the import disagrees with onnxruntime by {worst:.3g} of {scale:.3g}", file=path, hint=_HINT)
    return f"agrees with onnxruntime on {len(x)} samples"


_HINT = "this is a bug in emcc, or in the model: please report it with the model"


def _outputs(path: Path, x: Array) -> Array | str:
    """Return onnxruntime's output for the samples, in batches where the model fixes one; or why there is none."""
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    try:
        session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        (source, *_) = session.get_inputs()
        fixed = bool(source.shape) and isinstance(source.shape[0], int)
        size = source.shape[0] if fixed else len(x)
        kind = np.float64 if source.type == "tensor(double)" else np.float32
        parts = []
        for begin in range(0, len(x), size):
            batch = x[begin : begin + size]
            if len(batch) < size:
                batch = np.concatenate([batch, np.repeat(batch[-1:], size - len(batch), axis=0)])
            parts.append(np.asarray(session.run(None, {source.name: batch.astype(kind)})[0]))
        return np.concatenate([part.reshape(size, -1) for part in parts])[: len(x)]
    except Exception as error:
        if type(error).__module__.startswith("onnxruntime"):
            return printable(str(error))
        raise
