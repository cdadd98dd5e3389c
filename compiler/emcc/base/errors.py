"""What the user did wrong, as opposed to what emcc did wrong."""

from collections.abc import Sequence

from emcc.base.text import printable

_LONGEST = 4000
"""Characters of a line."""


class EmccError(Exception):
    """A mistake in the user's input. The command line prints it without a traceback and exits with 2.

    Say what is wrong, where, and what to do about it; report all problems of one kind at once.

    Args:
        message: the cause, one sentence; names from a model are quoted with `repr`.
        file: the file that is at fault.
        node: the ONNX node or tensor that is at fault.
        hint: what to do.
        details: further lines, one a problem.
    """

    def __init__(
        self,
        message: str,
        *,
        file: object | None = None,
        node: str | None = None,
        hint: str | None = None,
        details: Sequence[str] = (),
    ) -> None:
        self.message, self.file, self.node, self.hint = message, file, node, hint
        self.details = tuple(details)
        super().__init__(str(self))

    def __str__(self) -> str:
        where = "".join(
            f"{part}: "
            for part in (self.file and printable(str(self.file)), self.node and f"node {printable(self.node)!r}")
            if part
        )
        lines = [f"{where}{self.message}", *(f"  {line}" for line in self.details)]
        if self.hint:
            lines.append(f"  hint: {self.hint}")
        return "\n".join(printable(line, _LONGEST) for line in lines)
