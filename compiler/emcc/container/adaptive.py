"""Bytes and integers by the range coder, for what is short: the header's fields, biases, codebooks.

Bytes are predicted by those before them, after a primer that is part of the format; integers by the sizes of the two
before them.
"""

from functools import cache

import numpy as np

from emcc.base.jit import compiled
from emcc.container.bits import FormatError
from emcc.container.mixing import I64, Coder, Model, decide, new_model
from emcc.container.rangecoder import AT, close_coder, code_bit, new_state
from emcc.ir.graph import Array

ORDERS = 5
_HASHES = 10
_SIZES = 64


def write_bytes(data: bytes, primer: bytes) -> bytes:
    """The coder's bytes, without zeros at the end."""
    out = np.zeros(2 * len(data) + 64, np.uint8)
    coder = _coder(True, out)
    _code_bytes(coder, _primed(primer), _array(primer + data), len(primer))
    return out[: close_coder(coder.state, out)].tobytes()


def read_bytes(data: bytes, size: int, primer: bytes) -> bytes:
    """The `size` bytes that were written; FormatError if `data` has more than they take."""
    coder, content = _coder(False, _array(data)), _array(primer + bytes(size))
    _code_bytes(coder, _primed(primer), content, len(primer))
    _finish(coder, data)
    return content[len(primer) :].tobytes()


def write_integers(values: Array) -> bytes:
    """The coder's bytes of int64 values within 2**62."""
    out = np.zeros(10 * len(values) + 64, np.uint8)
    coder = _coder(True, out)
    _code_integers(coder, *_integer_models(), values.copy())
    return out[: close_coder(coder.state, out)].tobytes()


def read_integers(data: bytes, count: int) -> Array:
    """`count` int64; FormatError if `data` has more than they take."""
    coder, values = _coder(False, _array(data)), np.zeros(count, np.int64)
    _code_integers(coder, *_integer_models(), values)
    _finish(coder, data)
    return values


def _coder(writes: bool, data: Array) -> Coder:
    return Coder(new_state(writes, data), data, np.zeros(8, np.int64), np.zeros(8, np.int64))


def _array(data: bytes) -> Array:
    return np.frombuffer(bytearray(data), np.uint8)


def _finish(coder: Coder, data: bytes) -> None:
    if coder.state[AT] < len(data):
        raise FormatError(f"{len(data) - int(coder.state[AT])} bytes too many")


def _primed(primer: bytes) -> Model:
    """The model of bytes, after the primer; the caller's own."""
    model = _prime(primer)
    return model._replace(share=model.share.copy(), seen=model.seen.copy(), weight=model.weight.copy())


@cache
def _prime(primer: bytes) -> Model:
    model = new_model(ORDERS, 0, ORDERS << (_HASHES + 8), 17, 0, 6000, 14)
    out = np.zeros(2 * len(primer) + 64, np.uint8)
    _code_bytes(_coder(True, out), model, _array(primer), 0)
    return model


def _integer_models() -> tuple[Model, Model]:
    """Of sizes, and of signs and bits."""
    return new_model(3, 0, 3 << 14, 2, 0, 8000, 8), new_model(1, 0, 4 + _SIZES * 16, 2, 1 << 15, 0, 8)


@compiled
def _code_bytes(coder: Coder, model: Model, data: Array, begin: int) -> None:
    """Codes data[begin:], bit by bit from the highest, by the 0, 1, 2, 3 and 5 bytes before."""
    contexts = np.zeros(ORDERS, np.int64)
    for at in range(begin, len(data)):
        for k in range(ORDERS):
            order = 5 if k == 4 else k
            number = I64(order)
            for back in range(1, order + 1):
                before = I64(data[at - back]) if at >= back else I64(0)
                number = (number * 0x2F0B4C47 + before + 1) & 0xFFFFFFFF
            contexts[k] = k << _HASHES | ((number * 0x1E3779B1) & 0xFFFFFFFF) >> (32 - _HASHES)
        node = I64(1)
        for place in range(7, -1, -1):
            for k in range(ORDERS):
                coder.slots[k] = contexts[k] << 8 | node
            known = min(2, I64(model.seen[coder.slots[4]])) * 3 + min(2, I64(model.seen[coder.slots[3]]))
            node = 2 * node + decide((I64(data[at]) >> place) & 1, coder, model, known, 9 + place)
        data[at] = node & 255


@compiled
def _code_integers(coder: Coder, sizes: Model, bits: Model, values: Array) -> None:
    """Code of each value how many bits it has, in unary; its sign; its bits below the highest, three adaptively."""
    before = earlier = sign = I64(0)
    for i in range(len(values)):
        rest = abs(values[i])
        size = I64(0)
        while size < 62:
            coder.slots[0] = size
            coder.slots[1] = 1 << 14 | before << 6 | size
            coder.slots[2] = 2 << 14 | min(before >> 1, 15) << 10 | min(earlier >> 1, 15) << 6 | size
            if decide(I64(rest >> size == 0), coder, sizes, I64(0), I64(1)):
                break
            size += 1
        earlier, before = before, size
        if size == 0:
            values[i] = 0
            continue
        coder.slots[0] = sign
        negative = decide(I64(values[i] < 0), coder, bits, I64(0), I64(1))
        sign = 1 + I64(negative)
        number = I64(1)
        for place in range(size - 2, -1, -1):
            bit = (rest >> place) & 1
            if number < 8:
                coder.slots[0] = 4 + size * 16 + number
                bit = decide(bit, coder, bits, I64(0), I64(1))
            else:
                bit = code_bit(coder.state, coder.data, 1 << 15, bit)
            number = 2 * number + bit
        values[i] = -number if negative else number


def fits(values: Array) -> bool:
    """Whether `write_integers` takes them."""
    return bool(values.min(initial=0) > -(1 << 62) and values.max(initial=0) < 1 << 62)
