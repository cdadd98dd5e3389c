"""emcc: ONNX in, compressed sparse accelerator (EIE) out, proven bit for bit.

    import emcc

    artefact = emcc.compile("model.onnx", data=(x, y), max_drop=1, pes=16)
    artefact.predict(x)
    artefact.write("model_eie")

Importing does no work: what is used is loaded when it is first used.
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

from emcc.base.version import __version__ as __version__

if TYPE_CHECKING:
    from emcc.api.artefact import Artefact as Artefact
    from emcc.api.calls import compile as compile
    from emcc.api.calls import compress as compress
    from emcc.api.calls import load as load
    from emcc.api.inputs import EmccWarning as EmccWarning
    from emcc.api.report import Report as Report
    from emcc.base.errors import EmccError as EmccError
    from emcc.runtime.result import Answers as Answers
    from emcc.runtime.result import SimulationResult as SimulationResult

_WHERE = {
    **dict.fromkeys(("compile", "load"), "api.calls"),
    "Artefact": "api.artefact",
    "EmccWarning": "api.inputs",
    "Report": "api.report",
    "EmccError": "base.errors",
    **dict.fromkeys(("Answers", "SimulationResult"), "runtime.result"),
}

__all__ = ["__version__", "compress", *_WHERE]


class _CompressRoom(ModuleType):
    """The room `emcc.compress`, which can be called: emcc.compress(model, ...) is emcc.api.calls.compress."""

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        return import_module("emcc.api.calls").compress(*arguments, **options)


class _Package(ModuleType):
    def __setattr__(self, name: str, value: Any) -> None:
        if name == "compress" and type(value) is ModuleType:
            value.__class__ = _CompressRoom
        super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package


def __getattr__(name: str) -> Any:
    """Load what is asked for."""
    if name == "compress":
        return import_module("emcc.compress")
    if name not in _WHERE:
        raise AttributeError(f"module 'emcc' has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f"emcc.{_WHERE[name]}"), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
