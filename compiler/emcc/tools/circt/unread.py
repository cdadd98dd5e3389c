"""What the reader says of C that it does not know."""

from typing import Any

from emcc.base.errors import EmccError


def unread(what: str, node: Any = None) -> EmccError:
    """Return the error for a construct."""
    line = getattr(getattr(node, "coord", None), "line", None)
    where = f", in line {line} of the preprocessed file" if line else ""
    return EmccError(f"the reader of C for CIRCT does not know {what}{where}")


def kind_of_node(node: Any) -> str:
    """Return what a node of the tree is: "For", "If" ..."""
    return type(node).__name__
