"""The header's fields, squeezed by the range coder after a primer: names repeat each other, and so do operators."""

from emcc.base.errors import EmccError
from emcc.container import adaptive
from emcc.container.bits import FormatError
from emcc.container.varint import read_uint, uint

LONGEST = 1 << 20
# Bits of what headers hold, as they stand there: texts with their sizes before them, and numbers. It is coded before
# them for its statistics alone. Part of the format: a change needs a new version.
PRIMER = (
    b"\x0dselect_last_index\x08keepdims\x06ArgMax\x0aLogSoftmax\x04axis\x07Softmax\x05alpha\x09LeakyRelu\x04Tanh\x07Sigmoid"
    b"\x04high\x03low\x04Clip\x11GlobalAveragePool\x0fcount_include_pad\x0bAveragePool\x05shape\x07Reshape\x04Relu"
    b"\x03Add\x03Mul\x04axis\x06Concat\x07epsilon\x12BatchNormalization\x07float64\x05int64\x04int8\x05int16\x07float32"
    b"\x0amain_graph\x16/conv1/Conv_output_0\x0d/Relu_output_0\x0f/Relu_1_output_0\x12/fc1/Gemm_output_0\x11/fc2/MatMul_output_0"
    b"\x0dmodel.0.weight\x0bmodel.0.bias\x0cconv1.weight\x0aconv1.bias\x0cconv2.weight\x0aconv2.bias\x0afc1.weight\x08fc1.bias"
    b"\x0afc2.weight\x08fc2.bias\x0afc3.weight\x08fc3.bias\x06output\x06logits\x0a/fc1/Gemm\x06/Relu\x0a/fc2/Gemm\x08/Relu_1"
    b"\x05model\x05image\x05input\x02c1\x02p1\x02c2\x02p2\x02z1\x02h1\x02h2\x06logits\x0aip1.weight\x08ip1.bias\x0aip2.weight\x08ip2.bias"
    b"\x05conv1\x04Conv\x09dilations\x05group\x04pads\x07strides\x05relu1\x04Relu"
    b"\x05pool1\x07MaxPool\x09ceil_mode\x09dilations\x0ckernel_shape\x04pads\x07strides"
    b"\x05conv2\x04Conv\x09dilations\x05group\x04pads\x07strides\x07flatten\x07Flatten\x04axis"
    b"\x03ip1\x06Linear\x05relu1\x04Relu\x03ip2\x06Linear"
    b"\x08\x01\x04\x00\x02\x1d\x1d\x01\x04\x00\x15\x19\x19\x00\x01\x04\x00\x15\x0d\x0d\x00\x01\x04\x00\x33\x09\x09"
    b"\x01\x02\x00\xf5\x03\x00\x01\x02\x00\x0b\x08\x05\x04\x14\x01\x05\x05\x12\x05\x04\x32\x14\x05\x05\x12"
    b"\x05\x02\xf4\x03\xa0\x06\x12\x05\x02\x0a\xf4\x03\x12\x01\x01\x01\x08\x07"
    b"\x03\x04\x09\x02\x02\x02\x03\x02\x09\x04\x00\x00\x00\x00\x09\x02\x02\x02\x01\x00"
    b"\x01\x05\x03\x00\x09\x02\x02\x02\x09\x02\x04\x04\x09\x04\x00\x00\x00\x00\x09\x02\x04\x04"
    b"\x03\x04\x09\x02\x02\x02\x03\x02\x09\x04\x02\x02\x02\x02\x09\x02\x02\x02"
    b"\x01\x00\x03\x00\x01\x00\x03\x00\x00"
    b"\x03\x00\x09\x03\x01\x1c\x1c\x1d\x19\xac\x02\x1c\x14\x00\x19\x64\x1e\x12\x00\x18\x0a\x1e\x12\x00\x01\x01\x03\x01"
)


def squeeze(plain: bytes) -> bytes:
    """uint bytes of `plain`, then the coder's."""
    if len(plain) > LONGEST:
        raise EmccError(f"the model's names and attributes take {len(plain)} bytes, more than {LONGEST}")
    return uint(len(plain)) + adaptive.write_bytes(plain, PRIMER)


def unsqueeze(data: bytes, at: int) -> bytes:
    """What was squeezed from byte `at` to the end."""
    size, at = read_uint(data, at)
    if size > LONGEST:
        raise FormatError(f"fields of {size} bytes")
    return adaptive.read_bytes(data[at:], size, PRIMER)
