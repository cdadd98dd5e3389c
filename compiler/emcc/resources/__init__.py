"""The files emcc ships beside its code: templates, the RTL library and the Verilator harness.

Here they are links to `templates/`, `hw/rtl/` and `sim/verilator/`, in a wheel real files;
`importlib.resources` is the only way to reach them.
"""

from importlib.resources import files
from importlib.resources.abc import Traversable


def folder(name: str) -> Traversable:
    """Return the data folder `name`: "templates", "rtl" or "harness"."""
    return files(__name__).joinpath(name)
