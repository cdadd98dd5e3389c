"""model.emc: the compressed model, for storage and boot. docs/format.md is its specification."""

from emcc.container.codec import decode, encode

__all__ = ["decode", "encode"]
