"""What to do about operators that emcc does not compile."""

from emcc.ops import having

_CONV = "of the operators on images emcc has Conv, MaxPool, AveragePool, GlobalAveragePool and Concat"
_FUNCTION = f"use {', '.join(having('activation')[:-1])} or {having('activation')[-1]}"
_RECURRENT = "--target eie has no state between inferences: unroll the network, or replace the layer"
_CONTROL = "export the model without control flow: a fixed input shape and constant conditions often remove it"
_NORM = "use BatchNormalization, which folds into the weights"
_QUANTISED = "give emcc the float model: it quantises by itself"
_SELECT = "select features by a Gemm with a matrix of 0 and 1"

_HINTS = {
    _CONV: "ConvTranspose ConvInteger QLinearConv DeformConv GlobalMaxPool LpPool MaxUnpool Pad Resize Upsample LRN",
    _FUNCTION: "Elu Selu Celu Gelu HardSigmoid HardSwish Swish Mish PRelu Softplus Softsign ThresholdedRelu Erf Exp "
    "Sqrt Pow Abs Sin Cos",
    _RECURRENT: "LSTM GRU RNN",
    _CONTROL: "If Loop Scan SequenceMap Optional",
    _NORM: "LayerNormalization GroupNormalization InstanceNormalization RMSNormalization LpNormalization",
    _QUANTISED: "QuantizeLinear DequantizeLinear QLinearMatMul MatMulInteger DynamicQuantizeLinear",
    _SELECT: "Gather Slice Split",
}
_BY_OP = {op: hint for hint, ops in _HINTS.items() for op in ops.split()}


def hint_for(op: str) -> str:
    """Return the advice for an operator that cannot be compiled."""
    return _BY_OP.get(
        op, "leave it out, or express it by Gemm, MatMul, Conv, Add, Mul, BatchNormalization and activations"
    )
