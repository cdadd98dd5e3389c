"""The digest that host and board know a design by."""

import hashlib
from collections.abc import Mapping

PROGRAM = "program.npz"
LINK = "rom/link.hex"
"""What holds the digest, and so has no part in it."""


def digest_of(files: Mapping[str, bytes]) -> str:
    """Return the SHA-256, in hex, of what a board computes and of how its host talks to it.

    These are program.npz, rtl/ and rom/ of an artefact's files: their names and contents, in order.
    """
    total = hashlib.sha256()
    for name in sorted(files):
        if name == PROGRAM or (name.startswith(("rtl/", "rom/")) and name != LINK):
            total.update(f"{name}\0{hashlib.sha256(files[name]).hexdigest()}\n".encode())
    return total.hexdigest()
