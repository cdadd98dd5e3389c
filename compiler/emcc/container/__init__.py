"""model.emc: the compressed model, for storage and boot. docs/format.md is its specification."""

from emcc.container.codec import decode, encode
from emcc.container.measure import LayerSize, Section, layer_sizes, sizes

__all__ = ["LayerSize", "Section", "decode", "encode", "layer_sizes", "sizes"]
