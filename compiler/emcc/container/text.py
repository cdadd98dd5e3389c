"""The names in a header, squeezed: they repeat each other ("fc1.weight", "fc1.weight.codes", ...)."""

from emcc.container.bits import FormatError
from emcc.container.varint import read_uint, uint

# What names are made of, some with their size before them, as in the plain bytes. Part of the format: a change needs
# a new version.
DICTIONARY = (
    b"main_graphtorch-jit-exportSoftmaxArgMaxLogSoftmaxaxiskeepdimsselect_last_indexfloat32int16int8int64"
    b"\x04Clip\x04high\x03low\x06Concat\x04axis\x11GlobalAveragePool\x07Flatten\x04axis\x06Linear\x05alpha"
    b"\x07MaxPool\x09ceil_mode\x09dilations\x0ckernel_shape\x04pads\x07strides"
    b"\x04Conv\x09dilations\x05group\x04pads\x07strides\x04Relu"
    b"/Sigmoid_1/Tanh_/Relu/LeakyRelu/fc1/conv1/Gemm_output_0/MatMul_output_0/Add_output_0"
    b"imagedatalogitsoutputinput.bias.weight"
)
_SHORTEST = 3
_LONGEST_TEXT = 1 << 20


def join(texts: list[bytes]) -> bytes:
    """uint count, uint bytes, then tokens: uint(2 (n - 1)) and n bytes, or uint(2 (n - 3) + 1) and uint(back - 1):
    n bytes again, `back` before. The bytes are each text's uint length and the text."""
    plain = b"".join(uint(len(text)) + text for text in texts)
    history = DICTIONARY + plain
    out = bytearray(uint(len(texts)) + uint(len(plain)))
    at, literal = len(DICTIONARY), len(DICTIONARY)
    while at <= len(history):
        size, back = _longest(history, at)
        token = uint(2 * (size - _SHORTEST) + 1) + uint(back - 1) if size else b""
        if at == len(history) or size > len(token):
            if literal < at:
                out += uint(2 * (at - literal - 1)) + history[literal:at]
            out += token
            literal = at + size
        at += max(size if size > len(token) else 0, 1)
    return bytes(out)


def _longest(history: bytes, at: int) -> tuple[int, int]:
    """(size, distance back) of the longest and then nearest earlier copy of what starts at `at`; (0, 0) if short."""
    size, found = _SHORTEST - 1, -1
    while at + size < len(history):
        place = history.rfind(history[at : at + size + 1], 0, at + size)
        if place < 0:
            break
        size, found = size + 1, place
    return (size, at - found) if found >= 0 else (0, 0)


def split(data: bytes) -> tuple[list[bytes], int]:
    """(the texts, the byte after them) of what `join` put at the start of `data`."""
    count, at = read_uint(data, 0)
    size, at = read_uint(data, at)
    if size > _LONGEST_TEXT or count > size:
        raise FormatError(f"{count} texts in {size} bytes")
    history = bytearray(DICTIONARY)
    while len(history) < len(DICTIONARY) + size:
        token, at = read_uint(data, at)
        if token & 1:
            copies, (back, at) = token // 2 + _SHORTEST, read_uint(data, at)
            if back >= len(history) or copies > size:
                raise FormatError("a name refers to what is not there")
            for _ in range(copies):
                history.append(history[-back - 1])
        else:
            if at + token // 2 + 1 > len(data):
                raise FormatError("ends within a name")
            history += data[at : at + token // 2 + 1]
            at += token // 2 + 1
    if len(history) != len(DICTIONARY) + size:
        raise FormatError("the names are longer than they say")
    plain, texts, begin = bytes(history[len(DICTIONARY) :]), [], 0
    for _ in range(count):
        length, begin = read_uint(plain, begin)
        if length > len(plain) - begin:
            raise FormatError("ends within a name")
        texts.append(plain[begin : begin + length])
        begin += length
    if begin != len(plain):
        raise FormatError("bytes after the last name")
    return texts, at
