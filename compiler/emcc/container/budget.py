"""How much memory a file may ask for: a small file must not unfold into a huge model."""

from emcc.container.bits import FormatError

BASE = 1 << 28
PER_BYTE = 1024


class Budget:
    """Elements that decoding may allocate: BASE and PER_BYTE more a byte of the file."""

    def __init__(self, file_size: int) -> None:
        self._limit = self._left = BASE + PER_BYTE * file_size

    def take(self, elements: int, kind: str) -> None:
        """Take `elements` off the budget; raise FormatError where there are not so many left."""
        if elements > self._left:
            raise FormatError(f"{kind} of {elements} elements, where a file of this size may hold {self._limit}")
        self._left -= elements
