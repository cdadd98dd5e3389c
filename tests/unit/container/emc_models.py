"""Quantised graphs to encode."""

from typing import Any

import numpy as np

from emcc.ir.blocks import Blocks
from emcc.ir.graph import Format, Graph, Node, Tensor

Array = np.ndarray[Any, Any]


def quantised(layers: list[dict[str, Any]], shape: tuple[int, ...] | None = None, host: tuple[Any, ...] = ()) -> Graph:
    """A chain of QLinear; a layer is a dict of codes, codebook, code_w, bias and, for a table, coarse and fine."""
    shape = shape or (layers[0]["codes"].shape[1],)
    tensors = {"image": Tensor("image", (None, *shape), "float32", Format(16, 14))}
    nodes, constants, x = [], {}, "image"
    for i, layer in enumerate(layers, 1):
        y, z_frac = f"h{i}", 8 + i
        arrays = {part: layer[part] for part in ("codes", "codebook", "bias", "coarse", "fine") if part in layer}
        names = {part: f"ip{i}.{part}" for part in arrays}
        attrs = {
            "code_w": layer["code_w"],
            "weight_frac": 15,
            "z_frac": z_frac,
            "act_w": 16,
            "lo_bits": 0,
            "hi_bits": 0,
        }
        fmt = tensors[x].fmt
        assert fmt
        attrs |= {"shift": fmt.frac_bits + 15 - z_frac, "function": layer.get("function", "relu")}
        if "coarse" in layer:
            attrs |= {"function": "table", "lo_bits": layer["lo_bits"], "hi_bits": layer["hi_bits"]}
        tensors[y] = Tensor(y, (None, layer["codes"].shape[0]), "float32", Format(16, z_frac + ("coarse" in layer)))
        inputs = [*names.values()]
        inputs[3:3] = [""] * ("coarse" in layer)
        nodes.append(Node(f"ip{i}", "QLinear", (x, *inputs), (y,), attrs))
        constants |= {names[part]: value for part, value in arrays.items()}
        x = y
    return Graph("lenet", ("image",), (x,), tuple(nodes), tensors, constants, host=host)


def random_layer(
    rng: np.random.Generator, rows: int, columns: int, density: float, code_w: int = 4, entries: int | None = None
) -> dict[str, Any]:
    """Codes that are Gaussian around the middle of a sorted codebook, as k-means leaves them."""
    top = (1 << code_w) - 1 if entries is None else entries
    codebook = np.zeros(1 << code_w, np.int64)
    codebook[1 : top + 1] = np.sort(rng.integers(-32768, 32768, top))
    codes = np.clip(np.rint(rng.normal(top / 2, top / 6, (rows, columns))), min(top, 1), top).astype(np.uint8)
    codes[rng.random((rows, columns)) >= density] = 0
    bias = np.rint(rng.normal(0, 0.05, rows) * 2**29).astype(np.int64)
    return {"codes": codes, "codebook": codebook, "code_w": code_w, "bias": bias}


def lenet(density: float = 0.08) -> Graph:
    """LeNet-300-100 at one density, from a fixed seed."""
    rng = np.random.default_rng(0)
    shapes = [(300, 784), (100, 300), (10, 100)]
    return quantised([random_layer(rng, *s, density) for s in shapes], (1, 28, 28), (("Softmax", {"axis": -1}),))


def in_blocks(rows: int, columns: int, block: int, entries: int, books: int, seed: int = 0) -> Graph:
    """A product-quantised layer of random codes; the first sub-vector of a codebook is zero."""
    rng = np.random.default_rng(seed)
    values = rng.integers(-9, 9, (books, entries, block)).astype(np.float32)
    values[:, 0] = 0
    codes = rng.integers(0, entries, (rows, columns // block)).astype(np.uint8)
    blocks = Blocks(values, codes, (rows, columns))
    nodes = (Node("one", "Linear", ("x", "w", "b"), ("y",), {}),)
    tensors = {"x": Tensor("x", (None, columns)), "y": Tensor("y", (None, rows))}
    return Graph(
        "g", ("x",), ("y",), nodes, tensors, {"w": blocks.weights(), "b": np.zeros(rows)}, blocks={"w": blocks}
    )


def same(a: Graph, b: Graph) -> bool:
    """Whether all that a file holds is equal, dtypes too."""
    plain = ("name", "inputs", "outputs", "nodes", "tensors", "host")
    return (
        all(getattr(a, part) == getattr(b, part) for part in plain)
        and a.constants.keys() == b.constants.keys()
        and a.affines.keys() == b.affines.keys()
        and all(np.array_equal(a.affines[k].scale, b.affines[k].scale) for k in a.affines)
        and all(np.array_equal(a.affines[k].offset, b.affines[k].offset) for k in a.affines)
        and all(a.affines[k].norm == b.affines[k].norm for k in a.affines)
        and all(a.constants[k].dtype == b.constants[k].dtype for k in a.constants)
        and all(np.array_equal(a.constants[k], b.constants[k]) for k in a.constants)
        and a.blocks.keys() == b.blocks.keys()
        and all(np.array_equal(a.blocks[k].codes, b.blocks[k].codes) for k in a.blocks)
        and all(np.array_equal(a.blocks[k].values, b.blocks[k].values) for k in a.blocks)
    )
