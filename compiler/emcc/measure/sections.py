"""What each part of a model.emc costs, as in the tables of Deep Compression (Han et al. 2016)."""

from dataclasses import dataclass

import numpy as np

from emcc.container import huffman
from emcc.container.codec import Layer, opened, read_arrays, read_layers
from emcc.ir.graph import Array


@dataclass(frozen=True)
class Section:
    """One part of the file.

    Attributes:
        layer: the layer's name; "" for the model's own.
        section: "header" (checksums and frame with it), "constants" (without codebooks and biases), "scales" (of inputs
            and outputs), "codes", "runs", "codebook" or "bias". "runs" is where the non-zero codes are, however that is
            coded.
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
    def over(self) -> float:
        """How much more it takes than its model's entropy, as a share of that; 0 where there is none."""
        least = self.entropy * self.symbols
        return 8 * self.bytes / least - 1 if least else 0.0


@dataclass(frozen=True)
class LayerSize:
    """One layer: weights of its matrix, those whose code is not zero, padding zeros, and its parts.

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
    """A row a coded constant. EmccError as from `decode`."""
    head, sections = opened(data, file)
    stored = read_arrays(head, sections, file)
    rows = []
    for constant, layer in zip(head.layers, read_layers(head, sections, stored, file), strict=True):
        node = next((node for node in head.nodes if layer.name in node.inputs), None)
        name = node.name if node else layer.name
        beside = node.inputs[node.inputs.index(layer.name) + 1 :] if node else ()
        values, size = (layer.values, layer.codebook_bytes)
        if values is None:
            values, size = stored.get(head.constants[constant.codebook].name, (np.zeros(0), 0))
            beside = beside[1:]
        bias, bias_size = stored.get(beside[0] if beside else "", (np.zeros(0), 0))
        book = Section(name, "codebook", size, int(np.count_nonzero(values)), 32 if constant.blocks else 16)
        rows.append(_layer_size(layer, name, book, Section(name, "bias", bias_size, bias.size)))
    return rows


def sizes(data: bytes, *, file: object | None = None) -> list[Section]:
    """A row a part, in the order of the header; their bytes sum up to the file's."""
    _, sections = opened(data, file)
    layers = layer_sizes(data, file=file)
    rows = [Section("", "header", len(data) - sum(map(len, sections.values())))]
    matrices = sum(len(content) for name, content in sections.items() if name not in ("constants", "scales"))
    beside = sum(layer.bytes for layer in layers) - matrices
    if "constants" in sections:
        rows.append(Section("", "constants", len(sections["constants"]) - beside))
    if "scales" in sections:
        rows.append(Section("", "scales", len(sections["scales"])))
    for layer in layers:
        rows += [layer.codes, layer.runs, layer.codebook, layer.bias]
    return rows


def entropy(counts: Array) -> float:
    """Bits a symbol of symbols that occur so often; 0 for none."""
    share = counts[counts > 0] / max(int(counts.sum()), 1)
    return float(-(share * np.log2(share)).sum()) + 0.0


def _layer_size(layer: Layer, name: str, codebook: Section, bias: Section) -> LayerSize:
    matrix, block = layer.matrix, layer.block
    beside = 8 * matrix.below / max(int(np.count_nonzero(matrix.codes)), 1)
    if matrix.scanned:
        plan = matrix.scanned
        entries, padding = int(plan.codes.sum()), int(plan.codes[0])
        code_bytes = -(-sum(huffman.coded_bits(plan.codes)) // 8) + matrix.below
        coded = plan.run_w, plan.by_columns
        codes = Section(name, "codes", code_bytes, entries, layer.code_w, entropy(plan.codes) + beside)
        runs = Section(name, "runs", matrix.bytes - code_bytes, entries, plan.run_w, entropy(plan.runs))
    else:
        assert matrix.spent
        entries, padding, coded = int(np.count_nonzero(matrix.codes)), 0, (0, False)
        code_bytes = min(matrix.bytes, round(matrix.spent.codes / 8) + matrix.below)
        bits = matrix.spent.codes / max(entries, 1) + beside
        codes = Section(name, "codes", code_bytes, entries, layer.code_w, bits)
        runs = Section(name, "runs", matrix.bytes - code_bytes, entries, 0, matrix.spent.places / max(entries, 1))
    return LayerSize(
        name,
        "huffman" if matrix.scanned else "range",
        matrix.codes.shape[0],
        block * matrix.codes.shape[1],
        block * matrix.codes.size,
        block * (entries - padding),
        padding,
        layer.code_w,
        coded[0],
        coded[1],
        codes,
        runs,
        codebook,
        bias,
    )
