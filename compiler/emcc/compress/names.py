"""Names of what a method adds to a graph."""

from collections.abc import Container


def free(name: str, taken: Container[str]) -> str:
    """The name, or one like it that is not taken."""
    while name in taken:
        name += "_"
    return name
