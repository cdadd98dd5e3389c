"""The header as bytes."""

from collections.abc import Mapping
from typing import Any

import msgpack

from emcc.container.bits import FormatError
from emcc.container.header.constants import constant_rows
from emcc.container.header.doors import plain_value
from emcc.container.header.links import Plain, users_of
from emcc.container.header.tensors import tensor_rows
from emcc.container.header.values import LONGEST, Header
from emcc.container.header.words import WORDS


def pack(head: Header) -> bytes:
    """The header's bytes."""
    words = {word: number for number, word in enumerate(WORDS)}
    kinds: dict[tuple[int, ...], int] = {}

    def row(op: str, links: list[Any], attrs: Mapping[str, Any]) -> list[Any]:
        key = tuple(words.setdefault(name, len(words)) for name in (op, *sorted(attrs)))
        return [kinds.setdefault(key, len(kinds)), *links, *(plain_value(attrs[name]) for name in sorted(attrs))]

    numbers = {name: i for i, name in enumerate(["", *head.tensors, *(constant.name for constant in head.constants)])}
    ends = [[numbers[name] for name in names] for names in (head.inputs, head.outputs)]
    nodes, plain = [], Plain(len(head.tensors))
    for node in head.nodes:
        inputs, outputs = ([numbers[name] for name in names] for names in (node.inputs, node.outputs))
        short = plain.expected(len(inputs)) == (inputs, outputs)
        nodes.append(row(node.op, [len(inputs)] if short else [inputs, outputs], node.attrs))
        plain.take(inputs, outputs)
    host = [row(op, [], attrs) for op, attrs in head.host]
    users = users_of([[numbers[name] for name in node.inputs] for node in head.nodes], head.nodes, len(numbers))
    constants = constant_rows(head, users[1 + len(head.tensors) :])
    texts = [head.name, *head.tensors, *(node.name for node in head.nodes), *list(words)[len(WORDS) :]]
    affines = [[numbers[name], *sizes, *([norm] if norm else [])] for name, (*sizes, norm) in head.affines.items()]
    fields = [texts, tensor_rows(head), constants, *ends, list(map(list, kinds)), nodes, host, affines]
    packed = msgpack.packb(fields, unicode_errors="surrogatepass")
    if len(packed) > LONGEST:
        raise FormatError(f"names and attributes take {len(packed)} bytes, more than {LONGEST}")
    return bytes(packed)
