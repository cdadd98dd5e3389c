"""Identifiers and comments in C for untrusted names."""

import re

LONGEST = 32
RESERVED = ("kernels", "pragmas", "config", "step", "port", "act")
"""What the library's own names go on with behind "emcc_"."""


def identifier(name: str) -> str:
    """Return what an identifier may go on with for any name: a-z, 0-9 and _, at most LONGEST, never empty.

    Names of other models may become the same one; `emcc_` and this are no name of the library's.
    """
    plain = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")[:LONGEST].strip("_")
    return f"{plain}_model" if plain in RESERVED else plain or "model"


def comment(name: str) -> str:
    """Return a name for a comment, which no name can end or go on: of other characters than these becomes ?."""
    return re.sub(r"[^A-Za-z0-9_.:/ -]|/(?=\*)|\*", "_", name)[:80]
