"""The files emcc ships beside its code: templates, the libraries in Verilog and C, the harness, a bench, boards.

Here they are links to `templates/`, `hw/rtl/`, `hw/hls/`, `hw/cells/`, `sim/verilator/`, `sim/artefact/` and `boards/`,
in a wheel real files; `importlib.resources` is the only way to reach them.
"""

from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

from emcc.base.text import for_html


def folder(name: str) -> Traversable:
    """Return the data folder `name`: "templates", "rtl", "hls", "harness", "tb", "boards" or "cells"."""
    return files(__name__).joinpath(name)


@cache
def template(name: str, escape: bool = False) -> Any:
    """Return the Jinja template `name`; undefined names raise, and what is inserted is HTML-escaped if `escape`."""
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    return Environment(
        autoescape=escape,
        finalize=for_html if escape else None,
        undefined=StrictUndefined,
        loader=FunctionLoader(lambda path: folder("templates").joinpath(path).read_text("utf-8")),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    ).get_template(name)
