"""Encodes and decodes a VGG-16 (138 M weights) of random codes at the densities of Deep Compression's table 4.

    python benchmarks/container_scale.py [--coding auto] [--json]

The graph is the shared one: convolutions and layers with float codebooks (256 entries for convolutions, 32 for the
others). Speeds are megabytes of float32 weights a second; the peak is the process's resident set, the input's included.
"""

import argparse
import json
import resource
import time

import numpy as np

from emcc.container import decode, encode
from emcc.ir.graph import Array, Codebook, Graph, Node, Tensor
from emcc.measure.sections import layer_sizes

# (rows, columns, percent of weights kept): Han et al., "Deep Compression", ICLR 2016, table 4.
LAYERS = [
    (64, 27, 58),
    (64, 576, 22),
    (128, 576, 34),
    (128, 1152, 36),
    (256, 1152, 53),
    (256, 2304, 24),
    (256, 2304, 42),
    (512, 2304, 32),
    (512, 4608, 27),
    (512, 4608, 34),
    (512, 4608, 35),
    (512, 4608, 29),
    (512, 4608, 36),
    (4096, 25088, 4),
    (4096, 4096, 4),
    (1000, 4096, 23),
]
CONVOLUTIONS = 13


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--coding", default="auto", choices=("auto", "huffman", "range"))
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    warm = vgg(LAYERS[:1])
    for coding in ("huffman", "range"):
        decode(encode(warm, coding=coding))
    graph = vgg(LAYERS)
    megabytes = sum(4 * rows * columns for rows, columns, _ in LAYERS) / 1e6
    begin = time.perf_counter()
    data = encode(graph, coding=options.coding)
    between = time.perf_counter()
    decoded = decode(data)
    end = time.perf_counter()
    same = all(np.array_equal(decoded.constants[name], graph.constants[name]) for name in graph.constants)
    result = {
        "bytes": len(data),
        "encode_mb_s": round(megabytes / (between - begin), 1),
        "decode_mb_s": round(megabytes / (end - between), 1),
        "peak_ratio": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / (megabytes * 1e6), 2),
        "same": same,
    }
    if options.json:
        print(json.dumps(result))
        return
    for row in layer_sizes(data):
        over = [f"{100 * part.over:5.2f} %" for part in (row.codes, row.runs)]
        print(f"{row.name:8} {row.coding:8} {row.kept:9} kept {row.bytes:9} bytes, over its model's entropy: {over}")
    print(result)


def vgg(shapes: list[tuple[int, int, int]], seed: int = 0) -> Graph:
    """One chain of layers by these shapes; tensors have no sizes, for nothing runs it."""
    rng = np.random.default_rng(seed)
    nodes, tensors, constants, books = [], {"t0": Tensor("t0", (None,))}, {}, {}
    for i, (rows, columns, percent) in enumerate(shapes):
        name, is_conv = f"layer{i + 1}", i < CONVOLUTIONS
        shape = (rows, columns // 9, 3, 3) if is_conv else (rows, columns)
        code_w, entries = 8, 256 if is_conv else 32
        values = np.append(0.0, np.sort(rng.normal(0, 0.05, entries - 1).astype(np.float32).astype(np.float64)))
        codes = random_codes(rng, rows * columns, percent / 100, entries).reshape(shape)
        books[f"{name}.weight"] = Codebook(values, codes, code_w)
        constants[f"{name}.weight"] = values.astype(np.float32)[codes]
        constants[f"{name}.bias"] = rng.normal(0, 1, rows).astype(np.float32)
        inputs = (f"t{i}", f"{name}.weight", f"{name}.bias")
        nodes.append(Node(name, "Conv" if is_conv else "Linear", inputs, (f"t{i + 1}",)))
        tensors[f"t{i + 1}"] = Tensor(f"t{i + 1}", (None,))
    return Graph("vgg16", ("t0",), (f"t{len(nodes)}",), tuple(nodes), tensors, constants, books)


def random_codes(rng: np.random.Generator, size: int, density: float, entries: int) -> Array:
    """Geometric gaps, and codes that are Gaussian around the middle of the codebook."""
    places = np.cumsum(rng.geometric(density, int(size * density))) - 1
    places = places[places < size]
    codes = np.zeros(size, np.uint8)
    codes[places] = np.clip(np.rint(rng.normal(entries / 2, entries / 6, len(places))), 1, entries - 1)
    return codes


if __name__ == "__main__":
    main()
