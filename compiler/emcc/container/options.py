"""What the user may choose about model.emc."""

from dataclasses import dataclass
from typing import ClassVar

from emcc.base.options import option
from emcc.container.matrices import CODINGS


@dataclass(frozen=True)
class EncodeOptions:
    """The recipe's [encode] section."""

    name: ClassVar[str] = "encode"

    coding: str = option(
        "",
        "of model.emc: huffman, which hardware and firmware read; range, smaller, for storage; auto, the smaller of"
        ' both, layer by layer; "" is huffman for emcc compile and auto for emcc compress',
        choices=("", *CODINGS),
    )

    def of(self, command: str) -> str:
        """Return the coding of what a command ("compile", "compress") writes."""
        return self.coding or ("auto" if command == "compress" else "huffman")
