"""A bad line: bytes are dropped, doubled and flipped on their way, and now and then the cable is out for a while."""

import random
from collections import Counter
from collections.abc import Iterator

from emcc.link.device import Device
from emcc.link.session import Transport

KINDS = ("drop", "double", "flip", "pull")
LONGEST = 400
"""Bytes that a pulled cable may cost."""


class Bad:
    """A transport with faults, in both directions.

    Args:
        line: the transport. rate: of faults, a byte. seed: the same seed gives the same faults.
        pulls: the share of faults in which the cable is pulled.

    `faults` counts them by kind.
    """

    def __init__(self, line: Transport, rate: float, seed: int, pulls: float = 0.02) -> None:
        self.line, self.name, self.rate, self.pulls = line, line.name, rate, pulls
        self.faults: Counter[str] = Counter()
        self._random, self._out = random.Random(seed), 0

    def send(self, data: bytes) -> None:
        """Send what is left of the data."""
        self.line.send(bytes(self._through(data)))

    def receive(self) -> bytes:
        """Return what is left of what came."""
        while data := self.line.receive():
            if left := bytes(self._through(data)):
                return left
        return b""

    def close(self) -> None:
        """Leave the line."""
        self.line.close()

    def _through(self, data: bytes) -> Iterator[int]:
        for byte in data:
            if self._out:
                self._out -= 1
                continue
            if self._random.random() >= self.rate:
                yield byte
                continue
            kind = "pull" if self._random.random() < self.pulls else self._random.choice(KINDS[:3])
            self.faults[kind] += 1
            if kind == "pull":
                self._out = self._random.randrange(LONGEST)
            elif kind == "double":
                yield from (byte, byte)
            elif kind == "flip":
                yield byte ^ 1 << self._random.randrange(8)


class Direct:
    """A transport that ends in a model of a board, which loses its power at a rate, a byte; `outages` counts that."""

    name = "a model of a board"

    def __init__(self, device: Device, rate: float = 0.0, seed: int = 0) -> None:
        self.device, self.outages = device, 0
        self._rate, self._random, self._out = rate, random.Random(seed), bytearray()

    def send(self, data: bytes) -> None:
        """Let the model take bytes."""
        for byte in data:
            if self._random.random() < self._rate:
                self.device.power()
                self.outages += 1
            self._out += self.device.feed(bytes([byte]))

    def receive(self) -> bytes:
        """Return what it answered."""
        data = bytes(self._out)
        self._out.clear()
        return data

    def close(self) -> None:
        """Nothing is left open."""
