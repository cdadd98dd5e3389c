"""model.emc for graphs that are no chain: the graph's skeleton, and every layer's weights as the container codes them.

The file: "EMG", a version byte; uint size and the skeleton (JSON, deflated); uint size and container file of every
layer in order; the CRC-32 of all of it. A layer is coded as one QLinear [out, in / group * kh * kw] with empty names:
codes, 16-bit codebook integers at `weight_frac`, biases at FRAC + weight_frac. Activations have no formats here: that
is the array's matter, and it does not run such graphs yet.
"""

import json
import zlib
from typing import Any

import numpy as np

from emcc.container import decode, encode
from emcc.container.varint import read_uint, uint
from emcc.errors import EmccError
from emcc.ir.graph import Array, Codebook, Format, Graph, Node, Tensor
from emcc.passes.quantise import finest_weight_frac
from emcc.passes.share import canonical, looked_up

MAGIC, VERSION, FRAC = b"EMG", 1, 8
LIMIT = 1 << 26


def pack(shared: Graph) -> bytes:
    """The file of a graph with shared weights."""
    body = MAGIC + bytes([VERSION])
    skeleton = zlib.compress(json.dumps(_skeleton(shared), separators=(",", ":")).encode(), 9)
    body += uint(len(skeleton)) + skeleton
    for blob in layers(shared):
        body += uint(len(blob)) + blob
    return body + zlib.crc32(body).to_bytes(4, "little")


def layers(shared: Graph) -> list[bytes]:
    """Every layer's weights and biases, as a container file."""
    return [encode(_layer(shared, node)) for node in shared.layers()]


def unpack(data: bytes, file: object | None = None) -> Graph:
    """The graph with its weights and codebooks in floats. EmccError where the bytes are not such a file."""
    if not is_bundle(data) or len(data) < 9 or data[3] != VERSION:
        raise EmccError("is not a bundle that this emcc reads", file=file)
    if zlib.crc32(data[:-4]) != int.from_bytes(data[-4:], "little"):
        raise EmccError("is damaged: its checksum is wrong", file=file, hint="compress the model again")
    try:
        size, at = read_uint(data, 4)
        inflate = zlib.decompressobj()
        text = inflate.decompress(data[at : at + size], LIMIT)
        skeleton, at = json.loads(text), at + size
        blobs = []
        while at < len(data) - 4:
            size, at = read_uint(data, at)
            blobs.append(decode(data[at : at + size], file=file))
            at += size
        return _graph(skeleton, blobs)
    except (ValueError, KeyError, TypeError, IndexError, zlib.error) as error:
        raise EmccError(f"is damaged: {type(error).__name__}", file=file, hint="compress the model again") from error


def is_bundle(data: bytes) -> bool:
    """Whether it is one of these, and not a container file."""
    return data[:3] == MAGIC


def _layer(graph: Graph, node: Node) -> Graph:
    book = graph.codebooks[node.inputs[1]]
    bias = graph.constants[node.inputs[2]]
    rows = book.codes.shape[0]
    codes = np.ascontiguousarray(book.codes.reshape(rows, -1))
    frac = finest_weight_frac(book.values)
    frac = 0 if frac is None else frac
    codebook = np.zeros(1 << book.code_w, np.int64)
    codebook[: book.values.size] = np.floor(np.ldexp(book.values, frac) + 0.5).astype(np.int64)
    integers = np.floor(np.ldexp(bias, FRAC + frac) + 0.5).astype(np.int64)
    fmt = Format(16, FRAC)
    attrs: dict[str, Any] = {
        "code_w": book.code_w,
        "weight_frac": frac,
        "z_frac": FRAC,
        "shift": frac,
        "function": "identity",
    }
    if frac < 0:
        attrs |= {"z_frac": FRAC + frac, "shift": 0}
    attrs |= {"lo_bits": 0, "hi_bits": 0, "act_w": 16}
    names = (".codes", ".codebook", ".bias")
    tensors = {
        "x": Tensor("x", (None, codes.shape[1]), fmt=fmt),
        "y": Tensor("y", (None, rows), fmt=Format(16, int(attrs["z_frac"]))),
    }
    constants: dict[str, Array] = dict(zip(names, (codes, codebook, integers), strict=True))
    return Graph("", ("x",), ("y",), (Node("", "QLinear", ("x", *names), ("y",), attrs),), tensors, constants)


def _skeleton(graph: Graph) -> dict[str, Any]:
    own = {name for node in graph.layers() for name in node.inputs[1:]}
    rest = {name: value for name, value in graph.constants.items() if name not in own}
    return {
        "name": graph.name,
        "x": graph.inputs[0],
        "y": graph.outputs[0],
        "nodes": [
            [node.name, node.op, node.inputs, node.outputs[0], dict(node.attrs)]
            + ([graph.constants[node.inputs[1]].shape] if node.op in ("Linear", "Conv") else [])
            for node in graph.nodes
        ],
        "tensors": [[name, tensor.shape[1:], tensor.dtype] for name, tensor in graph.tensors.items()],
        "host": [[op, dict(attrs)] for op, attrs in graph.host],
        "constants": [[name, value.dtype.str, value.shape, value.tobytes().hex()] for name, value in rest.items()],
    }


def _graph(skeleton: dict[str, Any], blobs: list[Graph]) -> Graph:
    constants: dict[str, Array] = {
        str(name): np.frombuffer(bytes.fromhex(text), np.dtype(kind)).reshape(shape)
        for name, kind, shape, text in skeleton["constants"]
    }
    books: dict[str, Codebook] = {}
    nodes, left = [], iter(blobs)
    for name, op, inputs, output, attrs, *shape in skeleton["nodes"]:
        tuples = {key: tuple(value) if isinstance(value, list) else value for key, value in attrs.items()}
        nodes.append(Node(name, op, tuple(inputs), (output,), tuples))
        if not shape:
            continue
        blob = next(left)
        codes, codebook, bias = (blob.constants[each] for each in blob.nodes[0].inputs[1:4])
        frac = int(blob.nodes[0].attrs["weight_frac"])
        values = np.ldexp(codebook.astype(np.float64), -frac)
        book = canonical(values, codes.reshape(shape[0]), int(blob.nodes[0].attrs["code_w"]))
        books[inputs[1]] = book
        constants[inputs[1]] = looked_up(book.values.astype(np.float32), book.codes)
        constants[inputs[2]] = np.ldexp(bias.astype(np.float64), -FRAC - frac)
    tensors = {name: Tensor(name, (None, *shape), dtype) for name, shape, dtype in skeleton["tensors"]}
    host = tuple((op, attrs) for op, attrs in skeleton["host"])
    return Graph(skeleton["name"], (skeleton["x"],), (skeleton["y"],), tuple(nodes), tensors, constants, books, host)
