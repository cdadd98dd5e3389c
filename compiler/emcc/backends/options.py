"""What the user may choose about what is emitted."""

from dataclasses import dataclass
from typing import ClassVar

from emcc.base.options import option


@dataclass(frozen=True)
class EmitOptions:
    """The recipe's [emit] section."""

    name: ClassVar[str] = "emit"

    weights: str = option(
        "rom",
        "pointers, entries, biases and multipliers are read-only memories, or come as a stream when the array is"
        " switched on (`emcc rom --format flash`)",
        choices=("rom", "boot"),
    )
