"""Emitted C as a syntax tree: what the C preprocessor leaves of it, read by pycparser."""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from emcc.base.errors import EmccError
from emcc.tools import cc
from emcc.tools.process import run

STDINT = "".join(
    f"typedef {base} int{bits}_t;\ntypedef unsigned {base} uint{bits}_t;\n"
    for bits, base in ((8, "char"), (16, "short"), (32, "int"), (64, "long"))
)
"""In the place of the system's header, which holds what C99 does not know."""
TIMEOUT = 60.0


def parsed(files: Mapping[str, bytes], name: str) -> Any:
    """Return the tree of one of some files, with what it includes.

    Raises:
        EmccError: there is no C compiler, or no pycparser.
        ToolError: the compiler rejects the file.
    """
    try:
        from pycparser.c_parser import CParser
    except ImportError as error:
        raise EmccError("pycparser is not installed", hint="pip install 'emcc-fpga[hls]'") from error
    return CParser().parse(preprocessed(files, name), name)


def preprocessed(files: Mapping[str, bytes], name: str) -> str:
    """Return a file with all it includes, its macros replaced."""
    with tempfile.TemporaryDirectory(prefix="emcc-c-") as place:
        for file, content in {**files, "stdint.h": STDINT.encode()}.items():
            (Path(place) / file).write_bytes(content)
        words = [*cc.compiler(), "-E", "-P", "-U__GNUC__", "-nostdinc", "-I.", "-DINT64_C(x)=x", name, "-o", "whole.i"]
        run("C compiler", words, cwd=Path(place), timeout=TIMEOUT)
        return (Path(place) / "whole.i").read_text("utf-8")
