"""A serial port, by pyserial."""

import errno
import os
import select
from typing import Any

from emcc.base.errors import EmccError
from emcc.base.text import printable

PATIENCE = 0.4
"""Seconds of silence after which a question is asked again: a USB adapter holds bytes back for 16 ms at most."""

STUCK = 60.0
"""Seconds in which a port has to take what is sent."""

_CAUSES = {
    errno.ENOENT: ("there is no such port", "is the board plugged in? /dev/ttyUSB* and /dev/ttyACM* are usual names"),
    errno.ENXIO: ("there is no such port", "is the board plugged in?"),
    errno.EACCES: ("you may not use this port", "sudo usermod -aG dialout $USER, and log in again"),
    errno.EBUSY: ("is used by another program", "end that one"),
    errno.EAGAIN: ("is used by another program", "end that one"),
    errno.EWOULDBLOCK: ("is used by another program", "end that one"),
    errno.ENOTTY: ("is no serial port", "name one: /dev/ttyUSB0"),
    errno.EISDIR: ("is no serial port", "name one: /dev/ttyUSB0"),
}


class Port:
    """A serial port as a transport of link.session: 8 data bits, no parity, a stop bit, no flow control."""

    def __init__(self, name: str, baud: int) -> None:
        self.name = name
        self._baud, self._sent = baud, 0
        self._serial = _opened(name, baud)
        self._serial.reset_input_buffer()

    def send(self, data: bytes) -> None:
        """Send bytes. EmccError where the port is gone, or takes nothing."""
        try:
            self._serial.write(data)
        except OSError as error:
            raise self._gone(error) from error
        self._sent += len(data)

    def receive(self) -> bytes:
        """Return what has come; wait for as long as what was sent needs, and PATIENCE. EmccError where it is gone."""
        try:
            ready, _, _ = select.select([self._serial.fileno()], [], [], PATIENCE + 20 * self._sent / self._baud)
            self._sent = 0
            data = os.read(self._serial.fileno(), 1 << 16) if ready else b""
        except OSError as error:
            raise self._gone(error) from error
        if ready and not data:
            raise self._gone(OSError(errno.EIO, "nothing is behind it"))
        return data

    def close(self) -> None:
        """Leave the port to others."""
        self._serial.close()

    def _gone(self, error: OSError) -> EmccError:
        says = printable(error.strerror or str(error))
        return EmccError(f"the line broke: {says}", file=self.name, hint="is the cable in? Run it again")


def _opened(name: str, baud: int) -> Any:
    try:
        import serial
    except ImportError as error:
        raise EmccError("pyserial is not installed", hint="pip install 'emcc-fpga[board]'") from error
    try:
        return serial.Serial(name, baud, timeout=0, write_timeout=STUCK, exclusive=True)
    except ValueError as error:
        raise EmccError(f"cannot be opened at {baud} baud: {printable(str(error))}", file=name) from error
    except OSError as error:
        number = error.errno
        if number is None and "lock" in str(error):
            number = errno.EBUSY
        elif number is None and "configure" in str(error):
            number = errno.ENOTTY
        cause, hint = _CAUSES.get(number or 0, (f"cannot be opened: {printable(str(error))}", None))
        raise EmccError(cause, file=name, hint=hint) from error
