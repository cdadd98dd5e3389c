"""model.emc: the compressed model, for storage and boot."""

from emcc.container.codec import decode, encode

__all__ = ["decode", "encode"]
