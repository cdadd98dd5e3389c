"""What `emcc compress` shows while it works: a bar with the loss, the sparsity and the quality on held-out data."""

import sys
from types import TracebackType
from typing import Any, Self

from emcc.base.events import Event


class Compressing:
    """A context manager that is called with every Event, or with the name of a step. Silent as report.Progress is."""

    def __init__(self, quiet: bool) -> None:
        self._bar: Any = None
        if not quiet and sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

            columns = (
                SpinnerColumn(),
                TextColumn("{task.description}", markup=False),
                BarColumn(bar_width=20),
                TextColumn("{task.completed}/{task.total}"),
                TextColumn("{task.fields[facts]}", markup=False),
                TimeElapsedColumn(),
            )
            self._bar = Progress(*columns, console=Console(stderr=True), transient=True)
            self._task = self._bar.add_task("", total=None, facts="")

    def __call__(self, event: Event | str) -> None:
        """A step begins, or an epoch has ended."""
        if not self._bar:
            return
        if isinstance(event, str):
            self._bar.update(self._task, description=event, total=1, completed=0, facts="")
            return
        facts = f"loss {event.loss:.4g}, sparsity {event.sparsity:.2%}, {event.measure} {event.quality:.2f} %"
        self._bar.update(self._task, description=event.stage, total=event.total, completed=event.done, facts=facts)

    def __enter__(self) -> Self:
        if self._bar:
            self._bar.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        if self._bar:
            self._bar.stop()
