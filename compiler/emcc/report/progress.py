"""What a command shows while it works: one line on stderr that comes and goes, or nothing."""

import sys
from types import TracebackType
from typing import Any, Self

from emcc.base.events import Event
from emcc.base.text import printable


class Progress:
    """A spinner and a bar with the present step; for an Event, its loss, sparsity and quality on held-out data.

    Silent if `quiet`, or where stderr is not a terminal. Use it as a context manager; call it with the name of each
    step as it begins, or with every Event.
    """

    def __init__(self, quiet: bool) -> None:
        self._bar: Any = None
        if not quiet and sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

            description, facts = (
                TextColumn(f"{{task.{key}}}", markup=False) for key in ("description", "fields[facts]")
            )
            columns = (SpinnerColumn(), description, BarColumn(bar_width=20), facts, TimeElapsedColumn())
            self._bar = Progress(*columns, console=Console(stderr=True), transient=True)
            self._task = self._bar.add_task("", total=None, facts="")

    def __call__(self, step: Event | str, done: int = 0, total: int = 1) -> None:
        """Show a step, `done` of `total` parts of it over, or the epoch that an Event tells of."""
        facts = ""
        if isinstance(step, Event):
            facts = f"{step.done}/{step.total}, loss {step.loss:.4g}, sparsity {step.sparsity:.2%}, "
            facts += f"{step.measure} {step.quality:.2f} %"
            done, total, step = step.done, step.total, step.stage
        if self._bar:
            self._bar.update(self._task, description=printable(step), total=total, completed=done, facts=facts)

    def __enter__(self) -> Self:
        if self._bar:
            self._bar.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        if self._bar:
            self._bar.stop()
