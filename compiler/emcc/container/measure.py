"""What each part of a model.emc costs, as in the tables of Deep Compression (Han et al. 2016)."""

from dataclasses import dataclass

import numpy as np

from emcc.container import huffman
from emcc.container.codec import read_layers
from emcc.container.file import unframe
from emcc.container.layers import Layer
from emcc.container.skeleton import LayerHead
from emcc.ir.graph import Array


@dataclass(frozen=True)
class Section:
    """One part of the file.

    Attributes:
        layer: the layer's name; "" for the model's own.
        section: "header" (checksums and frame with it), "tables", "codes", "runs", "codebook" or "bias". "runs" is
            where the non-zero codes are, however that is coded.
        bytes: in the file. Where codes and runs share a byte, it counts as the runs'.
        symbols: entries, or integers; 0 for the header.
        width: bits a symbol takes uncoded; 0 where they differ.
        entropy: bits a symbol by the model: of the symbols' own distribution if Huffman coded, what the adaptive
            probabilities gave if range coded; 0 where it is neither.
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

    @property
    def over(self) -> float:
        """How much more it takes than its model's entropy, as a share of that; 0 where there is none."""
        least = self.entropy * self.symbols
        return self.bits / least - 1 if least else 0.0


@dataclass(frozen=True)
class LayerSize:
    """One layer: elements of its matrix, non-zero ones, padding zeros, and its parts.

    coding: "huffman" or "range", which has no padding, run_w or scan order (0, 0 and False).
    """

    name: str
    coding: str
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
    found = read_layers(head, sections, file)
    return [_layer_size(layer, each) for layer, each in zip(head.layers, found, strict=True)]


def sizes(data: bytes, *, file: object | None = None) -> list[Section]:
    """A row a part, in the order of the header; their bytes sum up to the file's."""
    head, sections = unframe(data, file)
    rows = [Section("", "header", len(data) - sum(map(len, sections.values())))]
    if head.tables:
        rows.append(Section("", "tables", len(sections["tables"])))
    for layer in layer_sizes(data, file=file):
        rows += [layer.codes, layer.runs, layer.codebook, layer.bias]
    return rows


def entropy(counts: Array) -> float:
    """Bits a symbol of symbols that occur so often; 0 for none."""
    share = counts[counts > 0] / max(int(counts.sum()), 1)
    return float(-(share * np.log2(share)).sum()) + 0.0


def _layer_size(layer: LayerHead, found: Layer) -> LayerSize:
    name, weights = layer.node.name, layer.rows * layer.columns
    if found.scanned:
        plan = found.scanned
        entries, padding = int(plan.codes.sum()), int(plan.codes[0])
        code_bytes = -(-sum(huffman.coded_bits(plan.codes)) // 8)
        coded = plan.run_w, plan.by_columns
        codes = Section(name, "codes", code_bytes, entries, layer.code_w, entropy(plan.codes))
        runs = Section(name, "runs", found.matrix_bytes - code_bytes, entries, plan.run_w, entropy(plan.runs))
    else:
        assert found.spent
        entries, padding, coded = int(np.count_nonzero(found.codes)), 0, (0, False)
        code_bytes = min(found.matrix_bytes, round(found.spent.codes / 8))
        codes = Section(name, "codes", code_bytes, entries, layer.code_w, found.spent.codes / max(entries, 1))
        runs = Section(name, "runs", found.matrix_bytes - code_bytes, entries, 0, found.spent.places / max(entries, 1))
    return LayerSize(
        name,
        "huffman" if found.scanned else "range",
        layer.rows,
        layer.columns,
        weights,
        entries - padding,
        padding,
        layer.code_w,
        *coded,
        codes,
        runs,
        Section(name, "codebook", found.codebook_bytes, int(np.count_nonzero(found.codebook)), 16),
        Section(name, "bias", found.bias_bytes, layer.rows),
    )
