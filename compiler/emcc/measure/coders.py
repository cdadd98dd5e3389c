"""Lossless coders held against each other on the symbols of a model.emc: bytes a layer, and in all."""

import importlib
import zlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from emcc.base.errors import EmccError
from emcc.container import decode, encode
from emcc.container.bits import uint
from emcc.container.codec import opened, read_arrays, read_layers
from emcc.container.matrices import Matrix
from emcc.container.runs import Plan
from emcc.container.wide import classes_of
from emcc.files.artefact import read_file
from emcc.ir.codebook import raw
from emcc.ir.graph import Array
from emcc.measure import ans, shannon_fano
from emcc.measure.coding import RANGE_LIMIT

MODEL = "model.emc"
ZSTD_LEVEL = 19

Squeeze = Callable[[bytes], bytes]


def coders(encoded: bytes) -> dict[str, Any]:
    """Return {"layers": [{"name", "symbols", "bytes": by coder}], "totals": by coder, "limit": None or weights}.

    Each coder takes the same symbols: the zero runs and codes of Deep Compression's relative index, as the file's
    Huffman coder scans them, and then what the matrix has beside them. "shannon-fano" has codes a layer as "huffman"
    does, "ans" shares a layer (`measure.ans`), "zlib" and "zstd" take runs and codes as two strings of bytes; "range"
    is the file's range coder, on the same matrix. The last three are tried on models of at most `limit` weights, zstd
    where it is installed.
    """
    graph = decode(encoded)
    head, sections = opened(encode(graph, coding="huffman"), None)
    small = sum(layer.size for layer in head.layers) <= RANGE_LIMIT
    found = read_layers(head, sections, read_arrays(head, sections, None), None)
    squeezers = _squeezers() if small else {}
    rows: list[dict[str, Any]] = []
    for layer in found:
        node = next((node for node in head.nodes if layer.name in node.inputs), None)
        plan = layer.matrix.scanned
        assert plan is not None
        sizes = {
            "huffman": layer.matrix.bytes,
            "shannon-fano": layer.matrix.bytes - plan.size + _front(plan) + _coded(plan, shannon_fano.coded_bits),
        }
        beside = layer.matrix.bytes - plan.size + _front(plan)
        sizes["ans"] = beside + len(ans.encoded(numbers(layer.matrix)))
        for name, squeeze in squeezers.items():
            sizes[name] = beside + sum(len(squeeze(part)) for part in symbols(layer.matrix))
        rows.append({"name": node.name if node else layer.name, "symbols": 2 * int(plan.codes.sum()), "bytes": sizes})
    if small:
        head, sections = opened(encode(graph, coding="range"), None)
        for row, other in zip(rows, read_layers(head, sections, read_arrays(head, sections, None), None), strict=True):
            row["bytes"]["range"] = other.matrix.bytes
    names = list(rows[0]["bytes"]) if rows else []
    totals = {name: sum(row["bytes"][name] for row in rows) for name in names}
    return {"layers": rows, "totals": totals, "limit": None if small else RANGE_LIMIT}


def coders_in(folder: Path) -> dict[str, Any] | None:
    """Return `coders` of the model.emc in an artefact's folder; None where it is missing or no such file.

    Whoever wrote it may have written a graph that `encode` refuses, with a ValueError.
    """
    try:
        return coders(read_file(folder, MODEL))
    except (EmccError, ValueError):
        return None


def symbols(matrix: Matrix) -> tuple[bytes, bytes]:
    """The runs and the codes of a Huffman coded matrix, as bytes; runs of more than 8 bits are two, low first."""
    runs, codes = numbers(matrix)
    return runs.astype("<u2").tobytes() if runs.dtype == np.uint16 else runs.tobytes(), codes.tobytes()


def numbers(matrix: Matrix) -> tuple[Array, Array]:
    """The runs, uint8 or of more than 8 bits uint16, and the codes, uint8, of a Huffman coded matrix."""
    plan, codes = matrix.scanned, matrix.codes
    assert plan is not None
    codes = classes_of(codes) if codes.dtype.itemsize > 1 else raw(codes)
    flat = np.ascontiguousarray(codes.T if plan.by_columns else codes).reshape(-1)
    at = np.flatnonzero(flat)
    gaps = np.diff(at, prepend=-1) - 1
    paddings = gaps >> plan.run_w
    ends = np.cumsum(paddings + 1) - 1
    count = int(ends[-1]) + 1 if at.size else 0
    runs, kept = np.full(count, (1 << plan.run_w) - 1, np.int64), np.zeros(count, np.uint8)
    runs[ends], kept[ends] = gaps & ((1 << plan.run_w) - 1), flat[at]
    return runs.astype(np.uint16 if plan.run_w > 8 else np.uint8), kept


def _front(plan: Plan) -> int:
    """Bytes of scan order, run width and number of entries."""
    return 1 + len(uint(int(plan.codes.sum())))


def _coded(plan: Plan, bits_of: Callable[[Array], tuple[int, int]]) -> int:
    """Bytes of both tables and all codewords."""
    (run_table, run_bits), (code_table, code_bits) = bits_of(plan.runs), bits_of(plan.codes)
    return (run_table + code_table) // 8 + -(-(run_bits + code_bits) // 8)


def _squeezers() -> dict[str, Squeeze]:
    """Compressors of bytes by name: zlib without its header, zstd where Python or a package has it."""
    known: dict[str, Squeeze] = {"zlib": lambda data: zlib.compress(data, 9, -15)}
    for module in ("compression.zstd", "zstandard"):
        try:
            zstd = importlib.import_module(module)
        except ImportError:
            continue
        known["zstd"] = partial(zstd.compress, level=ZSTD_LEVEL)
        break
    return known
