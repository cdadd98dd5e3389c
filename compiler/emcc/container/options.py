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
        "auto",
        "of model.emc: huffman, which small hardware reads; range, smaller; or the smaller of both",
        choices=CODINGS,
    )
