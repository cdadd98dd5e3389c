"""A serial port that cannot be had is one clear error."""

import errno
from typing import Any, NoReturn

import pytest
import serial

from emcc.base.errors import EmccError
from emcc.runtime.board.port import Port


@pytest.mark.parametrize(
    ("number", "text", "says"),
    [
        (errno.EACCES, "Permission denied", "you may not use this port\n  hint: sudo usermod -aG dialout"),
        (errno.EBUSY, "Device or resource busy", "is used by another program"),
        (None, "Could not exclusively lock port", "is used by another program"),
        (None, "Could not configure port: (25, 'Inappropriate ioctl for device')", "is no serial port"),
        (errno.EMFILE, "Too many open files", "cannot be opened: .*Too many"),
    ],
)
def test_a_refusal_is_told(monkeypatch: pytest.MonkeyPatch, number: int | None, text: str, says: str) -> None:
    def refuse(*arguments: Any, **options: Any) -> NoReturn:
        raise serial.SerialException(*([text] if number is None else [number, text]))

    monkeypatch.setattr(serial, "Serial", refuse)
    with pytest.raises(EmccError, match=f"^/dev/ttyUSB0: {says}"):
        Port("/dev/ttyUSB0", 115_200)


def test_a_rate_that_no_port_has() -> None:
    with pytest.raises(EmccError, match=r"there is no such port|cannot be opened at"):
        Port("/dev/nowhere", 0)
