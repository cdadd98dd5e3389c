"""The board's end of the link as a model: byte for byte what hw/rtl/emcc_link.sv does, without its clock.

Where the RTL needs time (to give activations on, to take results), the model has done it before the next byte comes.
"""

from dataclasses import dataclass
from typing import Protocol

from emcc.link.frames import framed
from emcc.link.protocol import (
    CRC_BYTES,
    CRC_POLY,
    CRC_RESIDUE,
    ESCAPE,
    FLAG,
    FLIP,
    HEAD,
    IDENTITY,
    IMAGE_AT,
    INFO_AT,
    VERSION,
    command,
    reply,
)  # fmt: skip
from emcc.link.render import info_at

RESET, CLEAR, INFORM = (command(name) for name in ("reset", "clear", "info"))
WRITE, READ, LOAD = (command(name) for name in ("write", "read", "load"))
STATE, INFO, DATA = (reply(name) for name in ("state", "info", "data"))
LONG, BODY, MOST = 255, HEAD + CRC_BYTES, 224


class Core(Protocol):
    """The accelerator as the link sees it: `wants` an activation, or `has` one; cycles that it ran."""

    @property
    def wants(self) -> bool: ...
    @property
    def has(self) -> bool: ...
    @property
    def cycles(self) -> int: ...

    def reset(self) -> None:
        """Begin again."""
        ...

    def push(self, value: int) -> None:
        """Take an activation, as an unsigned number."""
        ...

    def pull(self) -> int:
        """Give one."""
        ...


class Loader(Protocol):
    """What takes a boot image: `done` when it was good, `refused` when it was not; else it waits for more."""

    @property
    def done(self) -> bool: ...
    @property
    def refused(self) -> bool: ...

    def clear(self) -> None:
        """Begin again, without weights."""
        ...

    def push(self, byte: int) -> None:
        """Take a byte of the image."""
        ...


def _of_byte(byte: int) -> int:
    for _ in range(8):
        byte = byte >> 1 ^ (CRC_POLY if byte & 1 else 0)
    return byte


_TABLE = [_of_byte(byte) for byte in range(256)]


def _step(crc: int, byte: int) -> int:
    return crc >> 8 ^ _TABLE[(crc ^ byte) & 255]


@dataclass
class Device:
    """A board behind its serial line.

    Attributes:
        core: the accelerator. size: bytes of an activation. clock: in Hz.
        memory: what the board is, see link.render.memory.
        loader: of a board that takes weights.
    """

    core: Core
    size: int
    clock: int
    memory: bytes
    loader: Loader | None = None

    def __post_init__(self) -> None:
        self.power()

    def power(self) -> None:
        """Let the power come, after it went."""
        self._clear()
        self._info = bytearray(self.memory)
        self._frame = bytearray()
        self._hunting, self._escaped, self._crc = True, False, 0xFFFFFFFF
        self._last, self._open, self._late, self._stuck = 0, False, False, False
        self._kept: bytes | None = None

    def feed(self, data: bytes) -> bytes:
        """Take bytes from the line; return what the board answers."""
        return b"".join(self._byte(byte) for byte in data)

    def _byte(self, byte: int) -> bytes:
        if byte == FLAG:
            whole = not self._hunting and BODY <= len(self._frame) < LONG and self._crc == CRC_RESIDUE
            body = bytes(self._frame[:-CRC_BYTES]) if whole else b""
            self._late |= self._stuck and bool(self._frame)
            self._frame.clear()
            self._hunting, self._escaped, self._crc = False, False, 0xFFFFFFFF
            answer = self._taken(body) if whole else b""
            self._hunting = bool(answer)  # It does not listen while it sends.
            return answer
        if byte == ESCAPE:
            self._escaped = True
            return b""
        value = byte ^ FLIP if self._escaped else byte
        self._escaped, self._crc = False, _step(self._crc, value)
        if len(self._frame) < LONG:
            self._frame.append(value)
        return b""

    def _taken(self, body: bytes) -> bytes:
        code, number, payload = body[0] & 7, body[1], body[HEAD:]
        following = self._open and not self._late and number == (self._last + 1) & 255
        if code in (RESET, CLEAR):
            self._last, self._open, self._late, self._kept = number, True, False, None
            self._stuck = False
            self.core.reset()
            if code == CLEAR:
                self._clear()
        elif self._stuck:
            return b""
        if code in (RESET, CLEAR, INFORM):
            return self._answer(INFO, bytes(self._info[: 512 - INFO_AT]))
        if code == LOAD:
            if following and self._empty and not self._refused:
                self._last, self._kept = number, None
                self._load(payload)
            return b""
        if code == WRITE:
            if following and self._wants:
                self._last, self._kept = number, None
                self._push(payload)
            return b""
        if code == READ and self._kept is not None and number == self._last:
            return self._answer(DATA, self._kept)
        count = payload[0] if payload else self._first_of_crc(body)
        if code == READ and following and self._has and count < MOST:
            self._last, self._kept = number, self._pull(count)
            return self._answer(DATA, self._kept)
        return self._answer(STATE, b"")

    def _first_of_crc(self, body: bytes) -> int:
        """Return what a read without a payload asks for: the byte behind its number is its CRC's first."""
        crc = 0xFFFFFFFF
        for byte in body:
            crc = _step(crc, byte)
        return ~crc & 255

    @property
    def _empty(self) -> bool:
        return self.loader is not None and not self.loader.done

    @property
    def _refused(self) -> bool:
        return self.loader is not None and self.loader.refused

    @property
    def _wants(self) -> bool:
        return self.core.wants and not self._empty

    @property
    def _has(self) -> bool:
        return self.core.has and not self._empty

    def _clear(self) -> None:
        self.core.reset()
        self._loaded = 0
        if self.loader:
            self.loader.clear()

    def _load(self, payload: bytes) -> None:
        assert self.loader
        for byte in payload:
            if self.loader.done:
                self._stuck = True  # As in _push: there is more than an image.
                return
            if 0 <= self._loaded - IMAGE_AT < IDENTITY:
                self._info[info_at("digest") + IDENTITY + self._loaded - IMAGE_AT] = byte
            self._loaded += 1
            self.loader.push(byte)

    def _push(self, payload: bytes) -> None:
        for at in range(0, len(payload) - self.size + 1, self.size):
            if not self.core.wants:
                self._stuck = True  # It waits until what is left is wanted, and listens to a reset alone.
                return
            self.core.push(int.from_bytes(payload[at : at + self.size], "little"))

    def _pull(self, count: int) -> bytes:
        taken = b"".join(self.core.pull().to_bytes(self.size, "little") for _ in range(-(-count // self.size)))
        return taken[:count]

    def _answer(self, code: int, payload: bytes) -> bytes:
        flags = self._open | self._wants << 1 | self._has << 2 | self._late << 4
        flags |= self._empty << 5 | self._refused << 6
        value = self.clock if code == INFO else self.core.cycles & 0xFFFFFFFF
        head = bytes([code, self._last, flags, VERSION]) + value.to_bytes(4, "little")
        return framed(head + payload)
