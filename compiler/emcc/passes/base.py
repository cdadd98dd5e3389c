"""What a pass is."""

from typing import Protocol

from emcc.ir.graph import Graph


class Pass(Protocol):
    """A frozen dataclass; its fields, made with `option`, are its section of the recipe."""

    @property
    def name(self) -> str:
        """The pass's, a ClassVar as a rule."""
        ...

    def apply(self, graph: Graph) -> Graph:
        """A new graph. Raises EmccError where the model, not emcc, is at fault."""
        ...
