"""What a pass is."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

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


@dataclass
class Notes:
    """What a pass that decides something has to say of it, once it ran.

    Attributes:
        did: a sentence. warnings: what the user should know. facts: for emcc.json.
    """

    did: str = ""
    warnings: list[str] = field(default_factory=list)
    facts: Mapping[str, Any] = field(default_factory=dict)
