"""The header of bytes that are not to be trusted."""

from typing import Any

import msgpack

from emcc.container.bits import FormatError
from emcc.container.header.constants import read_constants
from emcc.container.header.doors import as_int, as_text, as_tuple, attribute
from emcc.container.header.links import Plain, users_of
from emcc.container.header.tensors import read_affines, read_tensors
from emcc.container.header.values import LONGEST, Header
from emcc.container.header.words import WORDS
from emcc.ir.graph import Node


def unpack(data: bytes) -> Header:
    """The inverse of `pack`. FormatError for anything else."""
    if len(data) > LONGEST:
        raise FormatError(f"names and attributes take {len(data)} bytes, more than {LONGEST}")
    try:
        fields = msgpack.unpackb(data, use_list=False, unicode_errors="surrogatepass")
    except (ValueError, TypeError, RecursionError, OverflowError, msgpack.UnpackException) as error:
        raise FormatError(f"it is not msgpack: {error}") from None
    texts, tensor_rows, constant_rows, inputs, outputs, kinds, rows, host, scales = map(as_tuple, as_tuple(fields, 9))
    names, nodes_at = [as_text(text) for text in texts], 1 + len(tensor_rows)
    words_at, last = nodes_at + len(rows), nodes_at + len(constant_rows)
    if len(names) < words_at:
        raise FormatError("names are missing")
    words = [*WORDS, *names[words_at:]]
    known = [[words[as_int(at, len(words) - 1)] for at in as_tuple(kind, at_least=1)] for kind in kinds]

    def read(kind: Any, values: tuple[Any, ...]) -> tuple[str, dict[str, Any]]:
        op, *keys = known[as_int(kind, len(known) - 1)]
        return op, {key: attribute(value) for key, value in zip(keys, as_tuple(values, len(keys)), strict=True)}

    def numbers(value: Any) -> list[int]:
        return [as_int(number, last - 1) for number in as_tuple(value)]

    plain, drafts = Plain(len(tensor_rows)), []
    for row in rows:
        if isinstance(as_tuple(row, at_least=2)[1], tuple):
            links, values = (numbers(row[1]), numbers(as_tuple(row, at_least=3)[2])), row[3:]
        else:
            links, values = plain.expected(as_int(row[1], last - plain.constant + 1)), row[2:]
        plain.take(*links)
        drafts.append((*links, *read(row[0], values)))
    made = [Node(name, op, (), (), attrs) for name, (_, _, op, attrs) in zip(names[nodes_at:], drafts, strict=False)]
    users = users_of([number for number, *_ in drafts], made, last)[nodes_at:]
    tensors, constants = read_tensors(tensor_rows, names), read_constants(constant_rows, users)
    of = ["", *tensors, *(constant.name for constant in constants)]
    if len(set(of)) != last:
        raise FormatError("two tensors or constants have one name")

    def named(value: list[int]) -> tuple[str, ...]:
        if max(value, default=0) >= last:
            raise FormatError("a node takes or gives what is not there")
        return tuple(of[number] for number in value)

    nodes = tuple(
        Node(node.name, node.op, named(takes), named(gives), node.attrs)
        for node, (takes, gives, *_) in zip(made, drafts, strict=True)
    )
    tail = tuple(read(row[0], row[1:]) for row in (as_tuple(row, at_least=1) for row in host))
    ends = named(numbers(inputs)), named(numbers(outputs))
    scalable = [number for number in (*inputs, *outputs) if 0 < number < nodes_at]
    affines = read_affines(scales, {number: tensors[of[number]] for number in scalable}, set(inputs))
    return Header(names[0], *ends, tensors, constants, nodes, tail, affines)
