"""Why a node cannot be compiled."""

from emcc.base.text import printable


class Refusal(Exception):
    """Raised while a node is looked at; ends as a line of an EmccError, or of a survey."""

    def __init__(self, reason: str, hint: str = "") -> None:
        super().__init__(reason)
        self.reason, self.hint = reason, hint


def quoted(name: str) -> str:
    """Return a name from the model, in quotes, cut to a length that can be read."""
    return repr(printable(name))


class UnknownShapeError(Exception):
    """A node before this one was refused, so that its input's shape is not known."""
