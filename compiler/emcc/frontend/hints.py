"""What to do about operators that emcc does not compile. Every hint is tried on a model by a test."""

from emcc.ops import having
from emcc.ops.grid import STEPPED

_CONV = (
    "of the operators on images emcc has Conv, ConvTranspose, MaxPool, AveragePool, global pools, Resize and "
    "DepthToSpace"
)
_FUNCTION = f"use one of {', '.join(op for op in having('activation') if op not in STEPPED)}"
_RECURRENT = "emcc keeps no state between inferences: unroll the network, or replace the layer"
_CONTROL = "export the model without control flow: a fixed input shape and constant conditions often remove it"
_NORM = "use BatchNormalization, which folds into the weights, or Layer- or InstanceNormalization"
_SELECT = "select features by Slice, Split, or Gather with constant indices along one axis"

_HINTS = {
    _CONV: "DeformConv LpPool MaxUnpool",
    _FUNCTION: "Shrink Hardmax",
    _RECURRENT: "LSTM GRU RNN",
    _CONTROL: "If Loop Scan SequenceMap Optional",
    _NORM: "MeanVarianceNormalization",
    _SELECT: "GatherElements GatherND Compress",
}
_BY_OP = {op: hint for hint, ops in _HINTS.items() for op in ops.split()}
_OTHER = "leave it out, or express it by Gemm, MatMul, Conv, Add, Mul, BatchNormalization and activations"
STANDARD = "export with standard operators only"
INLINE = "put its function in its place: onnx.inliner.inline_local_functions(model)"


def hint_for(op: str) -> str:
    """Return the advice for an operator that cannot be compiled."""
    return _BY_OP.get(op, _OTHER)


def all_hints() -> tuple[str, ...]:
    """Return every hint of this file."""
    return (*_HINTS, _OTHER, STANDARD, INLINE)
