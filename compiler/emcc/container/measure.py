"""What each section of a model.emc costs, as in the tables of Deep Compression (Han et al. 2016)."""

from dataclasses import dataclass

import numpy as np

from emcc.container.codec import read_entries, read_values
from emcc.container.file import reading, unframe
from emcc.container.skeleton import LayerHead
from emcc.ir.graph import Array


@dataclass(frozen=True)
class Section:
    """One section of the file.

    Attributes:
        layer: the layer's name; "" for the model's own.
        section: "header" (checksums and frame with it), "tables", "codes", "runs", "codebook" or "bias".
        bytes: in the file.
        symbols: entries, or integers; 0 for the header.
        width: bits a symbol takes uncoded; 0 where they differ.
        entropy: bits a symbol, of the symbols' own distribution; 0 where it is not Huffman coded.
    """

    layer: str
    section: str
    bytes: int
    symbols: int = 0
    width: int = 0
    entropy: float = 0.0

    @property
    def bits(self) -> int:
        """In the file."""
        return self.bytes * 8


@dataclass(frozen=True)
class LayerSize:
    """One layer: elements of its matrix, non-zero ones, padding zeros, and its sections."""

    name: str
    rows: int
    columns: int
    weights: int
    kept: int
    padding: int
    code_w: int
    run_w: int
    by_columns: bool
    codes: Section
    runs: Section
    codebook: Section
    bias: Section

    @property
    def bytes(self) -> int:
        """In the file, without its share of the header."""
        return self.codes.bytes + self.runs.bytes + self.codebook.bytes + self.bias.bytes


def layer_sizes(data: bytes, *, file: object | None = None) -> list[LayerSize]:
    """A row a layer. EmccError as from `decode`."""
    head, sections = unframe(data, file)
    return [_layer_size(sections, i, layer, file) for i, layer in enumerate(head.layers, 1)]


def sizes(data: bytes, *, file: object | None = None) -> list[Section]:
    """A row a section, in the order of the file; their bytes sum up to the file's."""
    head, sections = unframe(data, file)
    rows = [Section("", "header", len(data) - sum(map(len, sections.values())))]
    if head.tables:
        rows.append(Section("", "tables", len(sections["tables"])))
    for layer in layer_sizes(data, file=file):
        rows += [layer.codes, layer.runs, layer.codebook, layer.bias]
    return rows


def entropy(symbols: Array) -> float:
    """Bits a symbol, of the symbols' own distribution; 0 for none."""
    counts = np.bincount(symbols)
    share = counts[counts > 0] / max(len(symbols), 1)
    return float(-(share * np.log2(share)).sum()) + 0.0


def _layer_size(sections: dict[str, bytes], number: int, layer: LayerHead, file: object | None) -> LayerSize:
    found = read_entries(sections, number, layer, file)
    with reading(f"layer {number} values", file):
        codebook, _, codebook_bytes = read_values(sections[f"layer {number} values"], layer)
    name = layer.node.name
    codes, runs, values = (len(sections[f"layer {number} {part}"]) for part in ("codes", "runs", "values"))
    kept = int(np.count_nonzero(found.code))
    return LayerSize(
        name=name,
        rows=layer.rows,
        columns=layer.columns,
        weights=layer.rows * layer.columns,
        kept=kept,
        padding=len(found.code) - kept,
        code_w=layer.code_w,
        run_w=found.run_w,
        by_columns=found.by_columns,
        codes=Section(name, "codes", codes, len(found.code), layer.code_w, entropy(found.code)),
        runs=Section(name, "runs", runs, len(found.run), found.run_w, entropy(found.run)),
        codebook=Section(name, "codebook", codebook_bytes, int(np.count_nonzero(codebook)), 16),
        bias=Section(name, "bias", values - codebook_bytes, layer.rows),
    )
