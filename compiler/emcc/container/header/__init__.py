"""What the header says of a graph: everything but its numbers, as one msgpack list (docs/format.md)."""

from emcc.container.header.read import unpack
from emcc.container.header.survey import header_of
from emcc.container.header.values import Constant, Header
from emcc.container.header.words import WORDS
from emcc.container.header.write import pack

__all__ = ["WORDS", "Constant", "Header", "header_of", "pack", "unpack"]
