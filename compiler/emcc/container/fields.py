"""The header's fields: numbers, texts and attribute values, a byte or more each."""

import struct
from typing import Any

from emcc.container.bits import FormatError
from emcc.container.varint import read_uint, uint, unzigzag, zigzag

_DEEPEST = 8


class FieldWriter:
    """Numbers go into one stream, texts into another, before it."""

    def __init__(self) -> None:
        self._numbers = bytearray()
        self._texts: list[bytes] = []

    def byte(self, value: int) -> None:
        """0 to 255."""
        self._numbers.append(value)

    def uint(self, value: int) -> None:
        """LEB128."""
        self._numbers += uint(value)

    def sint(self, value: int) -> None:
        """Zigzag LEB128."""
        self._numbers += uint(zigzag(value))

    def dims(self, sizes: tuple[int, ...]) -> None:
        """uint number, and each as uint."""
        self.uint(len(sizes))
        for size in sizes:
            self.uint(size)

    def raw(self, value: bytes) -> None:
        """Bytes as they are."""
        self._numbers += value

    def text(self, value: str) -> None:
        """UTF-8 (a lone surrogate is kept)."""
        self._texts.append(value.encode("utf-8", "surrogatepass"))

    def value(self, value: Any) -> None:
        """An attribute: None, bool, int, float, str, bytes, or a tuple or list of such."""
        if value is None or value is False or value is True:
            self.byte((None, False, True).index(value))
        elif isinstance(value, int):
            self.byte(3)
            self.sint(value)
        elif isinstance(value, float):
            self.byte(4)
            self.raw(struct.pack("<d", value))
        elif isinstance(value, str):
            self.byte(5)
            self.text(value)
        elif isinstance(value, bytes):
            self.byte(6)
            self.uint(len(value))
            self.raw(value)
        elif isinstance(value, tuple) and all(type(item) is int for item in value):
            self.byte(9)
            self.uint(len(value))
            for item in value:
                self.sint(item)
        elif isinstance(value, tuple | list):
            self.byte(7 if isinstance(value, tuple) else 8)
            self.uint(len(value))
            for item in value:
                self.value(item)
        else:
            raise TypeError(f"no attribute can hold a {type(value).__name__}")

    def attrs(self, attrs: dict[str, Any]) -> None:
        """Named attributes, sorted by name."""
        self.uint(len(attrs))
        for key in sorted(attrs):
            self.text(key)
            self.value(attrs[key])

    def bytes(self) -> bytes:
        """uint number of texts; each one's uint size and bytes; the numbers."""
        texts = b"".join(uint(len(text)) + text for text in self._texts)
        return uint(len(self._texts)) + texts + self._numbers


class FieldReader:
    """Reads what FieldWriter wrote."""

    def __init__(self, data: bytes) -> None:
        self._data, self._next = data, 0
        self._texts: list[bytes] = []
        count, self._at = read_uint(data, 0)
        for _ in range(count):
            size, self._at = read_uint(data, self._at)
            self._texts.append(self.take(size))

    @property
    def left(self) -> int:
        """Bytes not read yet."""
        return len(self._data) - self._at

    def take(self, size: int) -> bytes:
        """The next bytes."""
        if size > self.left:
            raise FormatError("ends within a field")
        self._at += size
        return self._data[self._at - size : self._at]

    def byte(self) -> int:
        """0 to 255."""
        return self.take(1)[0]

    def uint(self, limit: int = 1 << 63) -> int:
        """LEB128; more than `limit` is an error."""
        value, self._at = read_uint(self._data, self._at)
        if value > limit:
            raise FormatError(f"{value} where at most {limit} is possible")
        return value

    def dims(self, limit: int) -> tuple[int, ...]:
        """uint number, and each as uint, at most `limit`."""
        return tuple(self.uint(limit) for _ in range(self.uint(self.left)))

    def sint(self, limit: int = 1 << 80) -> int:
        """Zigzag LEB128; beyond -limit to limit is an error."""
        return unzigzag(self.uint(2 * limit))

    def text(self) -> str:
        """The next text."""
        if self._next == len(self._texts):
            raise FormatError("a text is missing")
        self._next += 1
        try:
            return self._texts[self._next - 1].decode("utf-8", "surrogatepass")
        except UnicodeDecodeError:
            raise FormatError("a text is not UTF-8") from None

    def value(self, depth: int = 0) -> Any:
        """An attribute."""
        kind = self.byte()
        if kind < 3:
            return (None, False, True)[kind]
        if kind == 3:
            return self.sint()
        if kind == 4:
            return struct.unpack("<d", self.take(8))[0]
        if kind == 5:
            return self.text()
        if kind == 6:
            return self.take(self.uint())
        if kind == 9:
            return tuple(self.sint() for _ in range(self.uint(self.left)))
        if kind > 8 or depth > _DEEPEST:
            raise FormatError(f"no attribute is of kind {kind} at depth {depth}")
        items = [self.value(depth + 1) for _ in range(self.uint(self.left))]
        return tuple(items) if kind == 7 else items

    def attrs(self) -> dict[str, Any]:
        """Named attributes."""
        return {self.text(): self.value() for _ in range(self.uint(self.left))}

    def finish(self) -> None:
        """All must have been read."""
        if self.left or self._next != len(self._texts):
            raise FormatError(f"{self.left} bytes and {len(self._texts) - self._next} texts too many")
