"""The engines: what can run an artefact. A new back end is a row here, for `emcc run` and `emcc simulate` alike.

Nothing heavy is imported before an engine is used.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from emcc.base.errors import EmccError
from emcc.base.text import printable


@dataclass(frozen=True)
class Engine:
    """One engine.

    Attributes:
        says: what it is, a few words.
        runs: "module:function" of this package: (Opened, Dataset, progress) -> Answers.
        held: "module:function" that holds it against the reference, as runtime.simulate does; "" for the reference.
    """

    name: str
    says: str
    runs: str
    held: str = ""

    def answer(self, *arguments: Any, **options: Any) -> Any:
        """Run it: Answers. `options`: of the board, its port and baud rate."""
        return _loaded(self.runs)(*arguments, **options)

    def simulate(self, *arguments: Any, **options: Any) -> Any:
        """Hold it against the reference: a SimulationResult, of C a HeldResult. EmccError where it is the reference."""
        if not self.held:
            others = ", ".join(name for name, engine in ENGINES.items() if engine.held)
            says = (
                "is what engines are held against" if self.name == "reference" else "is not held against the reference"
            )
            raise EmccError(f"{self.name!r} {says}", hint=f"name one of {others}, or use `emcc run`")
        return _loaded(self.held)(*arguments, **options)


BOARD, RTL = "board", "rtl"

ENGINES: Mapping[str, Engine] = {
    engine.name: engine
    for engine in (
        Engine("reference", "the bit-exact model, in NumPy", "runtime.answers:reference"),
        Engine(RTL, "the emitted RTL, in Verilator", "runtime.answers:rtl", "runtime.simulate:simulate"),
        Engine("c", "the emitted C99 library", "runtime.compiled:run_c", "runtime.compiled:simulate_c"),
        Engine("hls", "the emitted C for synthesis", "runtime.compiled:run_hls", "runtime.compiled:simulate_hls"),
        Engine(BOARD, "a board at a serial port, or a virtual one", "runtime.board.answers:board"),
    )
}
NAMES = "|".join(ENGINES)


def engine(name: str) -> Engine:
    """Return the engine of that name. EmccError where there is none."""
    if name not in ENGINES:
        rows = [f"{engine.name}: {engine.says}" for engine in ENGINES.values()]
        raise EmccError(f"no engine {printable(name)!r}", details=rows, hint=f"there are {', '.join(ENGINES)}")
    return ENGINES[name]


def _loaded(place: str) -> Callable[..., Any]:
    module, function = place.split(":")
    loaded: Callable[..., Any] = getattr(import_module(f"emcc.{module}"), function)
    return loaded
