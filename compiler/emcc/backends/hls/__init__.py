"""C99: the kernel library as it stands, and one model's tables and calls, for firmware and for high-level synthesis."""

from emcc.backends.hls.plain import plain
from emcc.backends.hls.render import Model
from emcc.backends.hls.validate import validate

__all__ = ["Model", "plain", "validate"]
