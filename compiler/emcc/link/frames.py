"""Frames as bytes, and bytes as frames: docs/board-link.md."""

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from emcc.link.protocol import CRC_BYTES, ESCAPE, FLAG, FLAGS, FLIP, INFO, REPLY_HEAD, Field, command

_HEAD = sum(field.size for field in REPLY_HEAD)
_BITS = {field.name: 1 << bit for bit, field in enumerate(FLAGS)}
_LONGEST = 4096
"""More bytes without a flag are noise, and are forgotten."""


def framed(body: bytes) -> bytes:
    """Return a frame: flag, the body and its CRC with escapes, flag."""
    whole = body + zlib.crc32(body).to_bytes(CRC_BYTES, "little")
    escaped = bytearray()
    for byte in whole:
        escaped += bytes([ESCAPE, byte ^ FLIP]) if byte in (FLAG, ESCAPE) else bytes([byte])
    return bytes([FLAG, *escaped, FLAG])


def frame(name: str, number: int, payload: bytes = b"") -> bytes:
    """Return the frame of a command."""
    return framed(bytes([command(name), number & 255]) + payload)


class Decoder:
    """Bytes as they come, taken apart; `damaged` counts what stood between two flags and was no frame."""

    def __init__(self) -> None:
        self.damaged = 0
        self._held = bytearray()
        self._begun = self._escaped = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield the bodies of the frames that end in `data`, those whose CRC holds."""
        for byte in data:
            if byte == FLAG:
                body, begun = bytes(self._held), self._begun
                self._held.clear()
                self._begun, self._escaped = True, False
                if begun and body:
                    if len(body) > CRC_BYTES and zlib.crc32(body[:-CRC_BYTES]) == int.from_bytes(
                        body[-CRC_BYTES:], "little"
                    ):
                        yield body[:-CRC_BYTES]
                    else:
                        self.damaged += 1
            elif byte == ESCAPE:
                self._escaped = True
            else:
                self._held.append(byte ^ FLIP if self._escaped else byte)
                self._escaped = False
                if len(self._held) > _LONGEST:
                    self._begun = False
                    self._held.clear()


@dataclass(frozen=True)
class Answer:
    """A reply taken apart; see protocol.REPLY_HEAD."""

    reply: int
    last: int
    flags: int
    version: int
    value: int
    payload: bytes

    def has(self, flag: str) -> bool:
        """Tell whether a flag is set."""
        return bool(self.flags & _BITS[flag])


def answer(body: bytes) -> Answer | None:
    """Take a reply apart; None where it is none: too short, or what was sent comes back."""
    if len(body) < _HEAD or body[0] < 128:
        return None
    fields = _taken_apart(body, REPLY_HEAD)
    numbers = {name: int.from_bytes(value, "little") for name, value in fields.items()}
    return Answer(**numbers, payload=body[_HEAD:])


def info(payload: bytes) -> dict[str, bytes] | None:
    """Take apart what a board says it is, by field; None where it is too short."""
    return _taken_apart(payload, INFO) if len(payload) >= sum(field.size for field in INFO) else None


def _taken_apart(data: bytes, layout: Sequence[Field]) -> dict[str, bytes]:
    fields, at = {}, 0
    for field in layout:
        fields[field.name] = data[at : at + field.size]
        at += field.size
    return fields
