"""Program -> the contents of every read-only memory of the array, by the name of its file."""

from collections.abc import Mapping, Sequence

import numpy as np

from emcc.backends.rom.image import RomImage
from emcc.base.text import printable
from emcc.eie import descriptor
from emcc.eie.layout import Layout
from emcc.eie.memory import Memory, table
from emcc.ir.graph import Array
from emcc.ir.program import Layer, Program


def images(program: Program) -> Mapping[str, RomImage]:
    """Return every memory: "layers", "codebook", "coarse" and "fine" where there are tables, three a PE.

    Names are file names without a suffix, in a fixed order.
    """
    layout = Layout(program)
    memory = table(layout)
    result = {"layers": _layers(layout, memory["layers"]), "codebook": _codebook(layout, memory["codebook"])}
    if program.tables:
        coarse, fine = zip(*((function.coarse, function.fine) for function in program.tables), strict=True)
        result["coarse"] = _table(memory["coarse"], coarse, "coarse function tables")
        result["fine"] = _table(memory["fine"], fine, "fine function tables")
    for pe in range(program.pes):
        result[f"pe{pe:03}_ptr"] = _pointers(layout, memory["ptr"], pe)
        result[f"pe{pe:03}_spmat"] = _entries(layout, memory["spmat"], pe)
        result[f"pe{pe:03}_bias"] = _biases(layout, memory["bias"], pe)
    return result


def _unsigned(values: Array, width: int) -> Array:
    return np.asarray(values, np.int64).astype(np.uint64) & np.uint64((1 << width) - 1)


def _layers(layout: Layout, memory: Memory) -> RomImage:
    """Return the descriptors, fields from the low end, as emcc_ccu takes them apart."""
    layers = layout.program.layers
    comments = []
    for i, layer in enumerate(layers):
        fields = ", ".join(f"{name} {value}" for name, value in descriptor.values(layout, i).items())
        comments.append(f"layer {i} ({printable(layer.name)}): {fields}")
    words = [descriptor.packed(layout, i) for i in range(len(layers))]
    return RomImage(memory.width, words, ("layer table, one descriptor a layer", *comments))


def _codebook(layout: Layout, memory: Memory) -> RomImage:
    words = np.zeros(memory.depth, np.int64)
    comments = []
    for i, (layer, at) in enumerate(zip(layout.program.layers, layout.placements, strict=True)):
        words[at.book_base : at.book_base + layer.codebook.size] = layer.codebook
        size, frac = layer.codebook.size, layer.weight_frac
        comments.append(f"layer {i}: {size} weights from {at.book_base}, {frac} fraction bits")
    return RomImage(memory.width, _unsigned(words, memory.width), ("codebook, shared by all PEs", *comments))


def _table(memory: Memory, tables: Sequence[Array], title: str) -> RomImage:
    return RomImage(memory.width, _unsigned(np.concatenate(tables), memory.width), (title,))


def _pointers(layout: Layout, memory: Memory, pe: int) -> RomImage:
    """Return {start, count} of every column of every layer, start counted in this PE's whole Spmat memory."""
    columns, before = [], 0
    for layer in layout.program.layers:
        columns.append((layer.start[pe] + before) << layout.count_bits | layer.count[pe])
        before += int(layer.first[pe + 1] - layer.first[pe])
    # The start of an empty column may lie one past the end: it is never read.
    words = _unsigned(np.concatenate(columns), memory.width)
    comment = f"pointers of PE {pe}: start ({layout.start_bits} bits), count ({layout.count_bits} bits)"
    return RomImage(memory.width, words, (comment,))


def _entries(layout: Layout, memory: Memory, pe: int) -> RomImage:
    """Return {run, code} of every entry, the code in the low bits of its own layer's width."""
    words = np.zeros(memory.depth, np.int64)
    at = 0
    for layer in layout.program.layers:
        mine = _slice(layer, pe)
        words[at : at + mine.size] = mine
        at += mine.size
    return RomImage(memory.width, _unsigned(words, memory.width), (f"Spmat entries of PE {pe}: run, code",))


def _slice(layer: Layer, pe: int) -> Array:
    mine = slice(int(layer.first[pe]), int(layer.first[pe + 1]))
    return np.asarray(layer.run[mine].astype(np.int64) << layer.code_w | layer.code[mine])


def _biases(layout: Layout, memory: Memory, pe: int) -> RomImage:
    """Return the biases plus half of the last place that requantising drops: the array only has to shift."""
    program = layout.program
    words = np.zeros(memory.depth, np.int64)
    for layer, at in zip(program.layers, layout.placements, strict=True):
        mine = layer.bias[pe :: program.pes] + ((1 << layer.shift) >> 1)
        words[at.bias_base : at.bias_base + mine.size] = mine
    comment = f"biases of PE {pe} at accumulator scale, half of the last place added"
    return RomImage(memory.width, _unsigned(words, memory.width), (comment,))
