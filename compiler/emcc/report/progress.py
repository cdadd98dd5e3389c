"""What `emcc compile` shows while it works: one line on stderr that comes and goes, or nothing."""

import sys
from types import TracebackType
from typing import Any, Self


class Progress:
    """A spinner with the name of the present step. Silent if `quiet`, or where stderr is not a terminal.

    Use it as a context manager; call it with the name of each step as it begins.
    """

    def __init__(self, quiet: bool) -> None:
        self._status: Any = None
        if not quiet and sys.stderr.isatty():
            from rich.console import Console
            from rich.status import Status

            self._status = Status("", console=Console(stderr=True))

    def __call__(self, step: str) -> None:
        """A step begins."""
        if self._status:
            from rich.text import Text

            self._status.update(Text(step))

    def __enter__(self) -> Self:
        if self._status:
            self._status.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        if self._status:
            self._status.stop()
